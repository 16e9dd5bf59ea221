"""What of the live view is drawn, and when: lines above the block, or a pane."""

from collections.abc import Callable, Sequence
from typing import TextIO

from rich.text import Text

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.listening.listen import Watched
from medtrack_cli.output.event_rows import Look, event_lines, routing_key
from medtrack_cli.output.live.block import Scene, block
from medtrack_cli.output.live.controls import Controls, Pane
from medtrack_cli.output.live.looking import Looking
from medtrack_cli.output.live.panes import (
    CURSOR,
    help_lines,
    highlight,
    list_title,
    listing,
    prompt,
    reading,
)
from medtrack_cli.output.live.screen import Row, Screen, Size
from medtrack_cli.output.live.whole import whole_lines
from medtrack_cli.output.masking import ShortIds
from medtrack_cli.output.paint import console_for, paint
from medtrack_cli.output.style import marks_for

BLOCK_SECONDS = 0.2
"""Between two updates of the block."""


class Canvas:
    """The screen with its block, which is rebuilt only a few times a second."""

    def __init__(self, stdout: TextIO, watched: Watched, *, colour: bool) -> None:
        self.screen = Screen(stdout)
        self.marks = marks_for(stdout.encoding)
        self.drawn_at = 0.0
        self._watched = watched
        self._console = console_for(colour=colour)
        self._shorten = str if watched.trace else ShortIds()
        self._block: Sequence[Row] = ()
        self._block_at = 0.0
        self._size = Size(0, 0)
        self._open: tuple[int, int, list[Text]] = (0, 0, [])  # an event's number, width, lines

    def paint(self, text: Text) -> str:
        """Write a text with its colours."""
        return paint(text, self._console)

    def rows(self, batch: Sequence[CheckedDelivery], controls: Controls) -> list[str]:
        """Write the rows of events."""
        look = self._look(self.screen.size.width)._replace(
            body=controls.has_bodies, trace=self._watched.trace
        )
        rows = []
        for seen in batch:
            row, *below = event_lines(seen, look, self._shorten)
            highlight(row, controls.query)
            rows += [self.paint(line) for line in (row, *below)]
        return rows

    def frame(self, lines: Sequence[str], scene: Callable[[], Scene]) -> None:
        """Draw lines above the block."""
        now = self._watched.clock.monotonic()
        is_old = now - self._block_at >= BLOCK_SECONDS or self._size != self.screen.size
        self.screen.draw(lines, self._new_block(scene()) if is_old else self._block)
        self.drawn_at = now

    def clear(self, scene: Scene) -> None:
        """Draw the block alone, on an empty screen."""
        self.screen.draw([], self._new_block(scene), clear=True)

    def outdate(self) -> None:
        """Make the next frame rebuild the block."""
        self._block_at = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time to rebuild the block."""
        return self._watched.clock.monotonic() - self._block_at >= BLOCK_SECONDS

    def refresh(self, scene: Scene) -> None:
        """Draw the block again if it has changed."""
        before, size = self._block, self._size
        is_new = self._new_block(scene) != before or self._size != size
        if is_new and self.screen.is_free:
            self.screen.draw([], self._block)
            self.drawn_at = self._block_at

    def pane(self, scene: Scene, looking: Looking) -> None:
        """Fill the screen above the block with the open pane."""
        self._block_at = self._watched.clock.monotonic()
        if not self.screen.is_free:
            return
        size, controls = self.screen.size, scene.controls
        below = block(scene, size, self.marks)
        room = max(1, size.height - len(below) - 1)
        if controls.pane is Pane.LIST:
            shown, kept = looking.shown, len(looking.held)
            title = list_title(shown, kept, controls, reveal=self._watched.reveal)
            if controls.typed is not None:
                title = prompt(controls.typed, size.width)
            rows = listing(shown, controls, self._row, self.marks.cursor, room)
        else:
            title = self._title(looking)
            rows = reading(title, self.lines(looking), controls, room)
        blank = [Text()] * (room - len(rows))
        filled = [title, *rows, *blank, *below][: size.height]
        for row in filled:
            row.truncate(size.width, overflow="ellipsis")
        self.screen.fill([self.paint(row) for row in filled])
        self.drawn_at = self._block_at

    def page(self, scene: Scene) -> int:
        """Count the rows of a pane that scroll."""
        size = self.screen.size
        return max(1, size.height - len(block(scene, size, self.marks)) - 1)

    def lines(self, looking: Looking) -> list[Text]:
        """Give all lines of the event or the help that is open."""
        width = self.screen.size.width
        if looking.controls.pane is Pane.HELP:
            return help_lines(width)
        number, seen = looking.controls.selected, looking.whole
        if seen is not None and self._open[:2] != (number, width):
            self._open = number, width, whole_lines(seen, self._look(width), width)
        return self._open[2] if seen else []

    def _title(self, looking: Looking) -> Text:
        if looking.controls.pane is Pane.HELP:
            return Text("keys", "bold")
        key = looking.whole.delivery.routing_key if looking.whole else ""
        shown = routing_key(key, reveal=self._watched.reveal)
        return Text(f"event {looking.controls.selected:,}: {shown}", "bold")

    def _row(self, seen: CheckedDelivery) -> Text:
        look = self._look(max(self.screen.size.width - CURSOR, 1))
        return next(event_lines(seen, look, self._shorten))

    def _look(self, width: int) -> Look:
        return Look.of(self._watched, self.marks, width)

    def _new_block(self, scene: Scene) -> Sequence[Row]:
        self._size = self.screen.size
        self._block = [
            Row(self.paint(row), row.cell_len) for row in block(scene, self._size, self.marks)
        ]
        self._block_at = self._watched.clock.monotonic()
        return self._block
