"""What of the live view is drawn, and when: lines above the block, or a pane."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TextIO

from rich.text import Text

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.listening.listen import Watched
from medtrack_cli.output.event_rows import Look, event_lines, routing_key
from medtrack_cli.output.live.block import Scene, block
from medtrack_cli.output.live.controls import Pane
from medtrack_cli.output.live.kept import History
from medtrack_cli.output.live.panes import (
    CURSOR,
    help_lines,
    highlight,
    list_title,
    listing,
    prompt,
    reading,
)
from medtrack_cli.output.live.sampling import Sampler
from medtrack_cli.output.live.screen import Row, Screen, Size
from medtrack_cli.output.live.whole import whole_lines
from medtrack_cli.output.paint import console_for, paint
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.style import marks_for

BLOCK_SECONDS = 0.2
"""Between two updates of the block."""

MAX_UNSAID = 1_000
"""Lines about the connection that wait while the log is held."""


class Canvas:
    """Draws the log and the block below it, which is rebuilt only a few times a second."""

    def __init__(  # noqa: PLR0913 -- what is drawn
        self,
        stdout: TextIO,
        watched: Watched,
        sampler: Sampler,
        history: History,
        scene: Callable[[], Scene],
        *,
        colour: bool,
    ) -> None:
        self.screen = Screen(stdout)
        self.marks = marks_for(stdout.encoding)
        self.is_up = False  # the terminal is ours
        self.drawn_at = 0.0
        self._watched, self._clock = watched, watched.clock
        self._sampler, self._history, self._scene = sampler, history, scene
        self._console = console_for(colour=colour)
        self._look = Look.of(watched, self.marks)
        self._unsaid: deque[str] = deque(maxlen=MAX_UNSAID)
        self._block: Sequence[Row] = ()
        self._block_at = 0.0
        self._size = Size(0, 0)
        self._open: tuple[int, int, list[Text]] = (0, 0, [])  # an event's number, width, lines

    def paint(self, text: Text) -> str:
        """Write a text with its colours."""
        return paint(text, self._console)

    def draw(self, batch: Sequence[CheckedDelivery]) -> None:
        """Draw what is chosen of a batch; all of it waits while the terminal takes no output."""
        if self.is_up and self.screen.is_free:
            self._draw([], self._sampler.choose(batch, self._clock.monotonic()))
        else:
            self._sampler.leave(batch)

    def say(self, *lines: str) -> None:
        """Print lines for good, now or when the log is released."""
        if self._history.controls.is_holding:
            self._unsaid.extend(lines)
            return
        self.draw(self._sampler.taken_back())
        self.frame([*self._left_out(), *lines])

    def go_on(self, *, was_paused: bool) -> None:
        """Draw what has waited while the log was held; of a flood only a part, as always."""
        self.frame([])  # together: many rows take a while
        waiting = [*self._sampler.taken_back(), *self._sampler.held.take_all()]
        if not was_paused:
            waiting = self._sampler.choose(waiting, self._clock.monotonic())
        self._draw(self._unsaid, waiting)
        self._unsaid.clear()

    def show(self) -> None:
        """Draw the screen again, without anything new."""
        if self._history.controls.pane:
            self._pane()
        else:
            self.frame([])

    def frame(self, lines: Sequence[str]) -> None:
        """Draw lines above the block."""
        if self.is_up:
            now = self._clock.monotonic()
            is_old = now - self._block_at >= BLOCK_SECONDS or self._size != self.screen.size
            self.screen.draw(lines, self._new_block() if is_old else self._block)
            self.drawn_at = now

    def clear(self) -> None:
        """Draw the block alone, on an empty screen."""
        self.screen.draw([], self._new_block(), clear=True)

    def outdate(self) -> None:
        """Make the next frame rebuild the block."""
        self._block_at = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time to rebuild the block."""
        return self._clock.monotonic() - self._block_at >= BLOCK_SECONDS

    def refresh(self) -> None:
        """Draw the block again if it has changed."""
        before, size = self._block, self._size
        is_new = self._new_block() != before or self._size != size
        if is_new and self.screen.is_free:
            self.screen.draw([], self._block)
            self.drawn_at = self._block_at

    @property
    def page(self) -> int:
        """How many rows of a pane scroll."""
        size = self.screen.size
        return max(1, size.height - len(block(self._scene(), size, self.marks)) - 1)

    def lines(self) -> list[Text]:
        """Give all lines of the event or the help that is open."""
        width = self.screen.size.width
        if self._history.controls.pane is Pane.HELP:
            return help_lines(width)
        number, seen = self._history.controls.selected, self._history.whole
        if seen is not None and self._open[:2] != (number, width):
            self._open = number, width, whole_lines(seen, self._look, width)
        return self._open[2] if seen else []

    def _draw(self, lines: Sequence[str], chosen: Sequence[CheckedDelivery]) -> None:
        self.frame([*self._left_out(), *lines, *self._rows(chosen)])

    def _left_out(self) -> list[str]:
        """Say how many were not drawn since the last line."""
        first, *groups = self._sampler.say() or [""]
        lines = [f"{self.marks.ellipsis} {first}"] if first else []
        lines += map(safe_text, groups)
        return [self.paint(Text(line, "yellow")) for line in lines]

    def _rows(self, batch: Sequence[CheckedDelivery]) -> list[str]:
        controls, rows = self._history.controls, []
        look = self._look._replace(
            width=self.screen.size.width, body=controls.has_bodies, trace=self._watched.trace
        )
        for seen in batch:
            row, *below = event_lines(seen, look)
            highlight(row, controls.query)
            rows += [self.paint(line) for line in (row, *below)]
        return rows

    def _pane(self) -> None:
        """Fill the screen above the block with the open pane."""
        self._block_at = self._clock.monotonic()
        if not self.screen.is_free:
            return
        size, controls = self.screen.size, self._history.controls
        below = block(self._scene(), size, self.marks)
        room = max(1, size.height - len(below) - 1)
        if controls.pane is Pane.LIST:
            shown, kept = self._history.shown, len(self._history.held)
            title = list_title(shown, kept, controls, reveal=self._watched.reveal)
            if controls.typed is not None:
                title = prompt(controls.typed, size.width)
            rows = listing(shown, controls, self._row, self.marks.cursor, room)
        else:
            title = self._title()
            rows = reading(title, self.lines(), controls, room)
        blank = [Text()] * (room - len(rows))
        filled = [title, *rows, *blank, *below][: size.height]
        for row in filled:
            row.truncate(size.width, overflow="ellipsis")
        self.screen.fill([self.paint(row) for row in filled])
        self.drawn_at = self._block_at

    def _title(self) -> Text:
        controls, seen = self._history.controls, self._history.whole
        if controls.pane is Pane.HELP:
            return Text("keys", "bold")
        key = seen.delivery.routing_key if seen else ""
        shown = routing_key(key, reveal=self._watched.reveal)
        return Text(f"event {controls.selected:,}: {shown}", "bold")

    def _row(self, seen: CheckedDelivery) -> Text:
        look = self._look._replace(width=max(self.screen.size.width - CURSOR, 1))
        return next(event_lines(seen, look))

    def _new_block(self) -> Sequence[Row]:
        self._size = self.screen.size
        rows = block(self._scene(), self._size, self.marks)
        self._block = [Row(self.paint(row), row.cell_len) for row in rows]
        self._block_at = self._clock.monotonic()
        return self._block
