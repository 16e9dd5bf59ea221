"""Replays as runs: their journals, how they go on, what is told of them."""

import json
import os
import pty
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.errors import BrokerUnreachable, MedtrackError
from medtrack_cli.files.reading.sources import expand
from medtrack_cli.files.recordings.checksums import sealed
from medtrack_cli.files.state.identity import known
from tests.broker.witness import Witness
from tests.builders import numbered, numbered_deliveries
from tests.cel import needs_cel
from tests.cli.tool import COMMAND, Ran, Running, Tool
from tests.contracts.fakes import MemoryBroker
from tests.core.values import FakeClock
from tests.recording.recorded import record
from tests.running import run, run_json

EVENTS = 12


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the working folder, with a recording."""
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "r.ndjson", numbered_deliveries(EVENTS))
    return tmp_path


def replayed(folder: Path, broker: MemoryBroker, *options: str) -> Ran:
    """Replay without pauses, or go on."""
    more = () if "--resume" in options else ("r.ndjson", "--speed", "max")
    return run_json("replay", *more, *options, folder=folder, broker=broker)


def failing(after: int) -> MemoryBroker:
    """Give a broker that is lost after so many events."""

    def answer(_message: Message) -> MedtrackError | None:
        is_over = len(broker.sent) >= after
        return BrokerUnreachable("connection lost", "memory", hint="is it up?") if is_over else None

    broker = MemoryBroker(answer, wants_all=True)
    return broker


def journal(folder: Path, name: str = "one") -> Path:
    """Name a run's journal."""
    return folder / ".local/state/medtrack/replays" / f"{name}.journal"


def begun(folder: Path, after: int = 5, *options: str) -> MemoryBroker:
    """Begin the run `one`, which ends early."""
    broker = failing(after)
    ran = replayed(folder, broker, "--name", "one", *options)
    assert ran.code == 69, ran.err
    broker.answer = lambda _message: None
    return broker


def ids(broker: MemoryBroker) -> list[str]:
    """Name what was sent."""
    return [each.message_id for each in broker.sent]


def shown(folder: Path, name: str = "one") -> dict[str, object]:
    """Give what --show tells of a run."""
    return run_json("replay", "--show", name, folder=folder).summary


def test_a_run_goes_on_where_it_ended(folder: Path) -> None:
    """What is done isn't sent again, the options are those of then, and the numbers add up."""
    broker = failing(5)
    chosen = ("--key", "student.*", "--limit", "10", "--header", "a=b")
    lost = replayed(folder, broker, "--name", "one", *chosen)
    assert (lost.code, lost.summary["confirmed"], lost.summary["run"]) == (69, 5, "one")
    error = json.loads(lost.err.splitlines()[-1])
    assert error["hint"] == "is it up?; then medtrack replay --resume one"
    before = shown(folder)
    assert (before["state"], before["reason"]) == ("failed", "connection lost: memory")
    assert (before["events"], before["can_be_resumed"]) == (10, True)
    assert before["counts"] == {"confirmed": 5, "unknown": 1, "unsent": 4}
    broker.answer = lambda _message: None
    ran = replayed(folder, broker, "--resume", "last")
    assert ran.code == 0, ran.err
    assert (ran.summary["done_before"], ran.summary["confirmed"], ran.summary["total"]) == (5, 5, 5)
    assert (ran.summary["left_out"], ran.summary["left_out_limit"]) == (2, 2)
    assert ids(broker) == [f"id-{number}" for number in range(1, 11)]
    headers = [each.headers or {} for each in broker.sent]
    assert [each["x-medtrack-replay-seq"] for each in headers] == [*range(1, 11)]
    assert {(each["x-medtrack-replay"], each["a"]) for each in headers} == {("one", "b")}
    after = shown(folder)
    assert (after["state"], after["counts"]) == ("completed", {"confirmed": 10})


def test_what_lies_before_the_cursor_is_not_read(folder: Path) -> None:
    """Of a recording that nobody touched, reading begins at the line where the run ended."""
    broker = begun(folder)
    path = folder / "r.ndjson"
    modified, text = path.stat().st_mtime_ns, path.read_bytes()
    assert text.count(b"id-2") == 1
    path.write_bytes(text.replace(b"id-2", b"id-X"))  # its checksum differs: it can't be read
    os.utime(path, ns=(modified, modified))
    journal(folder).write_bytes(with_edges_of(path, journal(folder)))
    ran = replayed(folder, broker, "--resume", "one")
    assert ran.code == 0, ran.err
    assert ids(broker)[5:] == [f"id-{number}" for number in range(6, EVENTS + 1)]


def with_edges_of(path: Path, journal: Path) -> bytes:
    """Write a journal whose file is known by its edges as they are now."""
    header, *others = journal.read_bytes().splitlines(keepends=True)
    record = json.loads(header)
    del record["crc32"]
    sources = [each for each in expand([str(path)]) if not isinstance(each, Exception)]
    record["input"] = known(sources)
    return b"".join([sealed(record), *others])


def test_a_damaged_line_of_a_journal_is_said(folder: Path) -> None:
    """What a line that isn't as it was written said is done is sent again, with a warning."""
    begun(folder)
    whole = journal(folder).read_bytes()
    journal(folder).write_bytes(whole.replace(b'"done":[[1,', b'"done":[[2,'))
    ran = replayed(folder, MemoryBroker(wants_all=True), "--resume", "one")
    assert ran.code == 0
    assert "one: a line is damaged: what only it recorded as done is sent again" in ran.err


def test_what_was_not_done_is_sent_again(folder: Path) -> None:
    """An event that no queue wanted is tried again; those after it, which are done, are not."""

    def answer(message: Message) -> Outcome | None:
        return Outcome.UNROUTABLE if message.message_id == "id-3" else None

    broker = MemoryBroker(answer, wants_all=True)
    first = replayed(folder, broker, "--name", "one")
    assert (first.code, shown(folder)["state"], shown(folder)["reason"]) == (
        *(1, "failed"),
        "1 unroutable",
    )
    broker.answer = lambda _message: None
    broker.sent.clear()
    assert replayed(folder, broker, "--resume", "one").code == 0
    assert ids(broker) == ["id-3"]


def test_a_name_is_used_once(folder: Path) -> None:
    """A name that was used is 2 with the way to go on; a completed run doesn't go on."""
    broker = begun(folder)
    again = replayed(folder, broker, "--name", "one")
    assert again.code == 2
    assert "there is a run of this name, failed: one" in again.err
    assert "medtrack replay --resume one goes on with it" in again.err
    assert len(broker.sent) == 5
    assert replayed(folder, broker, "--resume", "one").code == 0
    for options, said in (
        (("--name", "one"), "there is a run of this name, completed"),
        (("--resume", "one"), "the run is completed"),
        (("--resume", "last"), "no run is unfinished"),
        (("--resume", "on"), "did you mean one?"),
        (("--resume", "../one"), "no name of a run"),
    ):
        ran = replayed(folder, broker, *options)
        assert (ran.code, said in ran.err) == (2, True), ran.err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--speed", "2"], "--speed max, not 2"),
        (["--key", "user.*"], "--key student.*, not user.*"),
        (["--new-ids"], "--new-ids off, not on"),
        (["--invalid", "skip"], "--invalid off, not skip"),
        (["other.ndjson"], "the run is of another source: r.ndjson, not other.ndjson"),
        (["--exchange", "other"], "the run is of another exchange: medtrack.events, not other"),
        (["--host", "other"], "the run is of another broker"),
    ],
)
def test_what_shapes_a_run_is_fixed(folder: Path, typed: list[str], said: str) -> None:
    """Other options, another source or target are 2 with what differs; what is the same may be."""
    broker = begun(folder, 5, "--key", "student.*")
    (folder / "other.ndjson").write_bytes((folder / "r.ndjson").read_bytes())
    ran = replayed(folder, broker, "--resume", "one", *typed)
    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert len(broker.sent) == 5
    same = ("r.ndjson", "--key", "student.*", "--speed", "max", "--yes", "--retry-for", "1")
    assert replayed(folder, broker, "--resume", "one", *same).code == 0
    assert len(broker.sent) == EVENTS


def test_a_source_that_changed_is_refused_with_the_place(folder: Path) -> None:
    """What was sent is compared where a file was touched; more, less or other content is 2."""
    broker = begun(folder)
    path = folder / "r.ndjson"
    lines = path.read_bytes().splitlines(keepends=True)
    for changed, place in (
        ([*lines[:2], lines[3], lines[2], *lines[4:]], "r.ndjson:3 to r.ndjson:6"),
        (lines[:4], "r.ndjson:3 to r.ndjson:4"),
        ([*lines, lines[-1]], "r.ndjson:6"),
        ([*lines[:-2], lines[-1], lines[-2]], "r.ndjson:6"),
    ):
        path.write_bytes(b"".join(changed))
        ran = replayed(folder, broker, "--resume", "one")
        assert (ran.code, place in ran.err) == (2, True), ran.err
    path.write_bytes(b"".join(lines))  # touched, and the same
    assert replayed(folder, broker, "--resume", "one").code == 0
    assert ids(broker) == [f"id-{number}" for number in range(1, EVENTS + 1)]


def test_relative_times_stay_what_they_were(folder: Path) -> None:
    """--since -1h is an hour before the run began, however much later it goes on."""
    clock = FakeClock()
    broker, path = failing(1), folder / "s.ndjson"
    now = clock.now()
    moments = [now - timedelta(minutes=90), now - timedelta(minutes=50), now]
    deliveries = numbered_deliveries(3)
    record(path, (replace(d, received_at=m) for d, m in zip(deliveries, moments, strict=True)))
    given = ("s.ndjson", "--speed", "max", "--since", "-1h", "--name", "one")
    assert run("replay", *given, folder=folder, broker=broker, clock=clock).code == 69
    clock.sleep(7200)
    broker.answer = lambda _message: None
    ran = run("replay", "--resume", "one", folder=folder, broker=broker, clock=clock)
    assert (ran.code, ids(broker)) == (0, ["id-2", "id-3"]), ran.err


def test_a_pipe_has_a_journal_but_no_second_time(folder: Path) -> None:
    """A run of stdin tells its counts, and says that it can't go on."""
    text, broker = (folder / "r.ndjson").read_bytes(), failing(5)
    ran = run_json(
        *("replay", "-", "--speed", "max", "--name", "one"),
        folder=folder,
        broker=broker,
        stdin=text,
    )
    assert (ran.code, "--resume" in ran.err) == (69, False)
    assert (shown(folder)["can_be_resumed"], shown(folder)["counts"]) == (
        *(False,),
        {"confirmed": 5, "unknown": 1},
    )
    again = replayed(folder, broker, "--resume", "one")
    assert (again.code, "read from a pipe can't be resumed: one" in again.err) == (2, True)
    assert "no run is unfinished" in replayed(folder, broker, "--resume", "last").err


def test_nothing_that_came_to_nothing_is_kept(folder: Path) -> None:
    """A dry run writes no journal; what the command or its input forbids leaves none."""
    broker = MemoryBroker(wants_all=True)
    assert replayed(folder, broker, "--dry-run").code == 0
    assert not journal(folder).parent.exists()
    (folder / "none.ndjson").write_bytes(b"no event\n")
    for options, code in ((("none.ndjson",), 65), (("r.ndjson", "--set", "payload.x=1"), 2)):
        assert run("replay", *options, folder=folder, broker=broker).code == code
    assert [*journal(folder).parent.iterdir()] == []
    begun(folder)
    before = journal(folder).read_bytes()
    ran = replayed(folder, broker, "--resume", "one", "--dry-run")
    assert [each["message_id"] for each in ran.of_kind("message")] == [
        f"id-{number}" for number in range(6, EVENTS + 1)
    ]
    assert (journal(folder).read_bytes(), broker.sent) == (before, [])


def test_a_journal_is_its_owners_and_holds_no_password(folder: Path) -> None:
    """Folder and file are of their owner alone; a password of --url isn't kept."""
    broker = begun(folder, 5, "--url", "amqp://admin:s3cret@127.0.0.1:5672/%2F")
    path = journal(folder)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert b"s3cret" not in path.read_bytes()
    assert replayed(folder, broker, "--resume", "one").code == 0


def test_runs_are_listed_and_old_ones_forgotten(folder: Path) -> None:
    """--runs has the newest first in 80 columns; finished ones go after 90 days, others stay."""
    clock, broker = FakeClock(), MemoryBroker(wants_all=True)

    def replay(*options: str) -> Ran:
        return run_json("replay", *options, folder=folder, broker=broker, clock=clock)

    for name in ("done", "x" * 64):
        assert replay("r.ndjson", "--speed", "max", "--name", name).code == 0
        clock.sleep(1)
    begun(folder)  # by the time of day: much later than the others
    assert [each["name"] for each in replay("--runs").records] == ["one", "x" * 64, "done"]
    table = run("replay", "--runs", folder=folder).out.splitlines()
    assert table[0].split() == ["run", "state", "started", "events", "source"]
    clock.sleep(91 * 86400)
    for path in journal(folder).parent.iterdir():
        os.utime(path, (0, 0))
    assert replay("r.ndjson", "--speed", "max", "--name", "new").code == 0
    assert {each["name"] for each in replay("--runs").records} == {"new", "one"}


def test_an_unfinished_run_is_cancelled_for_good(folder: Path) -> None:
    """--cancel of a run that isn't running notes it; it goes on no more."""
    broker = begun(folder)
    ran = run_json("replay", "--cancel", "one", folder=folder)
    assert (ran.code, ran.summary["state"]) == (0, "cancelled")
    assert ran.summary["counts"] == {"confirmed": 5}
    for option in ("--cancel", "--resume"):
        again = run_json("replay", option, "one", folder=folder, broker=broker)
        assert (again.code, "the run is cancelled" in again.err) == (2, True)


def test_a_run_of_a_pipe_that_failed_is_cancelled(folder: Path) -> None:
    """--cancel notes it of a run that can't be resumed, too: it never ends with 0 for nothing."""
    broker, recording = failing(5), (folder / "r.ndjson").read_bytes()
    piped = ("replay", "-", "--speed", "max", "--name", "one")
    assert run_json(*piped, folder=folder, broker=broker, stdin=recording).code == 69
    ran = run_json("replay", "--cancel", "one", folder=folder)
    assert (ran.code, ran.summary["state"], shown(folder)["state"]) == (
        *(0, "cancelled"),
        "cancelled",
    )


@needs_cel
def test_what_is_shown_of_a_run_masks_what_was_looked_for(folder: Path) -> None:
    """Persons in --where, --header and --id are masked for people; names of fields are not."""
    asked = ("--where", "event.payload.email == 'zoe@example.org'")
    more = ("--header", "who=Zoe", "--id", "zoe@example.org", "--id", "id-1")
    assert replayed(folder, MemoryBroker(), "--name", "one", *asked, *more).code == 0
    told = run("replay", "--show", "one", folder=folder).out
    assert "zoe" not in told.lower()
    for each in ("where=event.payload.email == 'xxx@", "header=who=xxx", "id=xxx@", ",id-1"):
        assert each in told
    assert run("replay", "--show", "one", "-o", "json", folder=folder).out.count("Zoe") == 1


def test_a_journal_cut_anywhere_never_loses_an_event(folder: Path) -> None:
    """Truncated at any byte it is refused, or the run goes on, and sends what isn't known done."""
    begun(folder)
    whole = journal(folder).read_bytes()
    header = whole.index(b"\n") + 1
    for size in (*range(0, header, 199), *range(header, len(whole), 41)):
        journal(folder).write_bytes(whole[:size])
        broker = MemoryBroker(wants_all=True)
        ran = replayed(folder, broker, "--resume", "one")
        if size < header:
            assert (ran.code, broker.sent) == (2, [])
        else:
            assert ran.code == 0, ran.err
            assert {*ids(broker)} >= {f"id-{number}" for number in range(6, EVENTS + 1)}
            assert ran.summary.get("done_before", 0) + ran.summary["confirmed"] == EVENTS
        journal(folder).unlink()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"kind":"journal","version":9}\n', "journal of a newer format (version 9)"),
        (b"a letter\n", "not a journal"),
        (b'{"kind":"checkpoint","version":2}\n', "not a journal"),
        (b'{"kind":"journal","version":2,"name":"one"}\n', "not a journal"),
    ],
)
def test_what_is_no_journal_is_left_as_it_is(folder: Path, content: bytes, said: str) -> None:
    """Another file in the place of a journal, or one of another version, is 65 and stays."""
    journal(folder).parent.mkdir(parents=True)
    journal(folder).write_bytes(content)
    for options in (("--resume", "one"), ("--name", "one")):
        ran = replayed(folder, MemoryBroker(), *options)
        assert (ran.code, said in ran.err) == (65, True), ran.err
    assert journal(folder).read_bytes() == content
    assert run("replay", "--runs", folder=folder).code == 0


def test_what_is_no_file_is_no_journal(folder: Path) -> None:
    """A FIFO, a folder or a link in a journal's place is told at once; others are listed."""
    begun(folder)
    os.mkfifo(journal(folder, "pipe"))
    journal(folder, "folder").mkdir()
    journal(folder, "link").symlink_to(folder / "r.ndjson")
    for name in ("pipe", "folder", "link"):
        for options, code in ((("--show", name), 66), (("--resume", name), 73)):
            ran = run("replay", *options, folder=folder)
            assert (ran.code, str(journal(folder, name)) in ran.err) == (code, True), ran.err
    listed = run_json("replay", "--runs", folder=folder)
    assert [each["name"] for each in listed.records] == ["one"]
    assert listed.err.count("journal can't be read") == 3


@contextmanager
def room(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_under_the_journal(folder: Path) -> None:
    """It is 74: with no room to begin nothing is sent, later no more is; the run goes on."""
    broker = MemoryBroker(wants_all=True)
    with room(10):
        ran = replayed(folder, broker, "--name", "one")
    assert (ran.code, broker.sent) == (74, [])
    assert not journal(folder).exists()
    begun(folder)
    with room(journal(folder).stat().st_size + 150):
        ran = replayed(folder, broker, "--resume", "one")
    assert (ran.code, "journal can't be written" in ran.err) == (74, True)
    assert ran.summary["confirmed"] == len(broker.sent)
    ran = replayed(folder, broker, "--resume", "one")
    assert (ran.code, ran.summary["done_before"]) == (0, 5)


def cancelled(tool: Tool, running: Running, name: str) -> Ran:
    """Cancel a run, which ends within three seconds from when the wish is there."""
    asking = tool.start("replay", "--cancel", name, "-o", "json")
    wish = tool.folder / f"state/medtrack/replays/{name}.cancel"
    until = time.monotonic() + 30
    while not wish.exists() and running.process.poll() is None:
        assert time.monotonic() < until, asking.err
        time.sleep(0.005)
    running.process.wait(3)
    return asking.end()


def test_a_run_is_cancelled_from_another_terminal(connected: Tool, witness: Witness) -> None:
    """In a long pause it ends within three seconds, with truthful counts; 73 for a second one."""
    record(connected.folder / "r.ndjson", numbered_deliveries(3))
    running = connected.start(
        "replay", "r.ndjson", "--speed", "0.01", "--name", "slow", "-o", "json"
    )
    running.await_text("id-1", stream="out")
    second = connected.run("replay", "--resume", "slow")
    assert (second.code, "another replay has this name now: slow" in second.err) == (73, True)
    ran = cancelled(connected, running, "slow")
    assert (ran.code, ran.summary["state"]) == (0, "cancelled")
    assert ran.summary["counts"] == {"confirmed": 1, "unsent": 2}
    ended = running.end()
    assert (ended.code, ended.summary["confirmed"], ended.summary["unsent"]) == (1, 1, 2)
    assert "--resume" not in ended.err
    assert len(witness.take()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_run_that_goes_on(
    connected: Tool, witness: Witness, number: signal.Signals
) -> None:
    """The last line says how to go on, which sends the rest; the exit code is the signal's."""
    record(connected.folder / "r.ndjson", numbered_deliveries(3))
    running = connected.start("replay", "r.ndjson", "--speed", "0.5", "-o", "json")
    running.await_text("id-1", stream="out")
    running.signal(number)
    ended = running.end()
    assert ended.code == 128 + number
    command = json.loads(ended.err.splitlines()[-1])["message"].partition("medtrack ")[2]
    again = connected.run(*command.split(), "-o", "json")
    assert (again.code, again.summary["done_before"]) == (0, ended.summary["confirmed"])
    assert [each.message_id for each in witness.take()] == ["id-1", "id-2", "id-3"]


def test_a_run_that_still_connects_can_be_ended(tool: Tool) -> None:
    """While it connects, Ctrl-C leaves a run that can go on, and --cancel ends it in 3 s."""
    record(tool.folder / "r.ndjson", numbered_deliveries(3))
    away = ("--url", "amqp://admin:password@127.0.0.1:1/%2F", "--retry-for", "60")
    running = tool.start("replay", "r.ndjson", "--name", "one", *away, "-o", "json")
    running.await_text("connecting to")
    running.signal(signal.SIGINT)
    ended = running.end()
    assert (ended.code, ended.summary["unsent"]) == (130, 3)
    assert "medtrack replay --resume one" in ended.err.splitlines()[-1]
    running = tool.start("replay", "--resume", "one", *away, "-o", "json")
    running.await_text("connecting to")
    ran = cancelled(tool, running, "one")
    assert (ran.code, ran.summary["state"]) == (0, "cancelled")
    assert ran.summary["counts"] == {"confirmed": 0, "unsent": 3}
    ended = running.end()
    assert (ended.code, ended.summary["unsent"]) == (1, 3)


def test_a_run_that_still_checks_can_be_ended(tool: Tool) -> None:
    """Ctrl-C while the source is checked: nothing was sent, and the run can go on."""
    tool.write("e.ndjson", b"".join(numbered(60_000)))
    running = tool.start("replay", "e.ndjson", "--name", "one", "-o", "json")
    path = tool.folder / "state/medtrack/replays/one.journal"
    until = time.monotonic() + 20
    while not (path.exists() and b"running" in path.read_bytes()):
        assert time.monotonic() < until, running.err
        time.sleep(0.005)
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert (ended.code, '"index"' in ended.out) == (143, False)
    assert "medtrack replay --resume one" in ended.err.splitlines()[-1]
    (run,) = tool.run("replay", "--runs", "-o", "json").records
    assert (run["state"], run["can_be_resumed"]) == ("interrupted", True)


def test_a_run_that_asks_can_be_ended(tool: Tool) -> None:
    """Ctrl-C at the question is 130: nothing was sent, and the run can go on."""
    record(tool.folder / "r.ndjson", numbered_deliveries(3))
    url = "amqp://admin@127.0.0.1:1/%2F"
    tool.write("medtrack.yaml", f"profiles: {{careful: {{url: '{url}', protected: true}}}}")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "replay", "r.ndjson", "--profile", "careful", "--name", "one"],
        **dict.fromkeys(("stdin", "stdout", "stderr"), theirs),  # type: ignore[call-overload] # three descriptors
        cwd=tool.folder,
        env=tool.environ,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    while b"Type the profile's name" not in seen:
        seen += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    seen = b""
    with suppress(OSError):  # its end
        while more := os.read(ours, 4096):
            seen += more
    os.close(ours)
    assert b"medtrack replay --resume one" in seen.splitlines()[-1]
    (run,) = tool.run("replay", "--runs", "-o", "json").records
    assert (run["state"], run["can_be_resumed"], run["counts"]) == (
        *("interrupted", True),
        {"confirmed": 0},
    )
