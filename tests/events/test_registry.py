"""The registry: what is known of each event type, and the schemas made of it."""

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtrack_cli.events.check import check
from medtrack_cli.events.event_type import EventType
from medtrack_cli.events.export import json_schema
from medtrack_cli.events.findings import Rule
from medtrack_cli.events.registry import built_in, event_types
from medtrack_cli.files.samples import sample_folder
from tests.builders import encode, event

NAMES = list(event_types())


def validator(event_type: str) -> jsonschema_rs.Draft202012Validator:
    """Make a validator of a type's exported schema, formats asserted."""
    schema = json_schema(event_types()[event_type])
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


VALIDATORS = {name: validator(name) for name in NAMES}


def test_the_types_of_the_guide_are_known() -> None:
    """The registry knows the guide's event types, each in version 1.0."""
    assert {name: each.version for name, each in event_types().items()} == dict.fromkeys(
        [
            *("student.created", "student.updated", "student.deleted", "user.created"),
            *("stage.created", "stage.accepted", "stage.completed", "evaluation.created"),
        ],
        "1.0",
    )


@pytest.mark.parametrize("known", event_types().values(), ids=NAMES)
def test_every_type_is_described(known: EventType) -> None:
    """Each type has a sentence on itself and on every field, and says who publishes it."""
    assert known.description.endswith(".")
    assert known.published_by
    assert all(field.description for field in known.fields)
    assert all(deed for deed in known.reactions.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_type_has_a_valid_sample(name: str) -> None:
    """Each type's sample file is that type and has no problem at all."""
    verdict = check((sample_folder() / f"{name}.json").read_bytes())
    assert verdict.event_type == name
    assert verdict.problems == ()


def test_every_sample_is_of_a_known_type() -> None:
    """No sample file is left over from a type that is gone."""
    assert {path.stem for path in sample_folder().glob("*.json")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_exported_schemas_are_schemas(name: str) -> None:
    """An exported schema passes the meta-schema of 2020-12, and accepts the sample."""
    example = event(name)
    schema = json_schema(event_types()[name], example)
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["examples"] == [example]
    assert VALIDATORS[name].is_valid(example)


@pytest.mark.parametrize("name", NAMES)
def test_exported_schemas_require_what_is_required(name: str) -> None:
    """Without one of its required members, a sample satisfies neither schema nor check."""
    known = event_types()[name]
    for field in known.fields:
        less = event(name)
        less["payload"].pop(field.name, None)
        assert VALIDATORS[name].is_valid(less) is not field.required
        assert check(encode(less)).is_valid is not field.required


HARD_TEXTS = st.sampled_from(
    [
        *(
            "",
            " ",
            "2025-02-29",
            "2024-02-29",
            "2025-1-1",
            "\u0662\u0660\u0662\u0665-01-01",
            "2025-02-01\n",
        ),
        *("2025-01-15T10:00:00", "2025-01-15t10:00:00z", "2025-01-15T10:00:00,5Z"),
        *("2025-01-15T10:00:00.123456789+05:45", "2025-01-15T10:00:00+24:00", "1.0", "1.0\n"),
        *("550e8400-e29b-41d4-a716-446655440000", "{550e8400-e29b-41d4-a716-446655440000}"),
        *("+1234567", "+12345678901234567", "+123456\u0667", "AB12", "a@b.c", "a@b..c", "a b@c.d"),
        *(
            "a@[127.0.0.1]",
            "é@é.é",
            "a@b.c\n",
            "AB\u0661\u0662\u0663\u0664",
            "\U0001d7cf\U0001d7d0\U0001d7d1\U0001d7d2",
        ),
    ]
)
VALUES = HARD_TEXTS | st.text(max_size=12) | st.integers(-1, 101) | st.none() | st.booleans()


@st.composite
def changed_events(draw: st.DrawFn) -> dict[str, Any]:
    """Make events that differ from a sample in a value or two."""
    made = event(draw(st.sampled_from(NAMES)))
    for _ in range(draw(st.integers(1, 2))):
        owner = made["payload"] if draw(st.booleans()) else made
        name = draw(
            st.sampled_from([name for name in owner if name not in {"event_type", "payload"}])
        )
        owner[name] = draw(VALUES | st.lists(VALUES, max_size=2))
    return made


@settings(max_examples=200)
@given(changed_events())
def test_schema_and_check_agree(changed: dict[str, Any]) -> None:
    """An event satisfies the exported schema exactly when the check finds it valid.

    Only the meaning of versions is no business of the schema's.
    """
    verdict = check(json.dumps(changed).encode())
    if any(each.rule in {Rule.UNKNOWN_VERSION, Rule.BAD_ENCODING} for each in verdict.problems):
        return
    assert VALIDATORS[changed["event_type"]].is_valid(changed) is verdict.is_valid


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("service",), True),
        (("payload",), False),
        (("payload", "cin"), True),
        (("payload", "score"), False),
        (("payload", "nobody"), False),
        (("other", "cin"), False),
    ],
)
def test_fields_of_text_are_known(path: tuple[str, ...], *, expected: bool) -> None:
    """The registry tells YAML's reader which fields keep their text."""
    event_type = "evaluation.created" if "score" in path else "student.created"
    assert built_in().wants_text(event_type, path) is expected


def test_items_of_lists_are_text_too() -> None:
    """The items of a list of strings keep their text, the list itself isn't one."""
    assert built_in().wants_text("student.updated", ("payload", "updated_fields", 0))
    assert not built_in().wants_text("student.updated", ("payload", "updated_fields"))
    assert not built_in().wants_text(None, ("payload", "cin"))
