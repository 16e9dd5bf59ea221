"""Paths that no file can have, or that may not be looked at: an error in words, and no bug."""

import json
import os
import shutil
import subprocess

import pytest

from tests.builders import numbered
from tests.cli.tool import COMMAND, Ran, Tool

LONG = "a" * 300
CASES = [
    (73, ("validate", "e.ndjson", "-o", "json={}/r.json")),
    (73, ("validate", "e.ndjson", "-o", "json={}/e.ndjson")),
    (73, ("stats", "e.ndjson", "--html", "{}/s.html")),
    (73, ("publish", "-f", "e.ndjson", "--checkpoint", "{}/mark")),
    (73, ("listen", "--record", "{}/r.ndjson")),
    (73, ("listen", "--record", "{}/r.ndjson", "--rotate", "1h")),
    (65, ("schema", "check", "{}")),
    (66, ("validate", "{}/*.ndjson")),
    (66, ("schema", "diff", "{}/x.json", "{}/x.json")),
    (66, ("schema", "diff", "{}/room.booked/1.0.json", "{}/x.json")),
    (66, ("validate", "{}/e.ndjson")),
]
COMMANDS = pytest.mark.parametrize(("code", "command"), CASES, ids=[" ".join(c) for _, c in CASES])


@pytest.fixture
def tool(tool: Tool) -> Tool:
    """Put events beside, and a schema and events into a folder that may be listed, not searched."""
    tool.write("e.ndjson", b"".join(numbered(1)))
    (tool.folder / "closed/room.booked").mkdir(parents=True)
    schema = {"type": "object", "properties": {}}
    tool.write("closed/room.booked/1.0.json", json.dumps(schema))
    tool.write("closed/e.ndjson", b"".join(numbered(1)))
    tool.environ = {**tool.environ, "MEDTRACK_URL": "amqp://u:p@127.0.0.1:1"}
    return tool


@COMMANDS
def test_no_file_has_such_a_name(tool: Tool, code: int, command: tuple[str, ...]) -> None:
    """A name that is too long for any file system is 73 for what is written, else 65 or 66."""
    ran = tool.run(*(word.format(LONG) for word in command))
    assert (ran.code, "a bug" in ran.err) == (code, False), ran.err


def test_no_revision_has_such_a_name(tool: Tool) -> None:
    """What schemas are compared with is a folder or a revision: a name too long is neither."""
    ran = tool.run("schema", "check", "closed", "--against", LONG)
    assert (ran.code, "a bug" in ran.err) == (66, False), ran.err


@pytest.mark.parametrize("last", ["json={}", "json={}.json"])
def test_no_report_has_such_a_name(tool: Tool, last: str) -> None:
    """A report whose own name is too long is 73, and nothing is left of it."""
    before = sorted(tool.folder.iterdir())
    assert tool.run("validate", "e.ndjson", "-o", last.format(LONG)).code == 73
    assert sorted(tool.folder.iterdir()) == before


@COMMANDS
def test_a_folder_that_may_not_be_searched(tool: Tool, code: int, command: tuple[str, ...]) -> None:
    """A path into a folder that may not be searched is 73 for what is written, else 65 or 66."""
    (tool.folder / "closed").chmod(0o444)
    ran = run_as_anybody(tool, *(word.format("closed") for word in command))
    (tool.folder / "closed").chmod(0o755)
    assert (ran.code, "a bug" in ran.err) == (code, False), ran.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another user")
def test_a_report_of_another_user_is_not_replaced(tool: Tool) -> None:
    """In a folder like /tmp, a report in the place of another user's is 73, and leaves nothing."""
    shared = tool.folder / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "r.json").write_text("theirs")
    for path in (shared, shared / "r.json"):
        os.chown(path, 1, 1)
    ran = run_as_anybody(tool, "validate", "e.ndjson", "-o", "json=shared/r.json")
    assert (ran.code, "a bug" in ran.err) == (73, False), ran.err
    assert [path.name for path in shared.iterdir()] == ["r.json"]


def run_as_anybody(tool: Tool, *arguments: str) -> Ran:
    """Run as somebody whom permissions count for; root needs `setpriv` for that."""
    drop = "-dac_override,-dac_read_search,-fowner"
    whose = ["setpriv", "--bounding-set", drop, "--inh-caps", drop] if os.geteuid() == 0 else []
    if whose and not shutil.which("setpriv"):
        pytest.skip("root passes every permission check, and there is no setpriv")
    done = subprocess.run(
        [*whose, *COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=tool.folder,
        env=tool.environ,
        timeout=60,
        check=False,
        text=True,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
