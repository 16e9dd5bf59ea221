"""Generated events: valid, repeatable, and nobody's."""

import json
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtrack_cli.events.check import check
from medtrack_cli.events.generate import generated
from medtrack_cli.events.registry import event_types
from tests.builders import encode, event

NAMES = list(event_types())


def some(name: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Generate events of a type."""
    return list(islice(generated(event_types()[name], event(name), seed), count))


@pytest.mark.parametrize("name", NAMES)
def test_generated_events_are_valid(name: str) -> None:
    """Five hundred events of each type have no problem at all."""
    for each in some(name, 500, seed=1):
        verdict = check(encode(each))
        assert (verdict.event_type, verdict.problems) == (name, ())


@settings(max_examples=30)
@given(st.sampled_from(NAMES), st.integers())
def test_the_same_seed_gives_the_same_events(name: str, seed: int) -> None:
    """A seed, whatever whole number it is, gives the same valid events each time."""
    first = some(name, 5, seed)
    assert first == some(name, 5, seed)
    assert all(check(encode(each)).is_valid for each in first)


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_and_another_number_give_other_events(name: str) -> None:
    """Events differ from each other, and those of another seed from these."""
    texts = [json.dumps(each["payload"]) for each in some(name, 50, 1) + some(name, 50, 2)]
    assert len(set(texts)) == 100


@pytest.mark.parametrize("name", NAMES)
def test_nothing_generated_can_be_a_persons(name: str) -> None:
    """Addresses end in example.org, card numbers begin with ZZ, phone numbers with +000."""
    marks = {"cin": "ZZ", "phone": "+000"}
    for each in some(name, 100, seed=3):
        payload = each["payload"]
        assert payload.get("email", "@example.org").endswith("@example.org")
        for field, mark in marks.items():
            assert payload.get(field, mark).startswith(mark)


def test_one_persons_fields_fit_together() -> None:
    """A person's address is made of the names, in ASCII."""
    plain = str.maketrans("éè", "ee")
    for each in some("student.created", 100, seed=4):
        payload = each["payload"]
        names = f"{payload['first_name']}.{payload['last_name']}.".lower().translate(plain)
        assert payload["email"].startswith(names)
        assert payload["email"].isascii()
