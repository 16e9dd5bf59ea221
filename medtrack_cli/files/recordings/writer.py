"""Writes recordings, which `reader` reads."""

from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from threading import Event, Lock, Thread

from medtrack_cli.core.checked import CheckedDelivery, is_replayed
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.ports import Clock, Interrupted, Listening, Note, Resumed
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.publishing.pseudonyms import Pseudonymizer
from medtrack_cli.core.record import to_line
from medtrack_cli.core.times import rfc3339
from medtrack_cli.errors import CannotCreate, CannotWrite
from medtrack_cli.files.recordings.checksums import opened
from medtrack_cli.files.recordings.file import Entry, RecordingFile
from medtrack_cli.files.recordings.reader import FORMAT
from medtrack_cli.files.recordings.rotation import Rotation, last_part, part_path

SYNC_SECONDS = 1.0


class Recorder:
    """A `Sink` that adds deliveries to a file, or to the parts of one.

    Flushed data has left the process and survives its end; a second later it is on the disk, and
    all of it is after `close`. What `medtrack replay` sent is left out and counted, so that a
    replay isn't recorded and replayed again. It begins with what came `since`, by default now.
    """

    def __init__(  # noqa: PLR0913 -- one parameter a decision of the caller
        self,
        path: Path,
        clock: Clock,
        note: Note,
        *,
        warn: Note | None = None,
        rotation: Rotation | None = None,
        include_replays: bool = False,
        since: Delivery | None = None,
        origin: Origin | None = None,
        pseudonymizer: Pseudonymizer | None = None,
    ) -> None:
        self._path, self._clock, self._note = path, clock, note
        self._warn = warn or note  # of what is lost
        self._rotation = rotation
        self._include_replays = include_replays
        self._origin = origin
        self._pseudonymizer = pseudonymizer
        zero = since.monotonic if since else None
        self._zero = clock.monotonic() if zero is None else zero
        self._started_at = rfc3339(since.received_at if since else clock.now())
        self._waiting: list[Entry] = []
        self._recorded = self._left_out = self._doubtful = 0
        self._run = token_hex(8)
        self._file = self._begin(max(1, last_part(path)) if rotation else 1)
        self._first_part = self._part
        self._syncing = _Syncing(self._file)

    @property
    def path(self) -> Path:
        return self._path

    def write(self, seen: CheckedDelivery) -> None:
        if is_replayed(seen.delivery) and not self._include_replays:
            self._left_out += 1
            return
        if self._pseudonymizer is not None:
            if (made := self._pseudonymizer.apply(seen)) is None:
                self._doubtful += 1
                return
            seen = made
        delivery = seen.delivery
        text = to_line(seen)[:-1]
        if delivery.monotonic is not None:
            text += _elapsed(delivery.monotonic - self._zero)
        self._waiting.append(Entry(rfc3339(delivery.received_at), text))

    def flush(self) -> None:
        if not self._waiting:
            return
        if self._is_full():
            self._turn()
        entries, self._waiting = self._waiting, []
        self._file.add(entries)
        self._is_empty = False
        self._recorded += len(entries)
        self._syncing.wanted.set()
        self._syncing.check()

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        """Ignored: a recording holds deliveries."""

    def close(self) -> None:
        try:
            self._syncing.end()
        finally:
            self._file.close()
        left_out = f"; left out {self._left_out:,} replayed" if self._left_out else ""
        if self._doubtful:
            left_out += f"; left out {self._doubtful:,} not pseudonymized"
        events = "event" if self._recorded == 1 else "events"
        self._note(f"recorded {self._recorded:,} {events} to {self._names()}{left_out}")

    def _names(self) -> str:
        """Name the file, or the first part and the last."""
        if self._rotation is None:
            return str(self._path)
        first, last = (part_path(self._path, each) for each in (self._first_part, self._part))
        return str(first) if first == last else f"{first} … {last}"

    def _begin(self, part: int) -> RecordingFile:
        """Open a part, and write its header, also when it continues an existing one."""
        path = part_path(self._path, part) if self._rotation else self._path
        file = RecordingFile(path)
        if file.torn:
            self._warn(f"the last line was torn: {file.torn:,} bytes were cut off {path}")
        self._run = file.run or self._run
        header = {"kind": Kind.RECORDING, "version": FORMAT, "run": self._run, "part": part}
        told = self._origin.to_header() if self._origin else {}
        text = opened({**header, **told, "started_at": self._started_at})
        try:
            self._refuse_mixing(file)
            file.add([Entry(self._started_at, text)])
        except (CannotCreate, CannotWrite):
            file.close()
            raise
        self._part, self._begun, self._is_empty = part, self._clock.monotonic(), True
        return file

    def _refuse_mixing(self, file: RecordingFile) -> None:
        """Refuse to mix real and made-up persons in one file."""
        held = file.is_pseudonymized
        if held is None or held == (self._pseudonymizer is not None):
            return
        what = "holds made-up persons, not real ones" if held else "may hold real persons"
        raise CannotCreate(f"recording {what}", str(file.path), hint="choose another name")

    def _is_full(self) -> bool:
        if self._rotation is None or self._is_empty:
            return False
        age = self._clock.monotonic() - self._begun
        return self._file.size >= self._rotation.size or age >= self._rotation.seconds

    def _turn(self) -> None:
        """End a part and begin the next."""
        ended, self._file = self._file, self._begin(self._part + 1)
        self._syncing.move_to(self._file)
        ended.close()


@lru_cache(maxsize=8)  # what came together has one time
def _elapsed(seconds: float) -> str:
    return f',"elapsed":{round(seconds, 6)!r}'


class _Syncing:
    """Syncs a file to the disk once a second while there is something new in it.

    In its own thread: a slow disk doesn't delay deliveries.
    """

    def __init__(self, file: RecordingFile) -> None:
        self.wanted = Event()
        self.wanted.set()
        self._file = file
        self._failure: OSError | None = None
        self._lock = Lock()
        self._ended = Event()
        self._thread = Thread(target=self._run, name="sync", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise CannotWrite when the disk has refused what was written."""
        if self._failure:
            raise self._file.cannot(self._failure)

    def move_to(self, file: RecordingFile) -> None:
        """Sync a last time, and continue with another file."""
        self._sync()
        with self._lock:
            self._file = file
        self.wanted.set()

    def end(self) -> None:
        """Sync a last time."""
        self._ended.set()
        self._thread.join()
        self._sync()
        self.check()

    def _run(self) -> None:
        while not self._ended.wait(SYNC_SECONDS):
            self._sync()

    def _sync(self) -> None:
        with self._lock:
            if not self.wanted.is_set():
                return
            self.wanted.clear()
            try:
                self._file.sync()
            except OSError as error:
                self._failure = error
