"""How far a run got: a file that the same command goes on from, whatever ended it.

A header line says which run and which input it is of; every later line holds the positions done
so far. Lines are only added, so a run that is killed leaves at most one torn line at the end.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.positions import Positions
from medtrack_cli.errors import CannotWrite, NotARecording, UsageError
from medtrack_cli.files.locked_file import open_locked
from medtrack_cli.files.sources import Source

SAVE_SECONDS = 1.0
SAVE_RECEIPTS = 1000
_BEGINNING = b'{"kind":"checkpoint",'
_EDGE = 64 * 1024  # bytes at a file's start and end that identify it, with its size


def identify(sources: Sequence[Source], options: Sequence[object]) -> str:
    """Give a digest of an input and of the options that shape what is sent."""
    digest = sha256(json.dumps([str(each) for each in options]).encode())
    for source in sources:
        if source.path is None or not source.is_regular:
            hint = "write the input to a file first"
            raise UsageError("--checkpoint needs files", source.name, hint=hint)
        with source.path.open("rb") as stream:
            digest.update(stream.read(_EDGE))
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _EDGE))
            digest.update(stream.read(_EDGE) + str(size).encode())
    return digest.hexdigest()


class Checkpoint:
    """The file, open and locked: a second run with it is refused."""

    def __init__(self, path: Path, digest: str) -> None:
        self._path = path
        self._descriptor = open_locked(path, "checkpoint", busy="another run uses this checkpoint")
        try:
            lines = self._read_lines()
            run, input_digest = _header(lines[0]) if lines else (uuid4(), digest)
        except (ValueError, KeyError, TypeError, AttributeError):
            hint = "name another file"
            raise NotARecording("not a checkpoint", str(path), hint=hint) from None
        if input_digest != digest:
            hint = "input, options or broker have changed; name another checkpoint to begin anew"
            raise UsageError("checkpoint is of another input", str(path), hint=hint)
        self.run = run
        self.done = _positions(lines[1:])
        self.was_done = len(self.done)
        self._saved_at = time.monotonic()
        self._unsaved = 0
        if not lines:
            self._append({"kind": "checkpoint", "version": 1, "run": str(run), "input": digest})

    def left(self, outgoing: Iterable[Message | Receipt]) -> Iterator[Message | Receipt]:
        """Pass on what isn't done yet."""
        return (each for each in outgoing if each.position not in self.done)

    def watch(
        self, receipts: Iterable[Receipt], is_done: Callable[[Receipt], bool]
    ) -> Iterator[Receipt]:
        """Pass receipts on and note what is done; saved each second or thousand, and at last."""
        try:
            for receipt in receipts:
                if is_done(receipt):
                    self.done.add(receipt.position)
                    self._unsaved += 1
                self._save_if_due()
                yield receipt
        finally:
            self._save()

    def _save_if_due(self) -> None:
        if self._unsaved >= SAVE_RECEIPTS or time.monotonic() - self._saved_at >= SAVE_SECONDS:
            self._save()

    def _save(self) -> None:
        if self._unsaved:
            self._append({"done": self.done.ranges})
        self._unsaved = 0
        self._saved_at = time.monotonic()

    def _append(self, record: dict[str, Any]) -> None:
        data = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as error:
            what = f"checkpoint can't be written ({error.strerror})"
            raise CannotWrite(what, str(self._path)) from None

    def _read_lines(self) -> list[bytes]:
        """Read the whole lines; a torn one at the end is cut off.

        ValueError, with the file left as it is, when it doesn't begin as checkpoints do.
        """
        data = b""
        while chunk := os.read(self._descriptor, 1024 * 1024):
            data += chunk
        if data[: len(_BEGINNING)] != _BEGINNING[: len(data)]:
            raise ValueError
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._descriptor, whole)
        return data[:whole].splitlines()


def _header(line: bytes) -> tuple[UUID, str]:
    header = json.loads(line)
    return UUID(header["run"]), header["input"]


def _positions(lines: Sequence[bytes]) -> Positions:
    """Take the last line that can be read."""
    for line in reversed(lines):
        with suppress(ValueError, KeyError, TypeError):
            return Positions((int(first), int(last)) for first, last in json.loads(line)["done"])
    return Positions()
