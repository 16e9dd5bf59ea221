"""`publish --checkpoint`: the same command goes on from where a run was ended."""

import fcntl
import gzip
import json
import os
import re
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from hashlib import sha256
from itertools import chain
from pathlib import Path

import pytest

from medtrack_cli.core.messages import Outcome, Receipt
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import (
    BrokerUnreachable,
    CannotCreate,
    CannotWrite,
    NotARecording,
    UsageError,
)
from medtrack_cli.events.registry import built_in
from medtrack_cli.files.reading.input import Input, gather
from medtrack_cli.files.reading.sources import Source
from medtrack_cli.files.recordings.checksums import sealed
from medtrack_cli.files.state.identity import identify
from medtrack_cli.files.state.journal import SAVE_RECEIPTS, Journal, Noted, open_checkpoint
from tests.broker.witness import Witness
from tests.builders import block_yaml, delivery, message, numbered
from tests.cli.tool import Ran, Tool

WINDOW = 500
MARK = "run.checkpoint"


def publish(tool: Tool, *options: str, name: str = "events.ndjson") -> Ran:
    """Publish a file with the checkpoint."""
    return tool.run("publish", "-f", name, "--checkpoint", MARK, "-o", "json", *options)


def begun(path: Path, *receipts: Receipt) -> Journal:
    """Open a checkpoint and let a run begin with it."""
    mark = open_checkpoint(path, "a digest")
    assert list(mark.watch(receipts, bool, Stop())) == list(receipts)
    return mark


def done_line(lines: Iterable[bytes], *spans: tuple[int, int]) -> bytes:
    """Write the line that says that these events of NDJSON are done."""
    bodies = [line.strip() for line in lines]
    digest = sha256()
    for first, last in spans:
        for body in bodies[first - 1 : last]:
            digest.update(b"%d\n%b" % (len(body), body))
    return sealed({"done": spans, "sha256": digest.hexdigest()})


def confirmed(position: int) -> Receipt:
    """Make the receipt of an event that is done."""
    return message(position).receipt(Outcome.CONFIRMED)


def test_a_killed_run_goes_on(connected: Tool, witness: Witness) -> None:
    """After kill -9 amid 20,000 events nothing is lost; the few sent twice keep their id."""
    name = connected.write("events.ndjson", b"".join(numbered(20_000)))
    command = ("publish", "-f", name, "--checkpoint", MARK, "-o", "json")
    running = connected.start(*command, "--rate", "8000")
    until = time.monotonic() + 30
    while running.out.count('"confirmed"') < 5000:
        assert time.monotonic() < until, running.err
        time.sleep(0.02)
    running.signal(signal.SIGKILL)
    assert running.process.wait(10) == -signal.SIGKILL

    ran = connected.run(*command)
    assert ran.code == 0, ran.err
    done_before = ran.summary["done_before"]
    assert 3000 < done_before < 20_000
    assert done_before + ran.summary["confirmed"] == 20_000
    held = witness.take()
    bodies = Counter(each.body for each in held)
    assert set(bodies) == {line.strip() for line in numbered(20_000)}
    assert bodies.total() - len(bodies) <= WINDOW + SAVE_RECEIPTS
    assert len({(each.body, each.message_id) for each in held}) == 20_000

    again = connected.run(*command)
    assert (again.code, again.summary["total"]) == (0, 0)
    assert again.summary["done_before"] == 20_000
    assert witness.take() == []


def test_an_interrupted_run_repeats_nothing(connected: Tool, witness: Witness) -> None:
    """After Ctrl-C all receipts are saved: what was confirmed isn't sent a second time."""
    name = connected.write("events.ndjson", b"".join(numbered(3000)))
    command = ("publish", "-f", name, "--checkpoint", MARK, "-o", "json")
    running = connected.start(*command, "--rate", "1500")
    running.await_text('"confirmed"', stream="out")
    running.signal(signal.SIGINT)
    first = running.end()
    assert first.code == 130
    assert 0 < first.summary["confirmed"] < 3000
    second = connected.run(*command)
    assert (second.code, second.summary["done_before"]) == (0, first.summary["confirmed"])
    assert Counter(each.body for each in witness.take()) == Counter(
        line.strip() for line in numbered(3000)
    )


def test_what_failed_is_tried_again(connected: Tool, witness: Witness) -> None:
    """An invalid event and those that no queue wanted are not done: a later run takes them up."""
    lines = [*numbered(2), b'{"event_type": "student.deleted"}\n', *numbered(1, start=3)]
    connected.write("events.ndjson", b"".join(lines))
    first = publish(connected, "--keep-going")
    assert (first.code, first.summary["confirmed"], first.summary["invalid"]) == (1, 3, 1)
    second = publish(connected, "--keep-going")
    assert second.code == 1
    numbers = {name: second.summary[name] for name in ("total", "invalid", "done_before")}
    assert numbers == {"total": 1, "invalid": 1, "done_before": 3}
    assert len(witness.take()) == 3
    assert "3 events are done already" in second.err
    third = publish(connected)
    numbers = {name: third.summary[name] for name in ("total", "unsent", "invalid", "done_before")}
    assert numbers == {"total": 1, "unsent": 0, "invalid": 1, "done_before": 3}


def test_a_dry_run_shows_what_is_left(connected: Tool, witness: Witness) -> None:
    """With --dry-run what an earlier run has done is left out, and nothing is sent."""
    connected.write("events.ndjson", b"".join(numbered(4)))
    path = connected.folder / MARK
    assert publish(connected).code == 0
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + done_line(numbered(4), (1, 1), (3, 3)))
    ran = publish(connected, "--dry-run")
    assert [each["index"] for each in ran.of_kind("message")] == [2, 4]
    assert len(witness.take()) == 4


@pytest.mark.usefixtures("witness")
def test_a_checkpoint_is_of_one_input_and_one_set_of_options(connected: Tool) -> None:
    """Another input, another option or another exchange is exit code 2, and nothing is sent."""
    connected.write("events.ndjson", b"".join(numbered(3)))
    assert publish(connected).code == 0
    connected.write("other.ndjson", b"".join(numbered(3, start=7)))
    for changed in (
        publish(connected, name="other.ndjson"),
        publish(connected, "-d", json.dumps(json.loads(next(numbered(1))))),
        publish(connected, "--set", "service=other"),
        publish(connected, "--service", "other"),
        publish(connected, "--header", "a=b"),
        publish(connected, "--message-id", "m"),
        publish(connected, "--exchange", "other.exchange"),
    ):
        assert changed.code == 2, changed.err
        assert "checkpoint is of another input" in changed.err
        assert "name another checkpoint" in changed.err
    assert publish(connected, "--rate", "50", "--window", "3").code == 0


def test_a_torn_last_line_is_passed_over(connected: Tool, witness: Witness) -> None:
    """A line that a crash has cut is dropped, and the one before it counts."""
    connected.write("events.ndjson", b"".join(numbered(5)))
    assert publish(connected).code == 0
    witness.take()
    path = connected.folder / MARK
    header = path.read_bytes().splitlines(keepends=True)[0]
    first, second = (done_line(numbered(5), span) for span in ((1, 2), (3, 5)))
    path.write_bytes(header + first + b'{"done":[[1,')
    ran = publish(connected)
    assert (ran.code, ran.summary["confirmed"], ran.summary["done_before"]) == (0, 3, 2)
    assert path.read_bytes().startswith(header + first + second[: len(b'{"done":[[3,')])
    assert publish(connected).summary["done_before"] == 5


@pytest.mark.parametrize("size", [0, 1, 12, 21, 40])
def test_a_torn_header_begins_anew(tmp_path: Path, size: int) -> None:
    """Whatever a crash has left of the header, the file is a fresh checkpoint."""
    path = tmp_path / MARK
    first = begun(path)
    whole = path.read_bytes()
    first.close()
    path.write_bytes(whole[:size])
    second = begun(path)
    assert second.was_done == 0
    assert path.read_bytes().count(b"\n") == 1
    second.close()


def test_lines_are_united(tmp_path: Path) -> None:
    """What is done is what any whole line says, in whatever order; a broken one says nothing."""
    path = tmp_path / MARK
    begun(path, confirmed(1), confirmed(2), confirmed(9)).close()
    unsealed, other, again = b'{"done":[[4,5]]}\n', [[8, 8], [3, 3]], [[1, 3]]
    with path.open("ab") as stream:
        stream.write(unsealed + b"rubbish\n" + sealed({"done": other}) + sealed({"done": again}))
    mark = open_checkpoint(path, "a digest")
    left = mark.left(message(each) for each in range(1, 11))
    assert [each.position for each in left] == [4, 5, 6, 7, 10]
    assert (mark.was_done, mark.damaged) == (5, 2)
    mark.close()


def test_a_run_is_asked_only_what_ran_before(tmp_path: Path) -> None:
    """What is done meanwhile changes nothing for the thread that reads ahead."""
    begun(tmp_path / MARK, *map(confirmed, range(1, 101, 2))).close()
    mark = open_checkpoint(tmp_path / MARK, "a digest")
    left = mark.left(message(each) for each in range(1, 101))
    receipts = mark.watch((confirmed(each) for each in range(2, 101, 2)), bool, Stop())
    positions = [each.position for each, _ in zip(left, receipts, strict=True)]
    assert positions == list(range(2, 101, 2))
    mark.close()


def test_holes_cost_no_more_than_what_is_new(tmp_path: Path) -> None:
    """A save holds what is done since the last one, however many holes there are before it."""
    receipts = [confirmed(each) for each in range(1, 20 * SAVE_RECEIPTS, 2)]
    begun(tmp_path / MARK, *receipts).close()
    assert (tmp_path / MARK).stat().st_size < 30 * len(receipts)


def test_nothing_is_bound_before_anything_is_sent(connected: Tool, witness: Witness) -> None:
    """A file in which something was wrong can be mended, and the same command goes on."""
    lines = list(numbered(3))
    connected.write("events.ndjson", b"".join([*lines[:2], b"{}\n"]))
    assert publish(connected).code == 1
    assert publish(connected, "--dry-run").code == 1
    connected.write("events.ndjson", b"".join(lines))
    ran = publish(connected)
    assert (ran.code, ran.summary["confirmed"], len(witness.take())) == (0, 3, 3)


def read(*paths: Path) -> Input:
    """Take files as an input."""
    return gather([str(path) for path in paths], open, registry=built_in())  # type: ignore[arg-type] # no stdin


def run(path: Path, source: Input, *done: int) -> None:
    """Let a run send an input; only some of its events are done."""
    mark = open_checkpoint(path, "a digest")
    mark.verify(source.items())
    outcome = dict.fromkeys(done, Outcome.CONFIRMED)
    receipts = (
        message(position).receipt(outcome.get(position, Outcome.UNSENT))
        for position, _ in enumerate(mark.noted(source.items()), 1)
    )
    list(mark.watch(receipts, lambda each: each.outcome is Outcome.CONFIRMED, Stop()))
    assert mark._noted == {}
    mark.close()


FORMS: dict[str, Callable[[list[bytes]], bytes]] = {
    "a.ndjson": b"".join,
    "a.ndjson.gz": lambda events: gzip.compress(b"".join(events)),
    "a.json": lambda events: b"[" + b",".join(events) + b"]",
    "a.yaml": lambda events: "\n---\n".join(block_yaml(json.loads(e)) for e in events).encode(),
    "in two files": b"".join,
}


@pytest.mark.parametrize("form", FORMS)
def test_what_lies_before_the_cursor_is_compared(tmp_path: Path, form: str) -> None:
    """Events that were done must stand where they stood; others may change. Where is told."""
    events = list(numbered(9))
    is_parted = form == "in two files"
    paths = [tmp_path / name for name in (("a.ndjson", "b.ndjson") if is_parted else (form,))]

    def write(*order: int) -> Input:
        wanted = [events[each - 1] for each in order]
        parts = (wanted[:4], wanted[4:]) if is_parted else (wanted,)
        for path, part in zip(paths, parts, strict=True):
            path.write_bytes(FORMS[form](part))
        return read(*paths)

    mark = tmp_path / MARK
    run(mark, write(1, 2, 3, 4, 5, 6, 7, 8, 9), 1, 2, 4, 5, 6)
    for same in ("123456987", "129456387", "123456789"):
        again = open_checkpoint(mark, "a digest")
        again.verify(write(*map(int, same)).items())
        again.close()
    run(mark, write(*range(1, 10)), 3, 8)
    for other in ("143256789", "124356789", "124563789", "123456879", "123456", "1234566789"):
        again = open_checkpoint(mark, "a digest")
        with pytest.raises(UsageError, match="the input is not what was sent") as caught:
            again.verify(write(*map(int, other)).items())
        assert any(f"{path}:" in caught.value.subject for path in paths)
        again.close()


def test_two_lines_swapped_in_the_middle_are_noticed(connected: Tool, witness: Witness) -> None:
    """An input of the same size, start and end that differs where it was sent is exit code 2."""
    lines = list(numbered(3000))
    name = connected.write("events.ndjson", b"".join(lines))
    command = ("publish", "-f", name, "--checkpoint", MARK, "-o", "json")
    running = connected.start(*command, "--rate", "500")
    running.await_text('"index":600', stream="out")
    running.signal(signal.SIGINT)
    assert running.end().code == 130
    swapped = [*lines[:300], lines[2500], *lines[301:2500], lines[300], *lines[2501:]]
    connected.write("events.ndjson", b"".join(swapped))
    sent = len(witness.take())
    refused = connected.run(*command)
    error = json.loads(refused.err.splitlines()[-1])
    assert (refused.code, refused.out) == (2, "")
    named = re.fullmatch(
        r"the input is not what was sent: events\.ndjson:(\d+) to events\.ndjson:(\d+)",
        error["message"],
    )
    assert named
    assert int(named[1]) <= 301 <= int(named[2])
    assert witness.take() == []

    connected.write("events.ndjson", b"".join(lines))
    ran = connected.run(*command)
    assert (ran.code, ran.summary["done_before"]) == (0, sent)
    assert sent + len(witness.take()) == 3000


def test_whatever_a_checkpoint_has_lost_it_claims_no_more(tmp_path: Path) -> None:
    """Cut off anywhere, or with any byte changed, it is refused or knows less, never more."""
    path, source = tmp_path / MARK, tmp_path / "a.ndjson"
    source.write_bytes(b"".join(numbered(9)))
    run(path, read(source), 1, 2, 4)
    run(path, read(source), 3, 7)
    whole = path.read_bytes()
    cut = (whole[:size] for size in range(len(whole)))
    changed = (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole)))
    for content in chain(cut, changed):
        path.write_bytes(content)
        with suppress(NotARecording, UsageError), ExitStack() as opened:
            mark = open_checkpoint(path, "a digest")
            opened.callback(mark.close)
            left = {each.position for each in mark.left(map(message, range(1, 10)))}
            assert left >= {5, 6, 8, 9}
            assert mark.was_done < 5
            mark.verify(read(source).items())


def test_a_damaged_line_is_told_and_sent_again(connected: Tool, witness: Witness) -> None:
    """What a line said that isn't as it was written is sent a second time, and said."""
    connected.write("events.ndjson", b"".join(numbered(5)))
    assert publish(connected).code == 0
    witness.take()
    path = connected.folder / MARK
    done = re.compile(rb"\[\[1,(\d)\]\]")  # the first; on a slow machine there are several
    (last,) = done.findall(path.read_bytes())
    path.write_bytes(done.sub(b"[[1,9]]", path.read_bytes()))
    ran = publish(connected)
    assert (ran.code, ran.summary["confirmed"]) == (0, int(last))
    assert "a line is damaged: what only it recorded as done is sent again" in ran.err
    assert len(witness.take()) == int(last)


def test_a_checkpoint_of_the_first_format_is_gone_on_with(
    connected: Tool, witness: Witness
) -> None:
    """Without digests and checksums it still says what is done, and what it can't prove is told."""
    connected.write("events.ndjson", b"".join(numbered(5)))
    assert publish(connected).code == 0
    witness.take()
    path = connected.folder / MARK
    header = json.loads(path.read_bytes().splitlines()[0])
    old = {"kind": "checkpoint", "version": 1, "run": header["run"], "input": header["input"]}
    line = json.dumps(old, separators=(",", ":"))
    path.write_text(f'{line}\n{{"done":[[1,1]]}}\n{{"done":[[3,3]]}}\n')
    ran = publish(connected)
    assert (ran.code, ran.summary["confirmed"], ran.summary["done_before"]) == (0, 3, 2)
    assert "an older version began it" in ran.err
    assert publish(connected).summary["done_before"] == 5
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":3'))
    newer = publish(connected)
    assert (newer.code, "checkpoint of a newer format (version 3)" in newer.err) == (65, True)


FOREIGN = [
    b"a letter, without a line's end",
    b"a letter\nof two lines",
    b'{"kind":"recording","version":1}\n',
    b'{"kind":"checkpoint","version":1}\n',
    b'{"kind":"checkpoint","version":2,"run":"00000000-0000-4000-8000-000000000000","input":"i"}\n',
    sealed({"kind": "checkpoint", "version": 1, "run": "", "input": "i"}).replace(b"1", b"2"),
    sealed({"kind": "checkpoint", "version": "2", "run": "", "input": "i"}),
    b'{"kind":"checkpoint",broken\n',
    b'{"kind":"checkpoint","version":1,"run":"none","input":"none"}\n',
    b"\x00\xff\n\n",
    b"\n",
]


@pytest.mark.parametrize("content", FOREIGN, ids=repr)
def test_a_foreign_file_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    """A file that is no checkpoint is refused and not changed by a byte."""
    path = tmp_path / MARK
    path.write_bytes(content)
    with pytest.raises(NotARecording, match="not a checkpoint"):
        open_checkpoint(path, "a digest")
    assert path.read_bytes() == content


def test_the_input_is_no_checkpoint(tool: Tool) -> None:
    """The input itself named as checkpoint is exit code 73, and survives."""
    name = tool.write("events.ndjson", b"".join(numbered(3)))
    ran = tool.run("publish", "-f", name, "--checkpoint", name)
    assert ran.code == 73
    assert (tool.folder / name).read_bytes() == b"".join(numbered(3))


def test_a_second_run_at_once_is_refused(connected: Tool) -> None:
    """While a run holds the checkpoint a second one is exit code 73."""
    connected.write("events.ndjson", b"".join(numbered(3)))
    with (connected.folder / MARK).open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = publish(connected)
    assert ran.code == 73
    assert "another run uses this checkpoint" in ran.err


def test_only_files_have_checkpoints(tool: Tool) -> None:
    """Stdin, a FIFO and generated events can't be gone on with: exit code 2."""
    os.mkfifo(tool.folder / "fifo.ndjson")
    for arguments in (
        ("-f", "-"),
        ("-f", "fifo.ndjson"),
        ("student.deleted", "--count", "3"),
        ("-d", "{}"),
    ):
        ran = tool.run("publish", *arguments, "--checkpoint", MARK, stdin=next(numbered(1)))
        assert (ran.code, "--checkpoint needs files" in ran.err) == (2, True), ran.err
        assert not (tool.folder / MARK).exists()


@pytest.mark.parametrize("path", ["missing/run.checkpoint", "/proc/run.checkpoint", "."])
def test_a_checkpoint_that_can_not_be_made(tool: Tool, path: str) -> None:
    """Where no file can be made or opened it is exit code 73, and nothing was sent."""
    name = tool.write("events.ndjson", b"".join(numbered(1)))
    ran = tool.run("publish", "-f", name, "--checkpoint", path)
    assert ran.code == 73
    assert "can't be opened" in ran.err


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A checkpoint that is a link to another file leaves that file alone."""
    (tmp_path / "precious").write_bytes(b"")
    (tmp_path / MARK).symlink_to(tmp_path / "precious")
    with pytest.raises(CannotCreate, match="it is a link"):
        open_checkpoint(tmp_path / MARK, "a digest")
    assert (tmp_path / "precious").read_bytes() == b""


def test_what_is_no_file_is_no_checkpoint(tmp_path: Path) -> None:
    """A device or a FIFO is refused at once, however much could be read from it."""
    os.mkfifo(tmp_path / MARK)
    for path in (Path("/dev/full"), Path("/dev/zero"), tmp_path / MARK):
        with pytest.raises(CannotCreate, match="is no file"):
            open_checkpoint(path, "a digest")


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """A checkpoint that can't be written is CannotWrite, exit code 74."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(CannotWrite, match="can't be written") as caught:
            begun(tmp_path / MARK)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.exit_code == 74


def test_a_disk_that_fills_ends_the_run_with_all_accounted_for(tmp_path: Path) -> None:
    """From then on no more is asked for; every receipt still comes, then CannotWrite."""
    mark, stop = begun(tmp_path / MARK), Stop()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / MARK).stat().st_size + 5, before[1]))
    seen = []

    def watch() -> None:
        for receipt in mark.watch(map(confirmed, range(1, 3001)), bool, stop):
            seen.append(receipt.position)
            assert stop.is_requested == (len(seen) >= SAVE_RECEIPTS)

    try:
        with pytest.raises(CannotWrite, match="can't be written"):
            watch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert seen == list(range(1, 3001))
    assert (tmp_path / MARK).read_bytes().count(b"\n") == 1
    mark.close()


def test_receipts_that_nobody_goes_on_to_read_are_saved(tmp_path: Path) -> None:
    """Whoever stops at a receipt and closes loses none; nothing is written once it is closed."""
    mark = open_checkpoint(tmp_path / MARK, "a digest")
    receipts = mark.watch(map(confirmed, range(1, 10)), bool, Stop())
    assert [next(receipts).position for _ in range(5)] == [1, 2, 3, 4, 5]
    mark.close()
    other = os.open(tmp_path / "another file", os.O_RDWR | os.O_CREAT)  # with its descriptor
    receipts.close()  # type: ignore[attr-defined] # a generator
    os.close(other)
    assert (tmp_path / "another file").read_bytes() == b""
    again = open_checkpoint(tmp_path / MARK, "a digest")
    assert again.was_done == 5
    again.close()


def test_a_loss_is_told_before_what_follows_from_it(tmp_path: Path) -> None:
    """What ends the receipts first is what is raised."""

    def lost() -> Iterator[Receipt]:
        yield confirmed(1)
        raise BrokerUnreachable("connection lost", "memory")

    mark = begun(tmp_path / MARK)
    with pytest.raises(BrokerUnreachable):
        list(mark.watch(lost(), bool, Stop()))
    mark.close()


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """A checkpoint is made with mode 0600."""
    mark = open_checkpoint(tmp_path / MARK, "a digest")
    assert (tmp_path / MARK).stat().st_mode & 0o777 == 0o600
    mark.close()


def test_what_identifies_an_input(tmp_path: Path) -> None:
    """Size, beginning, end, order and options make the digest; names and times don't."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"a" * 200_000)
    two.write_bytes(b"b")

    def digest(*paths: Path, options: tuple[object, ...] = ()) -> str:
        return identify([Source(str(path), path, (0, 0, 0)) for path in paths], options)

    first = digest(one, two)
    assert first == digest(one.rename(tmp_path / "three"), two)
    others = {digest(two, tmp_path / "three"), digest(two), digest(two, options=("x",))}
    (tmp_path / "three").write_bytes(b"a" * 199_999 + b"c")
    others.add(digest(tmp_path / "three", two))
    assert len(others - {first}) == 4


def test_an_input_that_is_no_file_has_no_digest() -> None:
    """Standard input can't be identified."""
    with pytest.raises(UsageError, match="needs files"):
        identify([Source("<stdin>")], ())


@pytest.mark.parametrize("text", ["student.created", 'é "\\\n\u2028 😀', ""])
@pytest.mark.parametrize("is_named", [True, False])
def test_the_digest_of_a_delivery_is_that_of_earlier_versions(
    tmp_path: Path, text: str, *, is_named: bool
) -> None:
    """What a run has done of a recording is compared by key, id, time and body, as JSON."""
    properties = {"message_id": text} if is_named else {}
    came = delivery(b"{}", routing_key=text, properties=properties)
    mark = open_checkpoint(tmp_path / MARK, "a digest")
    mark.note(1, Noted("f", 1, b"{}", came))
    list(mark.watch([confirmed(1)], bool, Stop()))
    about = json.dumps([text, text if is_named else None, str(came.received_at)])
    digest = sha256(about.encode() + b"2\n{}").hexdigest()
    assert digest in (tmp_path / MARK).read_text()
