"""Writing recordings, which `recording` reads."""

import json
import os
from pathlib import Path

from medtrack_cli.core.listen import Seen, is_replayed
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.core.record import header_line, to_record
from medtrack_cli.errors import CannotCreate, CannotWrite


class Recorder:
    """A `Sink` that writes deliveries to a new file only its owner can read.

    What `medtrack replay` sent is left out, so that a replay is never recorded and replayed
    again. Flushed data has left the process and survives its end; `close` puts it on the disk.
    """

    def __init__(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            hint = "choose another name; a recording is never overwritten"
            raise CannotCreate("recording exists already", str(path), hint=hint) from None
        except OSError as error:
            hint = "does the folder exist, and may you write to it?"
            what = f"recording can't be created ({error.strerror})"
            raise CannotCreate(what, str(path), hint=hint) from None
        self._path = path
        self._descriptor = descriptor
        self._lines: list[str] = []
        self._add(header_line())
        self.flush()

    def write(self, seen: Seen) -> None:
        if not is_replayed(seen.delivery):
            self._add(to_record(seen.delivery, seen.problems, is_valid=seen.is_valid))

    def flush(self) -> None:
        data = "".join(self._lines).encode()
        self._lines.clear()
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            what = f"recording can't be written ({error.strerror})"
            hint = "nothing unwritten was acknowledged; make room and record to a new file"
            raise CannotWrite(what, str(self._path), hint=hint) from None

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        """Keep nothing: a recording holds deliveries."""

    def close(self) -> None:
        """Put it on the disk."""
        try:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
        except OSError as error:
            raise CannotWrite(
                f"recording can't be written ({error.strerror})", str(self._path)
            ) from None

    def _add(self, record: dict[str, object]) -> None:
        self._lines.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
