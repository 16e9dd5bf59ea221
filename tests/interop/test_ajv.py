"""The same schemas in another language: Ajv, our check and jsonschema-rs agree."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from medtrack_cli.events.registry import event_types
from tests.builders import encode, event
from tests.events.fidelity import VALIDATORS, bodies, checked
from tests.interop.conftest import Ajv

EVENTS = 20_000


@pytest.mark.parametrize("name", list(event_types()))
def test_ajv_accepts_the_samples(ajv: Ajv, name: str) -> None:
    """Ajv compiles each schema in strict mode, accepts the sample and refuses a part of it."""
    whole = event(name)
    assert ajv.is_valid(name, encode(whole))
    del whole["payload"]
    assert not ajv.is_valid(name, encode(whole))


@pytest.mark.timeout(900)
def test_three_validators_agree_on_every_event(ajv: Ajv) -> None:
    """On twenty thousand events at the borders, the three say the same of each."""
    seen: Counter[bool | None] = Counter()

    @settings(max_examples=EVENTS, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies())
    def agree(made: tuple[str, bytes]) -> None:
        name, body = made
        expected = checked(name, body)
        seen[expected] += 1
        if expected is not None:
            answers = (VALIDATORS[name].is_valid(json.loads(body)), ajv.is_valid(name, body))
            assert answers == (expected, expected)

    agree()
    assert seen.total() >= EVENTS
    assert min(seen[True], seen[False]) > EVENTS / 10
    assert seen[None] < EVENTS / 10
