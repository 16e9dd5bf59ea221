"""The exported schemas and the check draw the same border."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from tests.events.fidelity import VALIDATORS, bodies, checked


@pytest.mark.timeout(300)
def test_schema_and_check_agree_on_every_event() -> None:
    """Of thousands of events at the borders, the schema accepts exactly what the check does."""
    seen: Counter[bool | None] = Counter()

    @settings(max_examples=1_200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies())
    def agree(made: tuple[str, bytes]) -> None:
        name, body = made
        expected = checked(name, body)
        seen[expected] += 1
        if expected is not None:
            assert VALIDATORS[name].is_valid(json.loads(body)) is expected

    agree()
    # Both sides of the border were visited, and few events were beyond the schemas.
    assert min(seen[True], seen[False]) > 100
    assert seen[None] < seen.total() / 10
