"""The live view: a log that scrolls as any output does, and a status block below it.

Two threads draw, one at a time: the caller's, when it has events, and our own, which reads the
keys and keeps the block up to date while nothing arrives or no broker can be reached.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from signal import SIGHUP
from threading import Event, RLock, Thread
from typing import BinaryIO, Self, TextIO

from rich.text import Text

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.listening.listen import Watched
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.errors import ExitCode
from medtrack_cli.output.live.block import Scene, totals
from medtrack_cli.output.live.canvas import BLOCK_SECONDS, Canvas
from medtrack_cli.output.live.capture import Capture
from medtrack_cli.output.live.controls import Controls
from medtrack_cli.output.live.kept import History
from medtrack_cli.output.live.keyboard import keys_of
from medtrack_cli.output.live.sampling import Sampler
from medtrack_cli.output.live.screen import Keyboard, suspending
from medtrack_cli.output.live.statistics import Connection, Phase, Statistics
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.listening import told
from medtrack_cli.output.wrapping import wrapped

FRAME_SECONDS = 1 / 30
"""Seconds between two frames, at least."""

FLOOD_FRAME_SECONDS = 1 / 10
"""The same while more arrives than is drawn: nobody reads that fast."""

SWITCH_SECONDS = 0.001
"""Seconds that the thread that answers keys waits, at each step, for the one that takes events."""


class LiveView:
    """A `Sink` on a terminal, used as a context manager. Personal values are masked.

    `flush` returns when the events are drawn or counted: as not drawn (those of a flood, and all
    while the terminal takes no output), as waiting while the log is held, or as filtered out. The
    last few events, and more of the invalid ones, are drawn a moment later after all, and
    subtracted again.
    """

    def __init__(self, stdin: BinaryIO, stdout: TextIO, watched: Watched, *, colour: bool) -> None:
        self._watched = watched
        self._clock = watched.clock
        self._keyboard = Keyboard(stdin)
        now = self._clock.monotonic()
        self._statistics = Statistics(now)
        self._connection = Connection(now)
        self._sampler = Sampler(now, self._statistics)
        self._history = History(self._statistics, has_bodies=watched.body)
        self._canvas = Canvas(
            stdout, watched, self._sampler, self._history, self._scene, colour=colour
        )
        self._screen = self._canvas.screen
        self._capture = Capture(watched, self._history, self._screen.write)
        self._batch: list[CheckedDelivery] = []
        self._last_event_at: float | None = None
        self._failure: BaseException | None = None
        self._lock = RLock()  # a signal may come while we draw
        self._done = Event()
        self._thread = Thread(target=self._run, name="live view", daemon=True)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(SWITCH_SECONDS)
        self._stack.enter_context(suspending(self._leave, self._resumed))
        with self._lock:
            self._enter()
        self._thread.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._done.set()
        self._thread.join()
        self._stack.close()
        with self._lock:
            self._screen.settle()
            self._sampler.give_up(self._sampler.held.take_all())
            self._history.controls = Controls(has_bodies=self._controls.has_bodies)
            self._canvas.draw(self._sampler.taken_back())
            self._leave()
            if self._statistics.received:
                rows = totals(self._scene(), self._screen.size.width, self._canvas.marks)
                self._screen.draw([self._canvas.paint(row) for row in rows], ())
                self._screen.erase()
            self._screen.draw(self._capture.copied, ())
            self._screen.erase()
        self._screen.close()
        self._keyboard.leave()
        self._capture.close()
        if self._failure and not error:
            raise self._failure

    def write(self, seen: CheckedDelivery) -> None:
        """Take a delivery; it is counted and drawn by the next flush."""
        self._batch.append(seen)

    def flush(self) -> None:
        """Draw what was written, or count it as not drawn; at most 30 times a second."""
        batch, self._batch = self._batch, []
        if not batch:
            return
        with self._lock:
            wanted = self._count(batch)
            now = self._clock.monotonic()
            is_flood = self._sampler.is_flood(now)
            is_soon = now < self._canvas.drawn_at + FLOOD_FRAME_SECONDS
            if self._controls.is_holding:
                self._sampler.hold(wanted)
                return
            if is_flood and is_soon:
                self._sampler.leave(wanted)
                return
        with self._turn():
            if self._controls.is_holding:  # meanwhile
                self._sampler.hold(wanted)
            else:
                self._canvas.draw([*self._sampler.taken_back(), *wanted])

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        """Show what happened to the connection, in the log and in the block."""
        connection = self._connection
        with self._lock:
            connection.take(happening, self._clock.monotonic())
            colour = "green" if connection.phase is Phase.LISTENING else "bold red"
            width = self._screen.size.width
            lines = wrapped(safe_text(told(happening)), width, indent="  ")
            self._canvas.say(*(self._canvas.paint(Text(line, colour)) for line in lines))

    def note(self, line: str) -> None:
        """Print a painted line above the block; nothing while the terminal takes no output.

        What is said during an outage stands in the block as long as it lasts.
        """
        with self._lock:
            if self._connection.phase is Phase.LOST:
                return
            if self._canvas.is_up and self._screen.is_free:
                self._canvas.say(line)

    @contextmanager
    def share_terminal(self) -> Iterator[None]:
        """Let others write to the terminal, above the block."""
        with self._lock:
            if self._canvas.is_up:
                self._screen.erase()
            yield
            if self._canvas.is_up:
                self._canvas.show()

    @property
    def _controls(self) -> Controls:
        return self._history.controls

    def _count(self, batch: Sequence[CheckedDelivery]) -> list[CheckedDelivery]:
        """Count and keep what has come; return what passes the filter."""
        now = self._last_event_at = self._clock.monotonic()
        self._capture.record(batch)
        wanted = []
        for seen in batch:
            self._statistics.add(seen, now)
            if self._history.take(seen):
                wanted.append(seen)
        self._statistics.filtered += len(batch) - len(wanted)
        return wanted

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Get the lock when the next frame is due."""
        while True:
            with self._lock:
                pause = self._canvas.drawn_at + FRAME_SECONDS - self._clock.monotonic()
                if pause <= 0:
                    yield
                    return
            self._clock.sleep(pause)

    def _run(self) -> None:
        """Read keys and keep the block up to date, until the end or a failure."""
        try:
            while not self._done.is_set():
                typed = b""
                if self._canvas.is_up and self._keyboard.is_there:
                    typed = self._keyboard.read(BLOCK_SECONDS)
                else:
                    self._done.wait(BLOCK_SECONDS)
                with self._turn():
                    self._tick(keys_of(typed))
        except BaseException as error:  # noqa: BLE001 -- raised again where the view is left
            self._failure = error
            self._keyboard.leave()
            self._watched.stop.request(ExitCode.BUG)

    def _tick(self, keys: Sequence[str]) -> None:
        if self._screen.is_gone and not self._watched.stop.is_requested:
            self._watched.stop.request(128 + SIGHUP)
        if not self._screen.is_ours:
            self._canvas.is_up = False
            return
        if not self._canvas.is_up:
            self._enter()
        for key in keys:
            self._press(key)
        is_unreported = self._sampler.unsaid and not self._controls.is_holding
        since_drawn = self._clock.monotonic() - self._canvas.drawn_at
        if is_unreported and since_drawn > FLOOD_FRAME_SECONDS:
            self._canvas.draw(self._sampler.taken_back())
        elif self._controls.pane and (keys or self._canvas.is_due):
            self._canvas.show()
        elif keys or self._canvas.is_due:
            self._canvas.refresh()

    def _press(self, key: str) -> None:
        before = self._controls
        self._capture.press(key)
        if key == "w" and self._capture.notice:
            self._canvas.say(self._canvas.paint(Text(self._capture.notice, "yellow")))
        if before.pane is None and before.typed is None:
            match key:
                case "q":
                    self._watched.stop.request(ExitCode.DONE)
                case "c" | "\x0c":  # Ctrl-L
                    self._canvas.clear()
                case "enter":
                    self._canvas.frame([""])
        self._history.press(key, self._canvas.page, len(self._canvas.lines()))
        self._canvas.outdate()
        if before.is_holding and not self._controls.is_holding:
            self._canvas.go_on(was_paused=before.is_paused)

    def _scene(self) -> Scene:
        return Scene(
            self._watched,
            self._connection,
            self._statistics,
            self._controls,
            len(self._sampler.held),
            self._history.new,
            self._last_event_at,
            self._clock.monotonic(),
            self._keyboard.is_there,
            self._capture.notice,
        )

    def _enter(self) -> None:
        """Set up the terminal, unless we are in the background."""
        if self._screen.is_ours:
            self._screen.guard.begin(self._keyboard.enter())
            self._canvas.is_up = True
            self._canvas.show()

    def _leave(self) -> None:
        """Give the terminal back, without the block."""
        with self._lock:
            if self._canvas.is_up:
                self._screen.erase()
            self._keyboard.leave()
            self._canvas.is_up = False

    def _resumed(self) -> None:
        """Set up the terminal anew at the next tick: a shell has used it meanwhile."""
        with self._lock:
            self._screen.forget()
            self._canvas.is_up = False
