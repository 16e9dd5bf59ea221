"""One place of a JSON text changed, all else left as it stands."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtrack_cli.events.json_places import put


@pytest.mark.parametrize(
    ("text", "path", "after"),
    [
        ('{"a": 1.50, "b" : 2e0}', "a", '{"a": "é", "b" : 2e0}'),
        ('{"a":{"b":[1, {"c":2}]}}', "a.b.1.c", '{"a":{"b":[1, {"c":"é"}]}}'),
        (" { } ", "a", ' {"a":"é" } '),
        ('{\n  "x": 1.0\n}', "a.b", '{\n  "x": 1.0,"a":{"b":"é"}\n}'),
        ('{"a":1,"a":2}', "a", '{"a":1,"a":"é"}'),
        ('{"a":{"0":1}}', "a.0", '{"a":{"0":"é"}}'),
    ],
)  # fmt: skip
def test_nothing_but_the_place_changes(text: str, path: str, after: str) -> None:
    """Spaces, order and the digits of other numbers stay; what is missing is added at the end."""
    assert put(text, path.split("."), "é") == after


@pytest.mark.parametrize(
    ("text", "path", "part"),
    [
        ('{"a":[1]}', "a.1", "1"),
        ('{"a":[1]}', "a.x", "x"),
        ('{"a":[1]}', "a.-1", "-1"),
        ('{"a":[1]}', "a.\u0662", "\u0662"),
        ('{"a":3}', "a.b.c", "b"),
        ('"a"', "a", "a"),
    ],
)
def test_a_path_that_leads_nowhere(text: str, path: str, part: str) -> None:
    """The part that can't be reached is named."""
    with pytest.raises(LookupError) as error:
        put(text, path.split("."), 1)
    assert error.value.args == (part,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.text(max_size=3), JSON)
def test_it_reads_as_if_it_had_been_set(event: dict[str, Any], name: str, value: object) -> None:
    """Any member set in any text is there, and all the others are as they were, in their order."""
    for indent in (None, 2):
        made = json.loads(put(json.dumps(event, indent=indent), [name], value))
        assert list(made.items()) == list({**event, name: value}.items())
