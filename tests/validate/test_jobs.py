"""Several processes: the same output as one, and nothing left when something ends them."""

import gzip
import json
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from medtrack_cli.files.validating.run import CHUNK
from tests.builders import STUDENT, block_yaml, changed
from tests.cli.tool import COMMAND, Running, Tool

GOOD = json.dumps(STUDENT) + "\n"
BAD = json.dumps(changed({"email": "nobody"})) + "\n"
LATE = json.dumps(changed({"/timestamp": "2025-01-15T10:00:00"})) + "\n"


@pytest.fixture
def mixed(tool: Tool) -> Tool:
    """Make a folder of all sorts: files cut into parts, small ones, gzip, YAML, a broken one."""
    draw = random.Random(1)  # the same files every time
    lines = [GOOD] * 30 + [BAD, LATE, "\n", "{broken\n"]
    folder = tool.folder / "events"
    folder.mkdir()
    large = "".join(draw.choice(lines) for _ in range(30_000))
    (folder / "b.ndjson").write_text("\ufeff" + large.replace("\n", "\r\n"))
    (folder / "d.ndjson").write_text(large.rstrip("\n"))
    (folder / "c.ndjson.gz").write_bytes(gzip.compress(large[:300_000].encode()))
    (folder / "e.ndjson.gz").write_bytes(gzip.compress(large.encode())[:-9])
    for number in range(150):
        content = draw.choice([GOOD, BAD, LATE, "[", block_yaml(STUDENT) + "\nx: 1\n"])
        suffix = "yaml" if content.startswith('"') else "json"
        (folder / f"a{number:03}.{suffix}").write_text(content)
    return tool


@pytest.mark.parametrize("output", ["json", "human"])
def test_output_is_the_same(mixed: Tool, output: str) -> None:
    """Three processes print what one prints, in the same order, whatever is read."""
    paths = ["events/d.ndjson", "missing.json", "events", "-", "none*.json"]
    one, three = (
        mixed.run("validate", *paths, "-o", output, "--jobs", jobs, stdin=BAD.encode())
        for jobs in ("1", "3")
    )

    assert one.code == three.code == 1
    assert one.err == three.err
    assert differing(one.out) == differing(three.out)
    if output == "json":
        assert one.summary["files"] == 155
        assert one.summary["events"] > 60_000
        assert one.summary["unreadable"] == 3


def test_many_findings_are_in_order(tool: Tool) -> None:
    """Where a worker stops early, what follows is found all the same, and no file twice."""
    none = "{}\n" * 2_000
    tool.write("a.ndjson", none)
    tool.write("b.ndjson", none + BAD)
    (tool.folder / "c.ndjson.gz").write_bytes(gzip.compress(none.encode(), 0)[:-9])
    tool.write("d.ndjson", BAD)
    tool.write("e.json", f"[{','.join(['{}'] * 6_000)}]")
    tool.write("f.ndjson", BAD * 5_500 + GOOD * 2_000 + BAD)
    tool.write("g.ndjson", BAD)
    names = [f"{name}.*" for name in "abcdefg"]
    one, two = (tool.run("validate", *names, "-o", "json", "--jobs", jobs) for jobs in ("1", "2"))

    assert one.code == two.code == 1
    assert differing(one.out) == differing(two.out)
    numbers = [{**each.summary, "seconds": 0} for each in (one, two)]
    assert numbers[0] == numbers[1]
    assert numbers[0]["files"] == 7
    assert numbers[0]["unreadable"] == 1
    assert numbers[0]["errors"] == 17_503


def test_processes_are_no_more_than_tasks(tool: Tool) -> None:
    """However many are asked for, a large file begins one process a part of it, or none."""
    tool.write("small.json", GOOD)
    text = GOOD * 30_000
    tool.write("large.ndjson", text)
    parts = -(-len(text) // CHUNK)
    for name, most in (("small.json", 0), ("large.ndjson", parts)):
        with subprocess.Popen(
            [*COMMAND, "validate", name, "--jobs", "100000"], cwd=tool.folder, env=tool.environ
        ) as process:
            begun: set[int] = set()
            while process.poll() is None:
                begun |= children(process.pid)
        assert process.returncode == 0
        assert len(begun) <= most


@pytest.mark.parametrize("limit", [8, 12, 16, 30])
def test_work_is_done_where_few_processes_can_be_begun(tool: Tool, limit: int) -> None:
    """Where descriptors end before the processes asked for, those there do all the work."""
    tool.write("large.ndjson", GOOD * 30_000 + BAD)
    limited = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *COMMAND]
    ran = subprocess.run(
        [*limited, "validate", "large.ndjson", "-o", "json", "--jobs", "64"],
        capture_output=True,
        cwd=tool.folder,
        env=tool.environ,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert json.loads(ran.stdout.splitlines()[-1])["events"] == 30_001


@pytest.mark.parametrize("suffix", ["ndjson", "json"])
def test_memory_is_flat_when_nobody_reads(tool: Tool, suffix: str) -> None:
    """However much is wrong with a file, no process holds more of it than it can soon tell."""
    wrong = json.dumps(changed({"email": "nobody", "cin": 1, "phone": "x", "extra": 1}))
    count = 40_000
    text = f"{wrong}\n" * count if suffix == "ndjson" else f"[{','.join([wrong] * count)}]"
    tool.write(f"large.{suffix}", text)
    reader, writer = os.pipe()
    running = tool.start("validate", f"large.{suffix}", "--jobs", "2", "-o", "json", to=writer)
    os.close(writer)
    until = time.monotonic() + 20
    while len(children(running.process.pid)) < (2 if suffix == "ndjson" else 0):
        assert time.monotonic() < until
        time.sleep(0.005)
    processes = {running.process.pid, *children(running.process.pid)}
    last, now = -1, seconds_of(processes)
    while last != now:
        time.sleep(2)
        last, now = now, seconds_of(processes)
    peaks = [peak_of(each) for each in processes]
    running.process.kill()
    os.close(reader)
    assert max(peaks) < 85 * 1024  # Python 3.15 takes some MB more than those before


def seconds_of(processes: set[int]) -> int:
    """Add up the ticks that processes have worked."""
    texts = (Path(f"/proc/{each}/stat").read_text() for each in processes)
    return sum(int(ticks) for text in texts for ticks in text.rpartition(")")[2].split()[11:13])


def peak_of(process: int) -> int:
    """Give the most memory that a process has had, in KiB."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0])


def differing(out: str) -> list[str]:
    """Take away the lines that tell the time."""
    return [line for line in out.splitlines() if not re.search("seconds|<testsuite| s[)]", line)]


@pytest.fixture
def busy(tool: Tool) -> Running:
    """Start a run that takes a while in three processes and writes a report."""
    with (tool.folder / "large.ndjson").open("w") as out:
        out.writelines([GOOD * 999 + BAD] * 250)
    running = tool.start("validate", "large.ndjson", "--jobs", "3", "-o", "sarif=out.sarif")
    until = time.monotonic() + 20
    while len(children(running.process.pid)) < 3:
        assert time.monotonic() < until
        assert running.process.poll() is None
        time.sleep(0.005)
    return running


def children(parent: int) -> set[int]:
    """Find the processes that a process has started."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.add(int(status.parent.name))
    return found


def ignores_ctrl_c(process: int) -> bool:
    """Whether a process is made, and waits for work or does it."""
    status = Path(f"/proc/{process}/status").read_text()
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(ignored.split()[1], 16) & 1 << signal.SIGINT - 1)


def await_end(processes: set[int]) -> None:
    """Wait until none of these processes runs any more."""
    until = time.monotonic() + 10
    while left := {each for each in processes if Path(f"/proc/{each}").exists()}:
        assert time.monotonic() < until, left
        time.sleep(0.02)


def test_killed_process_is_an_error(busy: Running) -> None:
    """When one of its processes is killed, validate says so, exits 70, and leaves none."""
    workers = children(busy.process.pid)
    until = time.monotonic() + 20
    while not all(map(ignores_ctrl_c, workers)):  # one killed before that is done without
        assert time.monotonic() < until
    time.sleep(0.1)
    os.kill(min(workers), signal.SIGKILL)
    ran = busy.end(20)

    assert ran.code == 70
    assert ran.err == (
        "error: a process that checked files was killed\n"
        "hint: was memory short? --jobs 1 needs least\n"
    )
    await_end(workers)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_signals_leave_no_process(
    busy: Running, tool: Tool, number: signal.Signals, code: int
) -> None:
    """A signal ends the run at once, without a word, its processes with it, and no half report."""
    workers = children(busy.process.pid)
    busy.signal(number)
    ran = busy.end(10)

    assert ran.code == code
    assert ran.err == ""
    await_end(workers)
    assert not (tool.folder / "out.sarif").exists()


def test_ctrl_c_reaches_all_of_them(busy: Running) -> None:
    """Ctrl-C, which a terminal sends to every process, ends them all without a traceback."""
    workers = children(busy.process.pid)
    for each in workers:
        os.kill(each, signal.SIGINT)
    busy.signal(signal.SIGINT)
    ran = busy.end(10)

    assert (ran.code, ran.err) == (130, "")
    await_end(workers)


def test_ctrl_c_while_they_are_made(tool: Tool) -> None:
    """Ctrl-C just when the first process is there is neither lost nor told as a traceback."""
    (tool.folder / "large.ndjson").write_text((GOOD * 999 + BAD) * 50)
    for _ in range(8):
        running = tool.start("validate", "large.ndjson", "--jobs", "3", "-o", "junit=out.xml")
        pid, until = running.process.pid, time.monotonic() + 20
        begun = Path(f"/proc/{pid}/task/{pid}/children")
        while not (workers := begun.read_text().split()):
            assert time.monotonic() < until
        for each in [*map(int, workers), pid]:
            os.kill(each, signal.SIGINT)
        ran = running.end(10)
        assert (ran.code, ran.err) == (130, "")


def test_file_that_grows_is_one_error(busy: Running, tool: Tool) -> None:
    """A file written to while it is read is told once, not once a part."""
    with (tool.folder / "large.ndjson").open("a") as out:
        out.write(GOOD)
    ran = busy.end()

    assert ran.code in {1, 66}  # the first cause
    assert ran.err.count("file changed while it was being read") == 1
