"""The printer for programs: one JSON object a line."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TextIO

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.listening.listen import Sink, Watched
from medtrack_cli.core.record import to_line, to_record
from medtrack_cli.errors import MedtrackError
from medtrack_cli.output.progress import MakeRoom, Progress
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.errors import ShownError
from medtrack_cli.output.shown.listening import telling
from medtrack_cli.output.shown.shown import Record, Shown


class JsonPrinter:
    """Writes data to stdout, everything else to stderr; see `Printer`.

    On a terminal all but ASCII is escaped, so that no text of a stranger's can steer it.
    """

    def __init__(self, stdout: TextIO, stderr: TextIO, *, quiet: bool) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._quiet = quiet
        self._escape = stdout.isatty()
        self._make_room: MakeRoom = nullcontext

    def show(self, shown: Shown, group: str | None = None) -> None:
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

    @contextmanager
    def progress(self, line: Callable[[], str]) -> Iterator[None]:
        with Progress(self._stderr, line, quiet=self._quiet) as progress:
            self._make_room = progress.hidden
            try:
                yield
            finally:
                self._make_room = nullcontext

    def note(self, text: str) -> None:
        if not self._quiet:
            with self._make_room():
                print(safe_text(text), file=self._stderr, flush=True)

    def warning(self, text: str) -> None:
        with self._make_room():
            print(f"warning: {safe_text(text)}", file=self._stderr, flush=True)

    def error(self, error: MedtrackError) -> None:
        self.show(ShownError(error))

    def _event_line(self, seen: CheckedDelivery) -> str:
        return self._line(to_record(seen)) if self._escape else to_line(seen) + "\n"

    def _line(self, record: Record) -> str:
        text = json.dumps(record, ensure_ascii=self._escape, separators=(",", ":"), default=str)
        return text + "\n"

    def _tell(self, record: Record) -> None:
        print(json.dumps(record, separators=(",", ":")), file=self._stderr, flush=True)
