"""Deliveries for people where no view can be drawn: line after line."""

from typing import TextIO

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.listening.listen import Watched
from medtrack_cli.output.event_lines import Tell
from medtrack_cli.output.event_rows import Look, event_lines
from medtrack_cli.output.marks import marks_for
from medtrack_cli.output.paint import console_for, paint
from medtrack_cli.output.short_ids import ShortIds
from medtrack_cli.output.terminal import width_of


class DeliveryLog:
    """A `Sink` that shows each delivery on a line; personal values are masked."""

    def __init__(self, stdout: TextIO, watched: Watched, tell: Tell, *, colour: bool) -> None:
        self._stdout = stdout
        self.happened = tell
        self._console = console_for(colour=colour)
        self._shorten = str if watched.trace else ShortIds()
        marks = marks_for(stdout.encoding)
        self._look = Look(
            None, watched.body, watched.reveal, watched.local_time, marks, watched.trace
        )

    def write(self, seen: CheckedDelivery) -> None:
        width = width_of(self._stdout) if self._stdout.isatty() else None
        for line in event_lines(seen, self._look._replace(width=width), self._shorten):
            self._stdout.write(paint(line, self._console) + "\n")

    def flush(self) -> None:
        self._stdout.flush()
