"""How far a run got: a file with which the same command continues, however it ended.

A header line identifies the run and its input; later lines hold positions that are done, and a
digest of the events there. A run may add more of its own.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.items import Item
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.publishing.positions import Positions
from medtrack_cli.errors import CannotWrite, MedtrackError, NotARecording, UsageError
from medtrack_cli.files.state.sealed_file import Nature, SealedFile

CHECKPOINT = Nature(
    Kind.CHECKPOINT, 2, "another run uses this checkpoint", hint="name another file"
)

_text = json.JSONEncoder().encode

SAVE_SECONDS = 1.0
SAVE_RECEIPTS = 500


class Noted(NamedTuple):
    """An event on its way: its place and its bytes in the source, and how it was delivered."""

    file: str
    line: int
    body: bytes | None
    delivery: Delivery | None = None


class _Done(NamedTuple):
    """Positions that a line says are done, and the digest of their events, if it has one."""

    ranges: list[tuple[int, int]]
    digest: str | None


class Journal:
    """What earlier runs have done, and what this one does.

    `damaged` counts the lines that are not as they were written: what they say is not taken as
    done.
    """

    _anew = "checkpoint"

    def __init__(self, file: SealedFile) -> None:
        self._file = file
        self._unwritten: dict[str, Any] | None = None
        self._done = [each for record in file.records if record and (each := _done(record))]
        self.damaged = file.records.count(None)
        # Never changed: another thread reads it.
        self._before = Positions(span for each in self._done for span in each.ranges)
        self._noted: dict[int, Noted] = {}  # events under way, by position
        self._unsaved = Positions()
        self._saved_at = self._lasting_at = time.monotonic()
        self.compared = 0  # events, by `verify`
        self.place = ""  # the place of the last of them

    @property
    def run(self) -> UUID:
        """The run whose message ids continue."""
        return UUID((self._unwritten or self._file.header or {})["run"])

    @property
    def was_done(self) -> int:
        """How many events earlier runs have done."""
        return len(self._before)

    @property
    def is_proved(self) -> bool:
        """Whether `verify` compares all of them: the first format had no digests."""
        return all(each.digest for each in self._done)

    def begin_when_sent(self, header: dict[str, Any]) -> None:
        """Write this header only when something is about to be sent: until then all can change."""
        self._unwritten = header

    def close(self) -> None:
        """Save what `watch` hasn't, if its consumer stopped early, and unlock the file."""
        self._save(is_last=True)
        self._file.close()

    def verify(self, items: Iterable[Item | Noted]) -> None:
        """Raise UsageError where the input isn't what earlier runs have sent of it."""
        last = max((span[1] for each in self._done for span in each.ranges), default=0)
        spans = deque(
            sorted((*span, at) for at, each in enumerate(self._done) for span in each.ranges)
        )
        digests = [sha256() for _ in self._done]
        places: list[list[str]] = [[] for _ in self._done]  # of the first and the last event
        self.place = "its start"
        for self.compared, item in enumerate(islice(items, last), 1):
            self.place = place = f"{item.file}:{item.line}"
            while spans and spans[0][1] < self.compared:
                spans.popleft()
            if spans and spans[0][0] <= self.compared:
                at = spans[0][2]
                digests[at].update(_framed(item))
                places[at][1:] = [place]  # after the first, or the first
        wrong = [
            " to ".join(where)
            for each, digest, where in zip(self._done, digests, places, strict=True)
            if each.digest not in {None, digest.hexdigest()}
        ]
        if self.compared < last:
            wrong.append(f"it ends at {self.place}")
        if wrong:
            hint = f"it has changed since; name another {self._anew} to begin anew"
            raise UsageError("the input is not what was sent", wrong[0], hint=hint)

    def note(self, position: int, noted: Noted) -> None:
        """Remember what an event holds until it has a receipt."""
        if position not in self._before:
            self._noted[position] = noted

    def noted(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass items on, and remember what they hold until they have a receipt."""
        for position, item in enumerate(items, 1):
            self.note(position, Noted(item.file, item.line, item.body))
            yield item

    def left(self, outgoing: Iterable[Message | Receipt]) -> Iterator[Message | Receipt]:
        if not self.was_done:
            return iter(outgoing)
        return (each for each in outgoing if each.position not in self._before)

    def watch(
        self, receipts: Iterable[Receipt], is_done: Callable[[Receipt], bool], stop: Stop
    ) -> Iterator[Receipt]:
        """Pass receipts on and note what is done; saved each second or 500 receipts.

        The last save is at the end. When it can't be written, no more is sent; CannotWrite is
        raised after the last receipt.
        """
        if self._unwritten is not None:
            self._file.begin(self._unwritten)
            self._unwritten = None
        failure: MedtrackError | None = None
        count = 0
        try:
            for receipt in receipts:
                if is_done(receipt):
                    self._unsaved.add(receipt.position)
                    count += 1
                else:
                    self._noted.pop(receipt.position, None)
                is_due = count >= SAVE_RECEIPTS or time.monotonic() - self._saved_at >= SAVE_SECONDS
                if is_due and failure is None and (failure := self._save()):
                    stop.when(lambda: True)
                count = 0 if is_due else count
                yield receipt
        except MedtrackError as error:
            failure = failure or error
        finally:
            last = self._save(is_last=True)
        if failure or last:
            raise failure or last  # type: ignore[misc] # one of them is there

    def _save(self, *, is_last: bool = False) -> CannotWrite | None:
        """Save what isn't saved yet; return the error, if there is one.

        It then survives the process; once a second it is put on the disk.
        """
        if self._file.is_closed:  # its descriptor may be another file's by now
            return None
        self._saved_at = now = time.monotonic()
        is_lasting = is_last or now - self._lasting_at >= SAVE_SECONDS
        ranges = self._unsaved.ranges
        positions = [each for first, last in ranges for each in range(first, last + 1)]
        digest = sha256()
        for position in positions:
            digest.update(_framed(self._noted.get(position)))
        try:
            if ranges:
                record = {"done": ranges, "sha256": digest.hexdigest(), **self._beside(ranges)}
                self._file.add(record, is_lasting=is_lasting)
        except CannotWrite as error:
            return error
        self._lasting_at = now if is_lasting else self._lasting_at
        for position in positions:
            self._noted.pop(position, None)
        self._unsaved = Positions()
        return None

    def _beside(self, _ranges: list[list[int]]) -> dict[str, Any]:
        """Give more members for the saved line."""
        return {}


def open_checkpoint(path: Path, identity: str) -> Journal:
    """Open the checkpoint for what this identity sends; empty until a run begins."""
    file = SealedFile(path, CHECKPOINT)
    try:
        _refuse_other(file, identity)
        journal = Journal(file)
    except BaseException:
        file.close()
        raise
    if file.header is None:
        journal.begin_when_sent({"run": str(uuid4()), "input": identity})
    return journal


def _refuse_other(file: SealedFile, identity: str) -> None:
    header = file.header or {"run": str(uuid4()), "input": identity}
    try:
        UUID(header["run"])
        is_same = header["input"] == identity
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotARecording("not a checkpoint", str(file.path), hint=CHECKPOINT.hint) from None
    if not is_same:
        hint = "input, options or broker have changed; name another checkpoint to begin anew"
        raise UsageError("checkpoint is of another input", str(file.path), hint=hint)


def _done(record: dict[str, Any]) -> _Done | None:
    """Read what a line says is done."""
    with suppress(ValueError, KeyError, TypeError):
        return _Done([(int(a), int(b)) for a, b in record["done"]], record.get("sha256"))
    return None


def _framed(event: Item | Noted | None) -> bytes:
    """Serialise an event so that no two can be confused with one other."""
    body = (event and event.body) or b""
    framed = b"%d\n%b" % (len(body), body)
    delivery = event.delivery if isinstance(event, Noted) else None
    if delivery is None:
        return framed
    key, name = _text(delivery.routing_key), _text(delivery.message_id)
    return f'[{key}, {name}, "{delivery.received_at}"]'.encode() + framed
