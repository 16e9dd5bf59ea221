"""Which contracts are compared with which."""

from typing import Any

import pytest

from medtrack_cli.core.choices import Mode
from medtrack_cli.core.compatibility import Compared, Contract, compared, contracts
from medtrack_cli.events.check import check
from medtrack_cli.events.compatibility import Answer, compare
from medtrack_cli.events.export import json_schema
from medtrack_cli.events.registry import built_in, extended
from tests.builders import encode

OPEN: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
STRICT: dict[str, Any] = {**OPEN, "required": ["a"]}


def contract(version: str, schema: dict[str, Any] | None = None, name: str = "a.b") -> Contract:
    """Make a contract."""
    return Contract(name, version, OPEN if schema is None else schema)


def pairs(old: list[Contract], new: list[Contract]) -> list[tuple[str, str | None]]:
    """List which versions are compared."""
    return [(each.old.version, each.new and each.new.version) for each in compared(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([contract("1.0")], [contract("1.0")], []),
        ([contract("1.0")], [contract("1.0", STRICT)], [("1.0", "1.0")]),
        ([contract("1.0")], [contract("1.0"), contract("2.0")], []),
        ([contract("1.0")], [contract("1.0"), contract("1.0", name="c.d")], []),
        ([], [contract("1.0")], []),
        ([], [contract("1.0"), contract("1.1")], [("1.0", "1.1")]),
        ([contract("1.9")], [contract("1.9"), contract("1.10")], [("1.9", "1.10")]),
        (
            [contract("1.2")],
            [contract("1.2"), contract("1.10"), contract("1.9")],
            [("1.9", "1.10"), ("1.2", "1.9")],
        ),
        ([contract("1.0")], [], [("1.0", None)]),
        ([contract("1.0")], [contract("1.1")], [("1.0", None)]),
    ],
)
def test_what_is_compared(
    old: list[Contract], new: list[Contract], expected: list[tuple[str, str | None]]
) -> None:
    """A changed version with itself, a new minor with the one before, a lost one with nothing."""
    assert pairs(old, new) == expected


@pytest.mark.parametrize("mode", Mode)
def test_a_lost_contract_holds_in_no_mode(mode: Mode) -> None:
    """What is gone is a break, and has no event to prove it."""
    assert Compared(contract("1.0"), None).answer(mode) is Answer.NO


@pytest.mark.parametrize(
    ("mode", "answer"),
    [(Mode.BACKWARD, Answer.NO), (Mode.FORWARD, Answer.YES), (Mode.FULL, Answer.NO)],
)
def test_a_mode_asks_for_its_direction(mode: Mode, answer: Answer) -> None:
    """A field made required: new readers refuse old writers, and not the other way round."""
    [found] = compared([contract("1.0")], [contract("1.0", STRICT)])
    assert found.answer(mode) is answer


@pytest.mark.parametrize("swapped", [False, True])
def test_the_proof_is_an_event_of_the_writers_version(*, swapped: bool) -> None:
    """The event is whole, of the writer's version, valid to it and not to the reader."""
    one, other = (OPEN, STRICT) if not swapped else (STRICT, OPEN)
    found = Compared(contract("1.0", one), contract("1.1", other), compare(one, other))
    assert found.comparison is not None
    [change] = found.comparison.changes
    event = found.event(change)
    assert event is not None
    writer, reader = ("1.1", "1.0") if swapped else ("1.0", "1.1")
    assert event["version"] == writer
    assert found.pointer(change).startswith("/payload")
    registry = extended([("a.b", "1.0", one), ("a.b", "1.1", other)])
    assert check(encode(event), registry).problems == ()
    assert not check(encode({**event, "version": reader}), registry).is_valid


def test_exported_schemas_are_of_whole_events() -> None:
    """Schemas that `schema export` prints are compared as events, with places in the event."""
    known = built_in().find("student.created")
    old = Contract("old", "old.json", json_schema(known))
    changed = json_schema(known)
    payload = changed["$defs"]["StudentCreatedPayload"]
    payload["required"] = [each for each in payload["required"] if each != "cin"]
    found = Compared(old, Contract("new", "new.json", changed), compare(dict(old.schema), changed))
    assert old.is_event
    assert found.comparison is not None
    [change] = [each for each in found.comparison.changes if each.breaks]
    assert found.pointer(change) == "/payload/cin"
    event = found.event(change)
    assert event is not None
    assert event["event_type"] == "student.created"
    assert "cin" not in event["payload"]


def test_every_type_has_its_contract() -> None:
    """Built-in types and added ones are contracts of payloads, by name and version."""
    registry = extended([("a.b", "1.0", OPEN), ("student.created", "2.0", OPEN)])
    names = [each.name for each in contracts(registry)]
    assert len(names) == len(set(names)) == 10
    assert {"a.b 1.0", "student.created 1.0", "student.created 2.0"} <= set(names)
    assert not any(each.is_event for each in contracts(registry))
