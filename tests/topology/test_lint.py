"""medtrack topology lint: one bad and one good file for each rule."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from medtrack_cli.core.topology.coverage import covers
from medtrack_cli.core.topology.lint_rules import TopologyRule
from tests.output.test_reporters import GITLAB, SARIF
from tests.running import run
from tests.topology.definitions import (
    EVENTS,
    Row,
    bind,
    exchange,
    exported,
    operator_policy,
    policy,
    queue,
)
from tests.topology.definitions import write as write_definitions

DEAD = [exchange("dead", "fanout"), queue("dead", max_length=9), bind("dead", "", "dead")]
SOUND = [queue("q", dead_letter_exchange="dead", max_length=9), bind("q"), *DEAD]
"""A topology with nothing wrong in it."""


def more(*rows: Row) -> list[Row]:
    """Add to it."""
    return [*SOUND, *rows]


def instead(**arguments: Any) -> list[Row]:
    """Give its queue other arguments."""
    return [queue("q", **arguments), *SOUND[1:]]


LEFT: dict[str, Any] = {"dead_letter_exchange": "dead", "max_length": 9}
SPARE = queue("r", **LEFT)
LATER: dict[str, Any] = {
    "dead_letter_exchange": "",
    "dead_letter_routing_key": "q",
    "message_ttl": 5,
}
BACK = [queue("r", dead_letter_exchange=EVENTS, dead_letter_routing_key="x"), bind("r")]
TWICE = queue("s", dead_letter_exchange="amq.topic")
CASES: dict[TopologyRule, tuple[list[list[Row]], list[list[Row]]]] = {
    TopologyRule.UNBOUND_QUEUE: (
        [more(SPARE)],
        [more(SPARE, bind("r", "a", "amq.direct"))],
    ),
    TopologyRule.TYPE_NOBODY_HEARS: (
        [[SOUND[0], bind("q", "student.*"), *DEAD], DEAD],
        [
            [SOUND[0], bind("q", "*.*"), *DEAD],
            more(exchange("x", "x-random"), bind("x", "#", kind="exchange")),
        ],
    ),
    TopologyRule.BINDING_MATCHES_NO_TYPE: (
        [more(SPARE, bind("r", "student*")), more(SPARE, bind("r", "student.create"))],
        [more(SPARE, bind("r", "student.*")), more(SPARE, bind("r", "x", "amq.topic"))],
    ),
    TopologyRule.DUPLICATE_BINDING: (
        [more(bind("q", "student.#")), more(bind("q")), more(bind("dead", "x", "dead"))],
        [more(SPARE, bind("r", "student.*"), bind("r", "*.created")), SOUND],
    ),
    TopologyRule.MISSING_DEAD_LETTER: (
        [instead(max_length=9), [*BACK, queue("q", max_length=9), bind("q", "student.*")]],
        [SOUND, [*instead(max_length=9), policy("p", "^q$", dead_letter_exchange="dead")]],
    ),
    TopologyRule.DEAD_LETTER_ROUTES_NOWHERE: (
        [
            instead(dead_letter_exchange="gone", max_length=9),
            instead(dead_letter_exchange="amq.topic", max_length=9),
            instead(dead_letter_exchange="", max_length=9),
            more(queue("s", dead_letter_exchange="amq.direct")),
            more(
                TWICE,
                *(bind("s", key, "amq.direct") for key in "ab"),
                bind("dead", "a", "amq.topic"),
            ),
        ],
        [SOUND, instead(dead_letter_exchange="", dead_letter_routing_key="dead", max_length=9)],
    ),
    TopologyRule.DEAD_LETTER_CIRCLE: (
        [
            instead(dead_letter_exchange="", dead_letter_routing_key="q", max_length=9),
            instead(dead_letter_exchange=EVENTS, message_ttl=5),
            [
                *instead(dead_letter_exchange="", dead_letter_routing_key="r", message_ttl=5),
                queue("r", **LATER),
            ],
        ],
        [
            SOUND,  # and a circle in which a message waits once
            [
                *instead(dead_letter_exchange="", dead_letter_routing_key="r", max_length=9),
                queue("r", **LATER),
            ],
        ],
    ),
    TopologyRule.UNBOUNDED_QUEUE: (
        [instead(dead_letter_exchange="dead")],
        [SOUND, [*instead(dead_letter_exchange="dead"), operator_policy("p", "q", max_length=9)]],
    ),
    TopologyRule.EXPIRING_WITHOUT_DEAD_LETTER: (
        [instead(message_ttl=5), [*instead(), operator_policy("p", "q", message_ttl=9)]],
        [instead(message_ttl=5, dead_letter_exchange="dead"), instead(max_length=9)],
    ),
    TopologyRule.TRANSIENT_QUEUE: (
        [[queue("q", durable=False, **LEFT), *SOUND[1:]]],
        [SOUND],
    ),
    TopologyRule.REMOVED_ARGUMENT: (
        [instead(queue_mode="lazy", **LEFT), more(policy("p", "q", queue_version=1))],
        [instead(queue_version=2, **LEFT)],
    ),
    TopologyRule.MIRRORED_POLICY: (
        [more(policy("p", "q", ha_mode="all"))],
        [more(policy("p", "q", delivery_limit=3))],
    ),
    TopologyRule.POLICY_MATCHES_NOTHING: (
        [
            more(policy("p", "^x", max_length=1)),
            more(policy("p", "q", "quorum_queues", max_length=1)),
        ],
        [
            more(policy("p", "^q", max_length=1)),
            more(policy("p", "^amq", "exchanges", federation="x")),
        ],
    ),
    TopologyRule.STREAM_ON_EVENT_EXCHANGE: (
        [instead(queue_type="stream", max_age="1D")],
        [more(queue("s", queue_type="stream", max_age="1D"))],
    ),
}
OF_A_BROKER = {TopologyRule.QUEUE_WITHOUT_CONSUMER}
"""No file has consumers: tests/broker/test_routing.py."""


def linted(folder: Path, rows: list[Row]) -> list[dict[str, Any]]:
    """Give the findings in a file of definitions."""
    ran = run("topology", "lint", "--definitions", write_definitions(folder, *rows), "-o", "json")
    found = ran.of_kind("finding")
    errors = any(each["severity"] == "error" for each in found)
    assert ran.code == ran.records[-1]["exit_code"] == int(errors)
    return found


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_finds_what_is_bad(tmp_path: Path, rule: TopologyRule) -> None:
    """It is found in each bad file, at the row that is named, and in no good one."""
    bad, good = CASES[rule]
    for rows in bad:
        hits = [each for each in linted(tmp_path, rows) if each["rule"] == rule]
        assert hits, rows
        document = json.loads((tmp_path / "definitions.json").read_text())
        for each in hits:
            _, name, index = each["pointer"].split("/")
            row = document[name][int(index)]
            assert row.get("name", row.get("destination")) in each["message"]
            assert each["severity"] == rule.severity
    for rows in good:
        assert [each for each in linted(tmp_path, rows) if each["rule"] == rule] == [], rows


def test_every_rule_has_its_files() -> None:
    """No rule is left out."""
    assert CASES.keys() | OF_A_BROKER == set(TopologyRule)


def test_a_sound_topology_has_nothing(tmp_path: Path) -> None:
    """Neither the one of these tests nor that of `medtrack samples`."""
    assert linted(tmp_path, SOUND) == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_finding_points_at_its_row(tmp_path: Path, end: str) -> None:
    """Line and column are those of the row's opening bracket; what is found ends with its line."""
    path = tmp_path / "definitions.json"
    text = json.dumps(exported(*instead(max_length=9)), indent=1)
    path.write_bytes(text.replace("\n", end).encode())
    ran = run("topology", "lint", "--definitions", path, "-o", "json")
    (found,) = ran.of_kind("finding")
    lines = text.split("\n")
    assert lines[found["line"] - 1 : found["line"] + 1] == ["  {", '   "name": "q",']
    assert (found["column"], found["end_column"]) == (3, 4)


def test_reports_are_those_of_validate(tmp_path: Path) -> None:
    """SARIF, GitLab's and JUnit's fit what their readers expect; with --strict a warning fails."""
    path = write_definitions(tmp_path, *instead(max_length=9))
    files = {form: tmp_path / form for form in ("sarif", "gitlab", "junit", "github")}
    wanted = [f"-o{form}={place}" for form, place in files.items()]
    line = ("topology", "lint", "--definitions", path)
    ran = run(*line, *wanted)
    assert (ran.code, run(*line, "--strict").code) == (0, 1)
    said = "queue q has no dead-letter exchange"
    assert f"{path}:1:" in ran.out
    assert f"warning[missing_dead_letter]: {said}" in ran.out
    sarif = json.loads(files["sarif"].read_text())
    assert jsonschema_rs.validator_for(SARIF).is_valid(sarif)
    rules = sarif["runs"][0]["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == list(TopologyRule)
    gitlab = json.loads(files["gitlab"].read_text())
    assert jsonschema_rs.validator_for(GITLAB).is_valid(gitlab)
    assert gitlab[0]["check_name"] == "missing_dead_letter"
    assert '<testsuites name="medtrack topology lint" tests="1"' in files["junit"].read_text()
    assert (
        files["github"].read_text().startswith("::warning title=medtrack missing_dead_letter,file=")
    )


def test_a_report_takes_no_place_of_definitions(tmp_path: Path) -> None:
    """73, and the file is what it was."""
    path = write_definitions(tmp_path, *SOUND)
    before = path.read_bytes()
    ran = run("topology", "lint", "--definitions", path, "-o", f"sarif={path}")
    assert (ran.code, path.read_bytes()) == (73, before)


@pytest.mark.parametrize(
    ("wider", "other", "does"),
    [
        ("#", "a.*", True),
        ("a.#", "a.*.b", True),
        ("a.#", "a", True),
        ("a.*", "a.#", False),
        ("*.#", "#", False),
        ("#.#", "#", True),
        ("#", "", True),
        ("*.b", "*.*", False),
        ("a.*", "a.b", True),
        ("#.b", "#.a.b", True),
        ("#.a.b", "#.b", False),
        ("*.#", "#.*", True),
    ],
)
def test_patterns_that_cover_others(wider: str, other: str, *, does: bool) -> None:
    """One matches whatever the other does, or there is a key that it doesn't match."""
    assert covers(wider, other) is does


def test_the_rules_are_listed() -> None:
    """--list-rules has them all, and `explain` each; those of validate aren't among them."""
    listed = run("topology", "lint", "--list-rules", "-o", "json").records
    assert [each["code"] for each in listed] == list(TopologyRule)
    (told,) = run("explain", "dead_letter_circle", "-o", "json").records
    assert (told["group"], told["severity"]) == ("topology_rule", "error")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a*)*$", "([a-z]{1,9}x?){9,}!"])
def test_a_pattern_that_never_ends_is_not_tried(tmp_path: Path, pattern: str) -> None:
    """Python's own search would take years over repetitions in each other: the answer comes."""
    linted(tmp_path, more(policy("p", pattern), queue("a" * 60 + "?", max_length=9)))


@pytest.mark.timeout(20)
def test_many_queues_that_share_an_exchange_take_no_square_of_time(tmp_path: Path) -> None:
    """Three thousand queues, whose dead letters come back to all of them, are checked at once."""
    names = [f"q{number}" for number in range(3000)]
    queues = [queue(each, dead_letter_exchange=EVENTS) for each in names]
    found = linted(tmp_path, [*queues, *map(bind, names)])
    circles = [each for each in found if each["rule"] == TopologyRule.DEAD_LETTER_CIRCLE]
    assert len(circles) == len(names)
