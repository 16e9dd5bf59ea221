"""How far a run got: a file that the same command goes on from, whatever ended it.

A header line says which run and which input it is of; every later line holds positions that are
done, and a digest of the events that stood there. Lines are only added, each with its checksum, so
a run that is killed leaves at most one torn line at the end.
"""

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from medtrack_cli.core.inputs import Item
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.publishing.positions import Positions
from medtrack_cli.errors import CannotWrite, MedtrackError, NotARecording, UsageError
from medtrack_cli.files.locked_file import open_locked
from medtrack_cli.files.sealed_lines import has_seal, is_damaged, sealed
from medtrack_cli.files.sources import Source

FORMAT = 2
"""The version that is written; all up to it are read."""

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


class _Done(NamedTuple):
    """What a line says is done, and the digest of the events there; an older format has none."""

    ranges: list[tuple[int, int]]
    digest: str | None


class Checkpoint:
    """The file, open and locked: a second run with it is refused. Empty until a run begins.

    `identity` tells the input and all that shapes what is sent of it. `damaged` counts the lines
    that are not as they were written: what they said is not known to be done.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._descriptor = open_locked(path, "checkpoint", busy="another run uses this checkpoint")
        try:
            self._begin(self._read_lines(), identity)
        except BaseException as error:
            os.close(self._descriptor)
            if isinstance(error, ValueError | KeyError | TypeError | AttributeError):
                hint = "name another file"
                raise NotARecording("not a checkpoint", str(path), hint=hint) from None
            raise
        self._unsaved = Positions()
        self._saved_at = time.monotonic()
        self.compared = 0  # events, by `verify`

    def _begin(self, lines: list[bytes], identity: str) -> None:
        """Take in what the file holds: a header, and what is done."""
        header = _header(lines[0], self._path) if lines else None
        self.run = UUID(header["run"]) if header else uuid4()
        if header is not None and header["input"] != identity:
            hint = "input, options or broker have changed; name another checkpoint to begin anew"
            raise UsageError("checkpoint is of another input", str(self._path), hint=hint)
        self._header = None if header else {"run": str(self.run), "input": identity}
        is_sealed = header is not None and header["version"] > 1
        self._done = [each for line in lines[1:] if (each := _done(line, is_sealed=is_sealed))]
        self.damaged = len(lines[1:]) - len(self._done)
        # Never changed: another thread asks it.
        self._before = Positions(span for each in self._done for span in each.ranges)
        self._bodies: dict[int, bytes] = {}  # of what is under way, by position

    @property
    def was_done(self) -> int:
        """How many events earlier runs have done."""
        return len(self._before)

    @property
    def is_proved(self) -> bool:
        """Whether `verify` compares all of that: the first format had no digests."""
        return all(each.digest for each in self._done)

    def verify(self, items: Iterable[Item]) -> None:
        """Raise UsageError where the input doesn't hold what earlier runs have sent of it."""
        last = max((span[1] for each in self._done for span in each.ranges), default=0)
        spans = deque(
            sorted((*span, at) for at, each in enumerate(self._done) for span in each.ranges)
        )
        digests = [sha256() for _ in self._done]
        places: list[list[str]] = [[] for _ in self._done]  # of the first and the last event
        place = "its start"
        for self.compared, item in enumerate(islice(items, last), 1):
            place = f"{item.file}:{item.line}"
            while spans and spans[0][1] < self.compared:
                spans.popleft()
            if spans and spans[0][0] <= self.compared:
                at = spans[0][2]
                digests[at].update(_framed(item.body))
                places[at][1:] = [place]  # behind the first, or the first
        wrong = [
            " to ".join(where)
            for each, digest, where in zip(self._done, digests, places, strict=True)
            if each.digest not in {None, digest.hexdigest()}
        ]
        if self.compared < last:
            wrong.append(f"it ends at {place}")
        if wrong:
            hint = "it has changed since; name another checkpoint to begin anew"
            raise UsageError("the input is not what was sent", wrong[0], hint=hint)

    def noted(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass items on, and remember what they hold until they have a receipt."""
        for position, item in enumerate(items, 1):
            if position not in self._before:
                self._bodies[position] = item.body or b""
            yield item

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
            self._append({"kind": Kind.CHECKPOINT, "version": FORMAT, **self._header})
            self._header = None
        failure: MedtrackError | None = None
        count = 0
        try:
            for receipt in receipts:
                if is_done(receipt):
                    self._unsaved.add(receipt.position)
                    count += 1
                else:
                    self._bodies.pop(receipt.position, None)
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
        ranges = self._unsaved.ranges
        positions = [each for first, last in ranges for each in range(first, last + 1)]
        digest = sha256()
        for position in positions:
            digest.update(_framed(self._bodies.get(position)))
        try:
            if ranges:
                self._append({"done": ranges, "sha256": digest.hexdigest()})
        except CannotWrite as error:
            return error
        for position in positions:
            self._bodies.pop(position, None)
        self._unsaved = Positions()
        return None

    def _append(self, record: dict[str, Any]) -> None:
        data = sealed(record)
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


def _header(line: bytes, path: Path) -> dict[str, Any]:
    """Read the first line; NotARecording when it is of a later format, ValueError for others."""
    header: dict[str, Any] = json.loads(line)
    version = header["version"]
    if version > FORMAT:
        hint = f"this medtrack reads checkpoints up to version {FORMAT}: use a newer one"
        raise NotARecording(
            f"checkpoint of a newer format (version {version})", str(path), hint=hint
        )
    if version > 1 and (is_damaged(line) or not has_seal(line)):
        raise ValueError("damaged")
    return header


def _done(line: bytes, *, is_sealed: bool) -> _Done | None:
    """Read a later line; None when it isn't as it was written."""
    if is_damaged(line) or (is_sealed and not has_seal(line)):
        return None
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        record = json.loads(line)
        return _Done([(int(a), int(b)) for a, b in record["done"]], record.get("sha256"))
    return None


def _framed(body: bytes | None) -> bytes:
    """Give an event's bytes so that two of them are never those of one other."""
    return b"%d\n%b" % (len(body or b""), body or b"")
