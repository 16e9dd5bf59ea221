"""How far a run got: a file that the same command goes on from, whatever ended it.

A header line says which run and which input it is of; every later line holds positions that are
done. Lines are only added, so a run that is killed leaves at most one torn line at the end.
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
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.positions import Positions
from medtrack_cli.errors import CannotWrite, MedtrackError, NotARecording, UsageError
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
    """The file, open and locked: a second run with it is refused. Empty until a run begins."""

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
        self._header = None if lines else {"run": str(run), "input": digest}
        self._before = _positions(lines[1:])  # never changed: another thread asks it
        self._unsaved = Positions()
        self._saved_at = time.monotonic()

    @property
    def was_done(self) -> int:
        """How many events earlier runs have done."""
        return len(self._before)

    def left(self, outgoing: Iterable[Message | Receipt]) -> Iterator[Message | Receipt]:
        """Pass on what earlier runs haven't done."""
        return (each for each in outgoing if each.position not in self._before)

    def watch(
        self, receipts: Iterable[Receipt], is_done: Callable[[Receipt], bool], stop: Stop
    ) -> Iterator[Receipt]:
        """Pass receipts on and note what is done; saved each second or thousand, and at last.

        When it can't be written, no more is sent; CannotWrite is raised behind the last receipt.
        """
        if self._header is not None:
            self._append({"kind": "checkpoint", "version": 1, **self._header})
            self._header = None
        failure: MedtrackError | None = None
        count = 0
        try:
            for receipt in receipts:
                if is_done(receipt):
                    self._unsaved.add(receipt.position)
                    count += 1
                is_due = count >= SAVE_RECEIPTS or self._save_is_late
                if is_due and failure is None and (failure := self._save()):
                    stop.when(lambda: True)
                count = 0 if is_due else count
                yield receipt
        except MedtrackError as error:
            failure = failure or error
        finally:
            last = self._save()
        if failure or last:
            raise failure or last  # type: ignore[misc] # one of them is there

    @property
    def _save_is_late(self) -> bool:
        return time.monotonic() - self._saved_at >= SAVE_SECONDS

    def _save(self) -> CannotWrite | None:
        """Add what isn't saved yet; give the error, if there is one."""
        self._saved_at = time.monotonic()
        try:
            if self._unsaved.ranges:
                self._append({"done": self._unsaved.ranges})
        except CannotWrite as error:
            return error
        self._unsaved = Positions()
        return None

    def _append(self, record: dict[str, Any]) -> None:
        data = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        size = os.fstat(self._descriptor).st_size
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, size)  # half a line would spoil the next
            what = f"checkpoint can't be written ({error.strerror})"
            raise CannotWrite(what, str(self._path)) from None

    def _read_lines(self) -> list[bytes]:
        """Read the whole lines; a torn one at the end is cut off.

        ValueError, with the file left as it is, when it doesn't begin as checkpoints do.
        """
        data = b"".join(iter(lambda: os.read(self._descriptor, 1024 * 1024), b""))
        if data[: len(_BEGINNING)] != _BEGINNING[: len(data)]:
            raise ValueError
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._descriptor, whole)
        return data[:whole].splitlines()


def _header(line: bytes) -> tuple[UUID, str]:
    header = json.loads(line)
    return UUID(header["run"]), header["input"]


def _positions(lines: Iterable[bytes]) -> Positions:
    """Unite what the lines say is done; one that can't be read says nothing."""
    ranges: list[tuple[int, int]] = []
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            ranges += [(int(first), int(last)) for first, last in json.loads(line)["done"]]
    return Positions(ranges)
