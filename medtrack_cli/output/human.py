"""The printer for people."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from medtrack_cli.core.heard import Listened
from medtrack_cli.core.listen import Sink, Watched
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.errors import MedtrackError, WrongExpression
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.listened import listened_lines, told
from medtrack_cli.output.masking import masked, masked_pointer
from medtrack_cli.output.pages import comparison_page, event_type_page
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.snippet import expression_lines
from medtrack_cli.output.style import Style
from medtrack_cli.output.terminal import width_of

if TYPE_CHECKING:
    from medtrack_cli.core.contracts import Compared
    from medtrack_cli.core.stats import Stats
    from medtrack_cli.events.registry import EventType
    from medtrack_cli.output.progress import MakeRoom

SHOWN_RECEIPTS = 10
"""So many receipts of each outcome are listed; the others are counted."""

_COLOURS = {
    Outcome.CONFIRMED: "green",
    Outcome.INVALID: "red",
    Outcome.REFUSED: "red",
    Outcome.UNROUTABLE: "yellow",
    Outcome.UNKNOWN: "yellow",
    Outcome.UNSENT: "dim",
}


class HumanPrinter:
    """Writes lines people read; see `Printer`."""

    def __init__(  # noqa: PLR0913 -- the streams, and one parameter an option
        self,
        stdin: BinaryIO,
        stdout: TextIO,
        stderr: TextIO,
        *,
        quiet: bool,
        verbose: int,
        colour: bool,
        can_draw: bool,
    ) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self._quiet = quiet
        self._verbose = verbose
        self._can_draw = can_draw and stdout.isatty() and not quiet
        self._out = Style(on=colour and stdout.isatty())
        self._err = Style(on=colour and stderr.isatty())
        self.make_room: MakeRoom = nullcontext
        self._beside: Callable[[str], None] | None = None  # a view on the terminal of stderr
        self._receipts: Counter[Outcome] = Counter()
        self._hidden = 0

    def finding(self, finding: Finding) -> None:
        style = self._out
        place = f"{safe_text(finding.file)}:{finding.span.line}:{finding.span.column}"
        colour = "red" if finding.is_error else "yellow"
        rule = style(f"{finding.severity}[{finding.rule}]", colour)
        pointer = f" at {safe_text(masked_pointer(finding.pointer))}" if finding.pointer else ""
        self._print(f"{style(place, 'bold')}: {rule}{pointer}: {safe_text(finding.message)}")
        if finding.suggestion:
            self._print(f"  {style('hint:', 'cyan')} {safe_text(finding.suggestion)}")

    def receipt(self, receipt: Receipt) -> None:
        if not self._is_shown(receipt.outcome):
            self._hidden += 1
            return
        for found in receipt.findings:
            self.finding(found)
        place = f"{safe_text(receipt.file)}:{receipt.line}"
        name = safe_text(receipt.event_type or "?")
        if receipt.routing_key not in {None, receipt.event_type}:
            name += f" as {safe_text(masked('routing_key', receipt.routing_key))}"
        outcome = self._out(f"{receipt.outcome:<10}", _COLOURS[receipt.outcome])
        message_id = _id(receipt.message_id)
        reason = f" ({safe_text(receipt.reason)})" if receipt.reason else ""
        self._print(f"{outcome} {name:<18} {message_id:<36} {place}{reason}")

    def _is_shown(self, outcome: Outcome) -> bool:
        """List the first receipts of each outcome; -v lists all, -q none that is confirmed."""
        if self._verbose:
            return True
        if self._quiet and outcome is Outcome.CONFIRMED:
            return False
        self._receipts[outcome] += 1
        return self._receipts[outcome] <= SHOWN_RECEIPTS

    def message(self, message: Message, queues: Sequence[str] | None) -> None:
        place = f"{safe_text(message.file)}:{message.line}"
        size = f"{len(message.body):,} bytes"
        name = safe_text(masked("routing_key", message.routing_key))
        self._print(f"would send {name:<18} {_id(message.message_id)} {size:>12} {place}")
        if queues is not None:
            reached = ", ".join(map(safe_text, queues)) if queues else "no queue: not delivered"
            self._print(f"           to {reached}")

    def summary(self, kind: str, numbers: Mapping[str, float | str], sentence: str) -> None:  # noqa: ARG002 -- the numbers are for programs
        if not self._quiet:
            if self._hidden:
                self._print(f"… and {self._hidden:,} more; -v lists them all")
            self._print(safe_text(sentence))
        self._stdout.flush()

    def rows(self, kind: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:  # noqa: ARG002
        cells = [[_cell(value) for value in row] for row in rows]
        titles = [column.replace("_", " ") for column in columns]
        widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
        for number, row in enumerate([titles, *cells]):
            padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
            line = "  ".join(padded).rstrip()
            self._print(self._out(line, "dim") if number == 0 else line)

    def page(self, kind: str, record: Mapping[str, Any], text: str) -> None:  # noqa: ARG002
        self._print("\n".join(safe_text(line) for line in text.split("\n")))

    def event_type(self, event_type: "EventType", example: Any) -> None:  # noqa: ANN401 -- JSON
        self.page("event_type", {}, event_type_page(event_type, example))

    def compared(self, compared: "Compared") -> None:
        self.page("comparison", {}, comparison_page(compared))

    def stats(self, stats: "Stats") -> None:
        from medtrack_cli.output.marks import marks_for
        from medtrack_cli.output.stats_page import Sheet, stats_page

        sheet = Sheet(width_of(self._stdout), marks_for(self._stdout.encoding), self._out)
        for line in stats_page(stats, sheet):
            self._print(line)

    @contextmanager
    def deliveries(self, watched: Watched) -> Iterator[Sink]:
        if not self._can_draw:
            from medtrack_cli.output.log import DeliveryLog

            yield DeliveryLog(self._stdout, watched, self.happened, colour=self._out.on)
            return
        from medtrack_cli.output.live import LiveView

        with LiveView(self._stdin, self._stdout, watched, colour=self._out.on) as view:
            self.make_room = view.make_room
            if self._err_is_out():
                self._beside = view.note
            try:
                yield view
            finally:
                self.make_room, self._beside = nullcontext, None

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        if not (self._quiet and isinstance(happening, Listening)):
            self._tell_dim(told(happening))

    def listened(self, listened: Listened) -> None:
        if listened.exit_code or not self._quiet:
            for line in listened_lines(listened):
                self._tell_dim(line)

    def note(self, text: str) -> None:
        if not self._quiet:
            self._tell_dim(text)

    def warning(self, text: str) -> None:
        self._tell(f"{self._err('warning:', 'yellow')} {safe_text(text)}")

    def error(self, error: MedtrackError) -> None:
        self._tell(f"{self._err('error:', 'red')} {safe_text(error.message)}")
        if isinstance(error, WrongExpression):
            for line in expression_lines(error, width_of(self._stderr)):
                self._tell(f"  {line}")
        if error.hint:
            self._tell(f"{self._err('hint:', 'cyan')} {safe_text(error.hint)}")

    def _err_is_out(self) -> bool:
        out, err = self._stdout, self._stderr
        return err.isatty() and os.path.sameopenfile(out.fileno(), err.fileno())

    def _print(self, line: str) -> None:
        with self.make_room():
            print(line, file=self._stdout)

    def _tell_dim(self, text: str) -> None:
        self._tell(self._err(safe_text(text), "dim"))

    def _tell(self, line: str) -> None:
        if self._beside:
            self._beside(line)
            return
        with self.make_room():
            print(line, file=self._stderr, flush=True)


def _id(message_id: str | None) -> str:
    return safe_text(masked("message_id", message_id)) if message_id else "-"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    return "" if value is None else safe_text(str(value))
