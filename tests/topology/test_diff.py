"""medtrack topology diff, of two files of definitions."""

from pathlib import Path

import pytest

from tests.cli.tool import Ran
from tests.running import run, run_json
from tests.topology.definitions import (
    HASH,
    Row,
    bind,
    exchange,
    operator_policy,
    policy,
    queue,
    write,
)

BASE = [queue("q"), queue("r"), bind("q", "student.*"), bind("r", "student.created")]


def diff(folder: Path, old: list[Row], new: list[Row], form: str = "json") -> Ran:
    """Compare two topologies."""
    for name, rows in (("old", old), ("new", new)):
        write(folder, *rows).rename(folder / f"{name}.json")
    return run("topology", "diff", folder / "old.json", folder / "new.json", "-o", form)


Told = tuple[str, str, str, bool | None]


def told(ran: Ran) -> list[Told]:
    """Only what was changed, and how."""
    found = ran.of_kind("change")
    assert ran.records[-1]["changed"] == len(found)
    return [(e["thing"], e["name"], e["change"], e["breaking"]) for e in found]


@pytest.mark.parametrize(
    ("new", "changes"),
    [
        (BASE, []),
        (
            [*BASE, exchange("x", "fanout"), queue("s"), bind("s", "", "x")],
            [
                ("binding", "x to s by ''", "added", False),
                ("exchange", "x", "added", False),
                ("queue", "s", "added", False),
            ],
        ),
        (
            [*BASE[:2], bind("q", "student.created"), BASE[3]],
            [
                ("binding", "medtrack.events to q by 'student.*'", "removed", False),
                ("binding", "medtrack.events to q by 'student.created'", "added", False),
                ("event_type", "student.updated", "changed", True),
                ("event_type", "student.deleted", "changed", True),
            ],
        ),
        (
            [*BASE, bind("r", "student.deleted")],
            [
                ("binding", "medtrack.events to r by 'student.deleted'", "added", False),
                ("event_type", "student.deleted", "changed", False),
            ],
        ),
        (
            [*BASE[:3], exchange("h", "x-random"), bind("h", "*.created", kind="exchange")],
            [
                ("binding", "medtrack.events to h by '*.created'", "added", False),
                ("binding", "medtrack.events to r by 'student.created'", "removed", False),
                ("exchange", "h", "added", False),
                ("event_type", "student.created", "changed", None),
            ],
        ),
        ([queue("q", max_length=9), *BASE[1:]], [("queue", "q", "changed", False)]),
        ([queue("q", queue_type="classic"), *BASE[1:]], []),
        ([*BASE, policy("p", "q", max_length=1)], [("policy", "p", "added", False)]),
        (
            [*BASE, operator_policy("p", "q", max_length=1)],
            [("operator_policy", "p", "added", False)],
        ),
    ],
)
def test_changes_are_told(tmp_path: Path, new: list[Row], changes: list[Told]) -> None:
    """What was added, removed or changed; 1 where an event type loses a queue, or may."""
    ran = diff(tmp_path, BASE, new)
    assert told(ran) == changes
    breaks = [each[3] for each in changes if each[3] is not False]
    assert (ran.code, ran.records[-1]["exit_code"]) == (int(bool(breaks)),) * 2
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    back = [(*each[:2], turned[each[2]]) for each in told(diff(tmp_path, new, BASE))]
    assert {each[:3] for each in changes} <= set(back)  # what may be lost is told besides


def test_people_read_what_breaks(tmp_path: Path) -> None:
    """A line a change, with what it was and is; nothing of users, and no name steers a terminal."""
    new = [queue("q", max_length=9), *BASE[1:3], bind("r", "stage.\x1b[31m\n")]
    ran = diff(tmp_path, BASE, new, "human")
    assert ran.out.splitlines() == [
        r"+ binding medtrack.events to r by 'stage.\x1b[31m\n'",
        "- binding medtrack.events to r by 'student.created'",
        "~ queue q: arguments {} is now {'x-max-length': 9}",
        "breaking: event type student.created no longer reaches r",
        "4 changed: 1 event type broken, 0 undecided",
    ]
    assert (ran.code, HASH in ran.out) == (1, False)


def test_operands_are_files_or_profiles(tmp_path: Path) -> None:
    """A missing file is 66, an unknown profile 78, and a URL beside a profile contradicts it: 2."""
    path = write(tmp_path, *BASE)
    for operand, more, code in (
        ("missing.json", (), 66),
        ("nowhere", (), 78),
        ("local", ("--url", "amqp://localhost"), 2),
    ):
        ran = run_json("topology", "diff", path, operand, *more, folder=tmp_path)
        assert (ran.code, ran.out) == (code, ""), ran.err
