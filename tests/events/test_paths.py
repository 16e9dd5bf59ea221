"""`--set path=value`: which places it reaches, and how its values are read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.errors import UsageError
from medtrack_cli.events import overrides as paths
from medtrack_cli.events.registry import built_in, extended
from tests.builders import event

ADDED = extended(
    [
        (
            "room.booked",
            "1.0",
            {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "floor": {"type": "integer"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "sizes": {"type": "array", "items": {"type": "number"}},
                    "place": {"type": "object", "properties": {"code": {"type": "string"}}},
                },
            },
        )
    ]
)


def after(before: dict[str, Any], *settings: str) -> dict[str, Any]:
    """Change an event."""
    return paths.changed(before, [paths.parse(each) for each in settings], ADDED)


def added(**payload: object) -> dict[str, Any]:
    """Make an event of the added type."""
    return {"event_type": "room.booked", "payload": payload, "version": "1.0"}


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("payload.code=0123", {"code": "0123"}),
        ("payload.code=null", {"code": "null"}),
        ("payload.code=", {"code": ""}),
        ("payload.code=a=b", {"code": "a=b"}),
        ("payload.floor=3", {"floor": 3}),
        ("payload.floor=three", {"floor": "three"}),
        ("payload.floor=null", {"floor": None}),
        ("payload.floor=NaN", {"floor": "NaN"}),
        ("payload.floor=1e999", {"floor": "1e999"}),
        ('payload.tags=["1"]', {"tags": ["1"]}),
        ("payload.place.code=07", {"place": {"code": "07"}}),
        ('payload.place={"code":"1"}', {"place": {"code": "1"}}),
    ],
)
def test_a_value_is_read_by_the_schema(setting: str, expected: dict[str, Any]) -> None:
    """A text stays a text where the schema wants one; elsewhere it is read as strict JSON."""
    assert after(added(), setting)["payload"] == expected


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("payload.tags.0=7", {"tags": ["7", "b"]}),
        ("payload.tags.1=x", {"tags": ["a", "x"]}),
        ("payload.tags.-1=x", {"tags": ["a", "x"]}),
    ],
)
def test_a_number_in_a_path_is_an_item(setting: str, expected: dict[str, Any]) -> None:
    """An item of a list is reached by its number, and read by the schema of items."""
    assert after(added(tags=["a", "b"]), setting)["payload"] == expected


def test_numbers_in_lists_stay_numbers() -> None:
    """An item of a list of numbers is a number."""
    assert after(added(sizes=[1.5]), "payload.sizes.0=2")["payload"] == {"sizes": [2]}


@pytest.mark.parametrize(
    "setting",
    [
        "payload.tags.2=x",
        "payload.tags.x=1",
        "payload.tags.0.a=1",
        "payload.code.0=x",
        "payload.code.a=x",
        "payload.floor.0=x",
    ],
)
def test_a_path_that_leads_nowhere_is_a_usage_error(setting: str) -> None:
    """A path into a text, a number or after a list's end can't be set."""
    before = added(tags=["a", "b"], code="text", floor=1)
    with pytest.raises(UsageError, match="leads nowhere"):
        after(before, setting)


@pytest.mark.parametrize("setting", ["", "payload.code", "=x"])
def test_a_setting_has_a_path_and_a_value(setting: str) -> None:
    """Without an equals sign or a path it is a usage error."""
    with pytest.raises(UsageError, match="PATH=VALUE"):
        paths.parse(setting)


def test_an_unknown_path_names_the_near_one() -> None:
    """A path that the type doesn't have is refused, with the nearest that it has."""
    known = built_in().find("student.created")
    with pytest.raises(UsageError) as caught:
        paths.checked([paths.parse("payload.emial=x")], known)
    assert caught.value.message == "no such field in student.created: payload.emial"
    assert caught.value.hint == "did you mean payload.email?"


def test_every_field_of_every_type_can_be_set() -> None:
    """All fields that a type has, and the envelope's, are accepted."""
    for known in built_in():
        names = [f"payload.{field.name}" for field in known.fields]
        for name in [*names, "service", "timestamp", "version", "event_type"]:
            paths.checked([paths.parse(f"{name}=1")], known)


@pytest.mark.parametrize("broken", [{}, [], 5, None])
def test_an_event_whose_type_is_no_text_can_be_changed(broken: object) -> None:
    """Whatever stands as event_type or version, the setting is made and the check has its say."""
    before = {"event_type": broken, "payload": {}, "version": broken}
    assert after(before, "payload.a=1")["payload"] == {"a": 1}


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)


@given(TEXTS, st.sampled_from(["first_name", "cin", "email"]))
def test_any_text_arrives_as_it_is(text: str, name: str) -> None:
    """Any text set on a text field arrives unchanged, and nothing else of the event changes."""
    before = event()
    kept = json.dumps(before)
    result = after(before, f"payload.{name}={text}")
    assert result["payload"][name] == text
    assert {**result["payload"], name: 0} == {**before["payload"], name: 0}
    assert json.dumps(before) == kept


@given(TEXTS)
def test_any_value_leaves_an_event_that_can_be_written(text: str) -> None:
    """Whatever is set on a field that is no text, the event is still JSON."""
    result = after(added(), f"payload.floor={text}")
    assert json.loads(json.dumps(result, allow_nan=False)) == result
