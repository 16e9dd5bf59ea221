"""The printer for programs: one JSON object a line."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TextIO

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.listening.listen import Sink, Watched
from medtrack_cli.core.record import to_line, to_record
from medtrack_cli.errors import MedtrackError
from medtrack_cli.output.printer import Group, Printer
from medtrack_cli.output.shown.errors import ShownError
from medtrack_cli.output.shown.listening import telling
from medtrack_cli.output.shown.notes import ShownNote
from medtrack_cli.output.shown.shown import Record, Shown


class JsonPrinter:
    """Writes data to stdout, everything else to stderr; see `Printer`.

    `people` writes to stderr instead where that is a person's terminal and no format was asked for.
    On a terminal everything but ASCII is escaped, so that no foreign text can control it.
    """

    def __init__(
        self, stdout: TextIO, stderr: TextIO, *, quiet: bool, people: Printer | None = None
    ) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._quiet = quiet
        self._escape = stdout.isatty()
        self._people = people

    def show(self, shown: Shown, group: Group | None = None) -> None:
        if self._people and not shown.is_data:
            self._people.show(shown)
            return
        for record in shown.records():
            if shown.is_data:
                self._stdout.write(self._line(record))
            else:
                self._tell(record)
        if group is not None:
            self._stdout.flush()  # the next one may be long in coming

    def rows(self, kind: Kind, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            self._stdout.write(self._line({"kind": kind, **dict(zip(columns, row, strict=True))}))

    def summary(self, kind: Kind, numbers: Mapping[str, float | str], sentence: str) -> None:  # noqa: ARG002 -- the sentence is for people
        self._stdout.write(self._line({"kind": kind, **numbers}))
        self._stdout.flush()

    def deliveries(self, watched: Watched) -> AbstractContextManager[Sink]:  # noqa: ARG002 -- JSON is exact
        from medtrack_cli.output.event_lines import EventLines

        return nullcontext(EventLines(self._stdout, self._event_line, telling(self.show)))

    def progress(self, line: Callable[[], str]) -> AbstractContextManager[None]:
        return self._people.progress(line) if self._people else nullcontext()

    def note(self, text: str) -> None:
        if not self._quiet:
            self.show(ShownNote(text))

    def warning(self, text: str) -> None:
        self.show(ShownNote(text, is_warning=True))

    def error(self, error: MedtrackError) -> None:
        self.show(ShownError(error))

    def _event_line(self, seen: CheckedDelivery) -> str:
        return self._line(to_record(seen)) if self._escape else to_line(seen) + "\n"

    def _line(self, record: Record) -> str:
        text = json.dumps(record, ensure_ascii=self._escape, separators=(",", ":"), default=str)
        return text + "\n"

    def _tell(self, record: Record) -> None:
        print(json.dumps(record, separators=(",", ":")), file=self._stderr, flush=True)
