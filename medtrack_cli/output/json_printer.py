"""The printer for programs: one JSON object a line."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TextIO

from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.printer import Group, Printer
from medtrack_cli.output.shown.shown import Record, Shown

if TYPE_CHECKING:
    from medtrack_cli.core.checked import CheckedDelivery
    from medtrack_cli.core.listening.listen import Sink, Watched


class JsonPrinter(Printer):
    """Writes data to stdout, everything else to stderr; see `Printer`.

    `people` writes to stderr instead where that is a person's terminal and no format was asked for.
    On a terminal everything but ASCII is escaped, so that no foreign text can control it.
    """

    def __init__(
        self, stdout: TextIO, stderr: TextIO, *, quiet: bool, people: Printer | None = None
    ) -> None:
        super().__init__(quiet=quiet)
        self._stdout = stdout
        self._stderr = stderr
        self._escape = stdout.isatty()
        self._people = people

    def show(self, shown: Shown, group: Group | None = None) -> None:
        for record in shown.records():
            self._stdout.write(self._line(record))
        if group is not None:
            self._stdout.flush()  # the next one may be long in coming

    def tell(self, shown: Shown) -> None:
        if self._people:
            self._people.tell(shown)
            return
        for record in shown.records():
            print(json.dumps(record, separators=(",", ":")), file=self._stderr, flush=True)

    def summary(self, kind: Kind, numbers: Mapping[str, float | str], sentence: str) -> None:  # noqa: ARG002 -- the sentence is for people
        self._stdout.write(self._line({"kind": kind, **numbers}))
        self._stdout.flush()

    def deliveries(self, watched: "Watched") -> "AbstractContextManager[Sink]":  # noqa: ARG002 -- JSON is exact
        from medtrack_cli.core.record import to_line, to_record
        from medtrack_cli.output.event_lines import EventLines

        def line_of(seen: "CheckedDelivery") -> str:
            return self._line(to_record(seen)) if self._escape else to_line(seen) + "\n"

        return nullcontext(EventLines(self._stdout, line_of, self.tell))

    def progress(self, line: Callable[[], str]) -> AbstractContextManager[None]:
        return self._people.progress(line) if self._people else nullcontext()

    def _line(self, record: Record) -> str:
        text = json.dumps(record, ensure_ascii=self._escape, separators=(",", ":"), default=str)
        return text + "\n"
