"""Deliveries for people where nothing can be drawn: line after line."""

from collections.abc import Callable
from typing import TextIO

from medtrack_cli.core.listen import Seen, Watched
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.output.log_lines import Look, event_lines
from medtrack_cli.output.marks import marks_for
from medtrack_cli.output.paint import console_for, paint
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.short_ids import ShortIds


class DeliveryLog:
    """A `Sink` that shows each delivery on a line; personal values are masked."""

    def __init__(
        self, stdout: TextIO, watched: Watched, note: Callable[[str], None], *, colour: bool
    ) -> None:
        self._stdout = stdout
        self._note = note
        self._console = console_for(colour=colour)
        self._shorten = ShortIds()
        self._look = Look(
            None, watched.body, watched.reveal, watched.local_time, marks_for(stdout.encoding)
        )

    def write(self, seen: Seen) -> None:
        for line in event_lines(seen, self._look, self._shorten):
            self._stdout.write(paint(line, self._console) + "\n")

    def flush(self) -> None:
        self._stdout.flush()

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        self._note(told(happening))


def told(happening: Listening | Interrupted | Resumed) -> str:
    """Tell what happened to the connection in a sentence."""
    match happening:
        case Listening(_, queue, patterns):
            keys = ", ".join(safe_text(pattern) for pattern in patterns)
            return f"listening to {keys or f'queue {safe_text(queue)}'} (Ctrl-C ends)"
        case Interrupted(since, reason):
            return f"{safe_text(reason)} at {since:%H:%M:%S}Z; events may be missed from now on"
        case Resumed(since, until, may_have_missed):
            seconds = (until - since).total_seconds()
            missing = "may be missing" if may_have_missed else "are not missing"
            return (
                f"listening again since {until:%H:%M:%S}Z; events published in the "
                f"{seconds:.1f} s since {since:%H:%M:%S}Z {missing}"
            )
