"""The printer for programs: one JSON object a line."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TextIO

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.heard import Listened
from medtrack_cli.core.listen import Sink, Watched
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.core.record import to_line
from medtrack_cli.errors import MedtrackError
from medtrack_cli.events.findings import Finding
from medtrack_cli.output import records
from medtrack_cli.output.event_lines import EventLines
from medtrack_cli.output.safe_text import safe_text

if TYPE_CHECKING:
    from medtrack_cli.core.contracts import Compared
    from medtrack_cli.core.stats import Stats
    from medtrack_cli.events.registry import EventType
    from medtrack_cli.output.progress import MakeRoom


class JsonPrinter:
    """Writes data to stdout, everything else to stderr; see `Printer`.

    On a terminal all but ASCII is escaped, so that no text of a stranger's can steer it.
    """

    def __init__(self, stdout: TextIO, stderr: TextIO, *, quiet: bool) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._quiet = quiet
        self._escape = stdout.isatty()
        self.make_room: MakeRoom = nullcontext

    def finding(self, finding: Finding) -> None:
        self._print(records.finding(finding))

    def receipt(self, receipt: Receipt) -> None:
        for found in receipt.findings:
            self._print(records.finding(found))
        self._print(records.receipt(receipt))
        self._stdout.flush()  # the next one may be long in coming

    def message(self, message: Message, queues: Sequence[str] | None) -> None:
        self._print(records.message(message, queues))

    def summary(self, kind: str, numbers: Mapping[str, float | str], sentence: str) -> None:  # noqa: ARG002 -- the sentence is for people
        self._print(records.summary(kind, numbers))
        self._stdout.flush()

    def rows(self, kind: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            self._print({"kind": kind, **dict(zip(columns, row, strict=True))})

    def page(self, kind: str, record: Mapping[str, Any], text: str) -> None:  # noqa: ARG002
        self._print({"kind": kind, **record})

    def event_type(self, event_type: "EventType", example: Any) -> None:  # noqa: ANN401 -- JSON
        self._print(records.event_type(event_type, example))

    def compared(self, compared: "Compared") -> None:
        self._print(records.comparison(compared))

    def stats(self, stats: "Stats") -> None:
        self._print(records.stats(stats))

    def deliveries(self, watched: Watched) -> AbstractContextManager[Sink]:  # noqa: ARG002 -- JSON is exact
        return nullcontext(EventLines(self._stdout, self._event_line, self.happened))

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        self._tell(records.happening(happening))

    def listened(self, listened: Listened) -> None:
        self._tell(records.listened(listened))

    def note(self, text: str) -> None:
        if not self._quiet:
            with self.make_room():
                print(safe_text(text), file=self._stderr, flush=True)

    def warning(self, text: str) -> None:
        print(f"warning: {safe_text(text)}", file=self._stderr, flush=True)

    def error(self, error: MedtrackError) -> None:
        self._tell(records.error(error))

    def _print(self, record: Mapping[str, Any]) -> None:
        self._stdout.write(self._line(record))

    def _event_line(self, seen: CheckedDelivery) -> str:
        if self._escape:
            return self._line(records.event(seen))
        return to_line(seen) + "\n"

    def _line(self, record: Mapping[str, Any]) -> str:
        text = json.dumps(record, ensure_ascii=self._escape, separators=(",", ":"), default=str)
        return text + "\n"

    def _tell(self, record: Mapping[str, Any]) -> None:
        print(json.dumps(record, separators=(",", ":")), file=self._stderr, flush=True)
