"""The live view: a log that scrolls as any output does, and a status block below it.

Two threads draw, one at a time: the caller's, when it has events, and our own, which reads the
keys and keeps the block up to date while nothing arrives or no broker can be reached.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from signal import SIGHUP
from threading import Event, RLock, Thread
from types import TracebackType
from typing import BinaryIO, Self, TextIO

from rich.text import Text

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.listening.listen import Watched
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.errors import ExitCode
from medtrack_cli.output.event_rows import Look, event_lines
from medtrack_cli.output.live.block import Connection, Phase, Scene, block, totals
from medtrack_cli.output.live.keys import Controls, keys_of, pressed
from medtrack_cli.output.live.selection import Selection
from medtrack_cli.output.live.statistics import Statistics
from medtrack_cli.output.live.terminal import Keyboard, Row, Screen, Size, suspending
from medtrack_cli.output.marks import marks_for
from medtrack_cli.output.paint import console_for, paint
from medtrack_cli.output.short_ids import ShortIds
from medtrack_cli.output.shown.listening import told

FRAME_SECONDS = 1 / 30
"""Between two frames with events, at least."""

FLOOD_FRAME_SECONDS = 1 / 10
"""The same while more arrives than is drawn: nobody reads that fast."""

BLOCK_SECONDS = 0.2
"""Between two updates of the block."""


class LiveView:
    """A `Sink` on a terminal, to be entered. Personal values are masked.

    `flush` returns when the events are drawn or counted: as not drawn those of a flood and all
    while the terminal takes no output, as waiting while paused, as filtered out. The last few
    of them, and more of the invalid ones, are drawn after all, a moment later, and their count is
    taken back.
    """

    def __init__(self, stdin: BinaryIO, stdout: TextIO, watched: Watched, *, colour: bool) -> None:
        self._watched = watched
        self._clock = watched.clock
        self._keyboard = Keyboard(stdin)
        self._screen = Screen(stdout)
        self._console = console_for(colour=colour)
        self._marks = marks_for(stdout.encoding)
        self._shorten = ShortIds()
        now = self._clock.monotonic()
        self._statistics = Statistics(now)
        self._connection = Connection(now)
        self._selection = Selection(now, self._statistics)
        self._controls = Controls(has_bodies=watched.body)
        self._batch: list[CheckedDelivery] = []
        self._last_event_at: float | None = None
        self._drawn_at = self._block_at = 0.0
        self._block: Sequence[Row] = ()
        self._size = Size(0, 0)
        self._is_up = False  # the terminal is in our hands
        self._failure: BaseException | None = None
        self._lock = RLock()  # a signal may come while we draw
        self._done = Event()
        self._thread = Thread(target=self._run, name="live view", daemon=True)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(suspending(self._leave, self._lapse))
        with self._lock:
            self._enter()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        self._stack.close()
        with self._lock:
            self._screen.settle()
            self._selection.give_up(self._selection.held())
            self._draw_events(self._selection.taken_back())
            self._leave()
            if self._statistics.received:
                width = self._screen.size.width
                rows = totals(self._watched, self._statistics, self._connection, width)
                self._screen.draw([paint(row, self._console) for row in rows], ())
                self._screen.erase()
        self._screen.close()
        self._keyboard.leave()
        if self._failure and not error:
            raise self._failure

    def write(self, seen: CheckedDelivery) -> None:
        """Count a delivery; it is drawn by the next flush."""
        now = self._clock.monotonic()
        with self._lock:
            self._statistics.add(seen, now)
            self._last_event_at = now
            if self._controls.wants(seen):
                self._batch.append(seen)
            else:
                self._statistics.filtered += 1

    def flush(self) -> None:
        """Draw what was written, or count it as not drawn; at most 30 times a second."""
        with self._lock:
            batch, self._batch = self._batch, []
            if not batch:
                return
            now = self._clock.monotonic()
            is_flood = self._selection.is_flood(now)
            pause = self._drawn_at + (FLOOD_FRAME_SECONDS if is_flood else FRAME_SECONDS) - now
            if self._controls.is_paused:
                self._selection.hold(batch)
                return
            if is_flood and pause > 0:
                self._selection.leave(batch)
                return
        if pause > 0:
            self._clock.sleep(pause)
        with self._lock:
            if self._controls.is_paused:  # meanwhile
                self._selection.hold(batch)
            else:
                self._draw_events([*self._selection.taken_back(), *batch])

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        """Show what happened to the connection, for good and in the block."""
        connection = self._connection
        with self._lock:
            connection.take(happening, self._clock.monotonic())
            colour = "green" if connection.phase is Phase.LISTENING else "bold red"
            self._say(paint(Text(told(happening), colour), self._console))

    def note(self, line: str) -> None:
        """Print a painted line above the block; none while the terminal takes no output.

        What is said during an outage stands in the block as long as it lasts.
        """
        with self._lock:
            if self._connection.phase is Phase.LOST:
                self._connection.attempts += "connecting to" in line
                return
            if self._is_up and self._screen.can_write:
                self._say(line)

    @contextmanager
    def make_room(self) -> Iterator[None]:
        """Let others write to the terminal, above the block."""
        with self._lock:
            if self._is_up:
                self._screen.erase()
            yield
            if self._is_up:
                self._frame([])

    def _run(self) -> None:
        """Read keys and keep the block up to date, until the end or a failure."""
        try:
            while not self._done.is_set():
                typed = b""
                if self._is_up and self._keyboard.is_there:
                    typed = self._keyboard.read(BLOCK_SECONDS)
                else:
                    self._done.wait(BLOCK_SECONDS)
                with self._lock:
                    self._tick(keys_of(typed))
        except BaseException as error:  # noqa: BLE001 -- raised again where the view is left
            self._failure = error
            self._keyboard.leave()
            self._watched.stop.request(ExitCode.BUG)

    def _tick(self, keys: str) -> None:
        if self._screen.is_gone and not self._watched.stop.is_requested:
            self._watched.stop.request(128 + SIGHUP)
        if not self._screen.is_ours:
            self._is_up = False
            return
        if not self._is_up:
            self._enter()
        for key in keys:
            self._press(key)
        now = self._clock.monotonic()
        is_behind = self._selection.is_behind and now - self._drawn_at > FLOOD_FRAME_SECONDS
        if is_behind and not self._controls.is_paused:
            self._draw_events(self._selection.taken_back())
        elif keys or now - self._block_at >= BLOCK_SECONDS:
            before, size = self._block, self._size
            if (self._current_block() != before or self._size != size) and self._screen.can_write:
                self._screen.draw([], self._block)

    def _press(self, key: str) -> None:
        match key:
            case "q":
                self._watched.stop.request(ExitCode.DONE)
            case "c" | "\x0c":  # Ctrl-L
                self._screen.draw([], self._current_block(), clear=True)
            case "\n" | "\r":
                self._frame([""])
        types = [name for name, _ in self._statistics.most_frequent]
        self._controls = pressed(self._controls, key, types)
        self._block_at = 0.0
        if not self._controls.is_paused and self._selection.waiting:
            self._draw([*self._selection.taken_back(), *self._selection.held()])

    def _draw_events(self, batch: list[CheckedDelivery]) -> None:
        """Draw what is chosen of a batch; all of it waits for a terminal that takes no output."""
        if self._is_up and self._screen.can_write:
            self._draw(self._selection.choose(batch, self._clock.monotonic()))
        else:
            self._selection.leave(batch)

    def _draw(self, batch: list[CheckedDelivery]) -> None:
        size = self._screen.size
        look = Look(
            size.width,
            self._controls.has_bodies,
            self._watched.reveal,
            self._watched.local_time,
            self._marks,
        )
        lines = [line for seen in batch for line in event_lines(seen, look, self._shorten)]
        self._frame([*self._unsaid_lines(), *(paint(line, self._console) for line in lines)])

    def _say(self, line: str) -> None:
        self._draw_events(self._selection.taken_back())
        self._frame([*self._unsaid_lines(), line])

    def _unsaid_lines(self) -> list[str]:
        """Say how many were not drawn since the last line."""
        said = self._selection.say()
        text = Text(f"{self._marks.ellipsis} {said}", "yellow")
        return [paint(text, self._console)] if said else []

    def _frame(self, lines: Sequence[str]) -> None:
        """Draw lines above the block; the block is made anew only a few times a second."""
        if not self._is_up:
            return
        now = self._clock.monotonic()
        is_old = now - self._block_at >= BLOCK_SECONDS or self._size != self._screen.size
        self._screen.draw(lines, self._current_block() if is_old else self._block)
        self._drawn_at = now

    def _current_block(self) -> Sequence[Row]:
        now = self._clock.monotonic()
        self._size = self._screen.size
        scene = Scene(
            self._watched,
            self._connection,
            self._statistics,
            self._controls,
            self._selection.waiting,
            self._last_event_at,
            now,
            self._keyboard.is_there,
        )
        self._block = [
            Row(paint(row, self._console), row.cell_len)
            for row in block(scene, self._size, self._marks)
        ]
        self._block_at = now
        return self._block

    def _enter(self) -> None:
        """Take the terminal, unless a shell has put us behind it."""
        if self._screen.is_ours:
            self._keyboard.enter()
            self._is_up = True
            self._frame([])

    def _leave(self) -> None:
        """Give the terminal back, without the block."""
        with self._lock:
            if self._is_up:
                self._screen.erase()
            self._keyboard.leave()
            self._is_up = False

    def _lapse(self) -> None:
        """Take the terminal anew at the next tick: a shell has had it."""
        with self._lock:
            self._screen.forget()
            self._is_up = False
