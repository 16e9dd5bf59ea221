"""Options of replay that say different things are never ignored in silence."""

from pathlib import Path

import pytest

from medtrack_cli.commands.replay_job import target_of
from medtrack_cli.commands.replay_options import Changing
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World
from tests.contracts.fakes import MemoryBroker
from tests.running import run_json


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--resume one --from-queue q", "--resume goes without --from-queue"),
        ("--resume one --max-redrives 2", "--resume goes without --max-redrives"),
        ("--resume one --name two", "--resume goes without --name"),
        ("--cancel one --dry-run", "--cancel goes without --dry-run"),
        ("--cancel one --resume one", "--cancel goes without --resume"),
        ("--show one r.ndjson", "--show goes without a SOURCE"),
        ("--runs --show one", "--show goes without --runs"),
        ("--runs --from-stream s", "--runs goes without --from-stream"),
        ("--runs --key x", "--runs goes without --key"),
        ("--show a/b", "--show is no name of a run: a/b"),
        ("--cancel a/b", "--cancel is no name of a run: a/b"),
        ("--resume a/b", "--resume is no name of a run: a/b"),
    ],
)
def test_what_would_be_ignored_is_refused(line: str, message: str, tmp_path: Path) -> None:
    """What doesn't go with --resume, --runs, --show or --cancel ends with 2: nothing is done."""
    broker = MemoryBroker()
    ran = run_json("replay", *line.split(), folder=tmp_path, broker=broker)
    assert ran.code == 2
    assert message in ran.err
    assert not broker.sent


def test_where_a_queue_is_has_no_part_in_where_its_messages_go(tmp_path: Path) -> None:
    """--url, --host and their like lead to the queue; --to-profile alone leads to the target."""
    flags = {"host": "source.example", "vhost": "theirs", "exchange": "x"}
    runtime = Runtime(World(environ={"HOME": str(tmp_path)}, cwd=tmp_path), flags=flags)
    target = target_of(runtime, Changing(to_profile="local"), has_broker=True).config.target
    assert (target.broker, target.exchange) == ("amqp://admin@localhost:5672/%2F", "x")


def test_a_run_without_a_header_is_not_suggested_in_its_own_place(tmp_path: Path) -> None:
    """A run killed before its journal had a line is unknown, and no other spelling of itself."""
    journals = tmp_path / ".local/state/medtrack/replays"
    journals.mkdir(parents=True)
    (journals / "one.journal").touch()
    ran = run_json("replay", "--show", "one", folder=tmp_path)
    assert (ran.code, "did you mean" in ran.err) == (2, False)
