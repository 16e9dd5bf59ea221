"""The printer for people."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, BinaryIO, TextIO

from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.masking import ShortIds
from medtrack_cli.output.printer import Group, Printer
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Sheet, Shown
from medtrack_cli.output.style import Style, marks_for
from medtrack_cli.output.terminal import Progress, ShareTerminal, width_of

if TYPE_CHECKING:
    from medtrack_cli.core.listening.listen import Sink, Watched

MOST_OF_A_GROUP = 10
"""The things of a group that are listed; the others are counted."""


MOST_COUNTED = 20
"""The names by which others are counted."""


class HumanPrinter(Printer):
    """Writes lines for people; see `Printer`."""

    def __init__(  # noqa: PLR0913 -- the streams, and one parameter an option
        self,
        stdin: BinaryIO,
        stdout: TextIO,
        stderr: TextIO,
        *,
        quiet: bool,
        verbose: int,
        wants_colour: Callable[[TextIO], bool],
        can_draw: bool,
    ) -> None:
        super().__init__(quiet=quiet)
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self._verbose = verbose
        self._can_draw = can_draw and stdout.isatty() and not quiet
        self._out = Style(on=wants_colour(stdout))
        self._err = Style(on=wants_colour(stderr))
        self._share_terminal: ShareTerminal = nullcontext
        self._beside: Callable[[str], None] | None = None  # a view on the terminal of stderr
        self._groups: Counter[str] = Counter()
        self._hidden: Counter[Group] = Counter()
        self._silent: set[str] = set()  # groups of which nothing is listed at all
        self._shorten = ShortIds()

    def show(self, shown: Shown, group: Group | None = None) -> None:
        if group is not None and not self._is_listed(group[0]):
            self._hidden[group] += group[0] not in self._silent
            return
        lines = list(shown.lines(self._sheet(self._stdout, self._out)))
        for line in lines:
            self._print(line)
        if group is not None and not lines:
            self._silent.add(group[0])

    def tell(self, shown: Shown) -> None:
        for line in shown.lines(self._sheet(self._stderr, self._err)):
            self._tell(line)

    def _is_listed(self, group: str) -> bool:
        """Return whether one is listed: the first of each group, or all with -v."""
        self._groups[group] += 1
        return self._verbose > 0 or self._groups[group] <= MOST_OF_A_GROUP

    def _sheet(self, stream: TextIO, style: Style) -> Sheet:
        is_terminal = stream.isatty()
        return Sheet(
            *(width_of(stream), marks_for(stream.encoding), style, self._quiet, self._verbose),
            is_terminal=is_terminal,
            shorten=self._shorten if is_terminal and not self._verbose else str,
        )

    def summary(self, kind: Kind, numbers: Mapping[str, float | str], sentence: str) -> None:  # noqa: ARG002 -- the numbers are for programs
        for line in _counted(+self._hidden):
            self._print(line)
        if not self._quiet:
            self._print(safe_text(sentence))
        self._stdout.flush()

    @contextmanager
    def deliveries(self, watched: "Watched") -> "Iterator[Sink]":
        if not (self._can_draw and watched.is_live):
            from medtrack_cli.output.event_lines import rows

            yield rows(self._stdout, watched, self.tell, colour=self._out.on)
            return
        from medtrack_cli.output.live.view import LiveView

        with LiveView(self._stdin, self._stdout, watched, colour=self._out.on) as view:
            beside = view.note if self._err_is_out() else None
            with self._sharing_terminal(view.share_terminal, beside):
                yield view

    @contextmanager
    def progress(self, line: Callable[[], str]) -> Iterator[None]:
        with (
            Progress(self._stderr, line, quiet=self._quiet) as progress,
            self._sharing_terminal(progress.hidden),
        ):
            yield

    @contextmanager
    def _sharing_terminal(
        self, share_terminal: ShareTerminal, beside: Callable[[str], None] | None = None
    ) -> Iterator[None]:
        self._share_terminal, self._beside = share_terminal, beside
        try:
            yield
        finally:
            self._share_terminal, self._beside = nullcontext, None

    def _err_is_out(self) -> bool:
        out, err = self._stdout, self._stderr
        return err.isatty() and os.path.sameopenfile(out.fileno(), err.fileno())

    def _print(self, line: str) -> None:
        with self._share_terminal():
            print(line, file=self._stdout)

    def _tell(self, line: str) -> None:
        if self._beside:
            self._beside(line)
            return
        with self._share_terminal():
            print(line, file=self._stderr, flush=True)


def _counted(hidden: Counter[Group]) -> Iterator[str]:
    """Count what wasn't listed by group and name: the most frequent, and the rest together."""
    for (group, name), count in hidden.most_common(MOST_COUNTED):
        yield f"{group} \N{MULTIPLICATION SIGN}{count:,} {safe_text(name)}"
    left = hidden.total() - sum(count for _, count in hidden.most_common(MOST_COUNTED))
    others = f"and {left:,} others: " if left else ""
    if hidden:
        yield f"… {others}-v lists them all"
