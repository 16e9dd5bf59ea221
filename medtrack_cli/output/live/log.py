"""The log of the live view: which lines are drawn above the block, and which wait."""

from collections import deque
from collections.abc import Callable, Sequence

from rich.text import Text

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.ports import Clock
from medtrack_cli.output.live.block import Scene
from medtrack_cli.output.live.canvas import Canvas
from medtrack_cli.output.live.looking import Looking
from medtrack_cli.output.live.selection import Selection
from medtrack_cli.output.safe_text import safe_text

MAX_UNSAID = 1_000
"""Lines about the connection that wait while the log is held."""


class Log:
    """Draws events and messages about them, while the terminal is ours."""

    def __init__(
        self,
        canvas: Canvas,
        selection: Selection,
        looking: Looking,
        clock: Clock,
        scene: Callable[[], Scene],
    ) -> None:
        self.is_up = False  # the terminal is ours
        self._canvas, self._selection, self._looking = canvas, selection, looking
        self._clock, self._scene = clock, scene
        self._unsaid: deque[str] = deque(maxlen=MAX_UNSAID)

    def draw(self, batch: Sequence[CheckedDelivery]) -> None:
        """Draw what is chosen of a batch; all of it waits while the terminal takes no output."""
        if self.is_up and self._canvas.screen.is_free:
            self._draw([], self._selection.choose(batch, self._clock.monotonic()))
        else:
            self._selection.leave(batch)

    def say(self, *lines: str) -> None:
        """Print lines for good, now or when the log is released."""
        if self._looking.controls.is_holding:
            self._unsaid.extend(lines)
            return
        self.draw(self._selection.taken_back())
        self.frame([*self._left_out(), *lines])

    def go_on(self, *, was_paused: bool) -> None:
        """Draw what has waited while the log was held; of a flood only a part, as always."""
        self.frame([])  # together: many rows take a while
        waiting = [*self._selection.taken_back(), *self._selection.held.take_all()]
        if not was_paused:
            waiting = self._selection.choose(waiting, self._clock.monotonic())
        self._draw(self._unsaid, waiting)
        self._unsaid.clear()

    def frame(self, lines: Sequence[str]) -> None:
        """Draw lines and the block below them."""
        if self.is_up:
            self._canvas.frame(lines, self._scene)

    def show(self) -> None:
        """Draw the screen again, without anything new."""
        if self._looking.controls.pane:
            self._canvas.pane(self._scene(), self._looking)
        else:
            self.frame([])

    def _draw(self, lines: Sequence[str], chosen: Sequence[CheckedDelivery]) -> None:
        rows = self._canvas.rows(chosen, self._looking.controls)
        self.frame([*self._left_out(), *lines, *rows])

    def _left_out(self) -> list[str]:
        """Say how many were not drawn since the last line."""
        first, *groups = self._selection.say() or [""]
        lines = [f"{self._canvas.marks.ellipsis} {first}"] if first else []
        lines += map(safe_text, groups)
        return [self._canvas.paint(Text(line, "yellow")) for line in lines]
