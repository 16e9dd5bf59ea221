"""Events on both sides of every border, to ask whether schema and check draw it alike."""

import json
from functools import cache
from typing import Any

import jsonschema_rs
from hypothesis import strategies as st

from medtrack_cli.events.check import check
from medtrack_cli.events.export import json_schema
from medtrack_cli.events.findings import WARNINGS, Rule
from medtrack_cli.events.registry import event_types
from tests.builders import event

UNSEEN_BY_SCHEMAS = frozenset(
    {
        Rule.DUPLICATE_KEY,  # a parser keeps one of the two before a schema sees any
        Rule.BAD_ENCODING,  # half a surrogate pair is a string like another
        Rule.TOO_LARGE,
        Rule.TOO_DEEP,
        Rule.JSON_SYNTAX,  # a schema is asked about values, not about text
        Rule.ROUTING_KEY_MISMATCH,  # the routing key is outside the event
        Rule.NAIVE_TIMESTAMP,  # warnings: the event is valid
        Rule.NEWER_MINOR_VERSION,
        Rule.EMITTED_BY_MEDTRACK,
    }
)
"""What the check says of events that their exported schema accepts."""

VALIDATORS = {
    name: jsonschema_rs.Draft202012Validator(json_schema(each), validate_formats=True)
    for name, each in event_types().items()
}
"""jsonschema-rs on the exported schema of each type."""

_NUMBER = "number "  # in a string: its rest is written as a number, in exactly these digits

_LETTERS = st.sampled_from(
    [
        *"0159aAfFgGzZ+-_.:@ TtZ{}[]\\/",
        *("\n", "\r", "\t", "\0", "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\u200b"),
        *("\u0661", "\u06f5", "\uff15", "\u0967", "\U0001d7d5"),  # digits of other scripts
        *("é", "ß", "\u212a", "\u0130", "\u017f", "e\u0301", "\U0001f600"),
    ]
)
OPEN_DATES = ["0001-01-01", "2024-02-29", "2000-02-29", "2025-12-31", "2025-04-30", "9999-12-31"]
_SHUT_DATES = [
    *("0000-01-01", "0000-02-29"),
    *("1900-02-29", "2023-02-29", "2100-02-29", "2025-02-30", "2024-02-30", "2025-04-31"),
    *(
        "2025-00-01",
        "2025-13-01",
        "2025-01-00",
        "2025-12-32",
        "2025-1-1",
        "20250101",
        "10000-01-01",
    ),
]
_DATES = st.sampled_from([*OPEN_DATES, *_SHUT_DATES]) | st.builds(
    "{:04d}-{:02d}-{:02d}".format,
    st.integers(0, 9999),
    st.integers(0, 13),
    st.integers(0, 32),
)

_PIECES: list[tuple[list[str], list[str]]] = [
    (OPEN_DATES, _SHUT_DATES),
    (["T"], ["t", " ", "", "TT"]),
    (["00", "09", "19", "20", "23"], ["24", "30", "9", ""]),
    ([":"], ["", "."]),
    (["00", "59"], ["60", "5"]),
    ([":"], ["", "."]),
    (["00", "59"], ["60", "61", "5"]),
    (["", ".0", ".123456789"], [".1234567890", ".", ",5", ".5e1"]),
    (["Z", "", "+00:00", "-23:59", "+05:45"], ["z", "+24:00", "+01:60", "+0100", "+1:00", " Z"]),
]
"""The pieces of a timestamp: as they should be, and as they shouldn't."""


@st.composite
def _times(draw: st.DrawFn) -> str:
    """Make a timestamp of which one piece at most is wrong."""
    wrong = draw(st.integers(-len(_PIECES), len(_PIECES) - 1))
    return "".join(
        draw(st.sampled_from(shut if place == wrong else right))
        for place, (right, shut) in enumerate(_PIECES)
    )


_UUID = "550e8400-e29b-41d4-a716-446655440000"
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "date": _DATES,
    "timestamp": _times(),
    "uuid": st.sampled_from(
        [
            *(
                _UUID,
                _UUID.upper(),
                "00000000-0000-0000-0000-000000000000",
                _UUID[:-1],
                _UUID + "0",
            ),
            *("{" + _UUID + "}", "urn:uuid:" + _UUID, _UUID.replace("-", ""), "g" + _UUID[1:]),
            *(
                _UUID.replace("-", "_"),
                _UUID[:9] + "\u0661" + _UUID[10:],
                _UUID + "\n",
                " " + _UUID,
            ),
        ]
    ),
    "phone": st.builds(
        lambda start, digits: start + digits,
        st.sampled_from(["+", "+", "+", "", "00", "++"]),
        st.text("0123456789", min_size=5, max_size=17)
        | st.sampled_from(["1" * 6, "1" * 7, "1" * 15, "1" * 16, "\u0661" * 9, "\uff11" * 9]),
    ),
    "cin": st.text("AZaz09", min_size=2, max_size=22)
    | st.sampled_from(
        ["A" * 3, "A" * 4, "A" * 20, "A" * 21, "AB-12", "ABÉ1", "AB12\n", "AB\u0661\u0662"]
    ),
    "email": st.builds(
        "{}{}{}".format,
        st.sampled_from(
            ["a", "é", "a.b", ".", "", "a b", '"a"', "a\u00a0", "a\x7f", "a\x00", "a+b"]
        ),
        st.sampled_from(["@", "@", "@", "@@", "", "\uff20"]),
        st.sampled_from(
            [
                "b.c",
                "b",
                "b..c",
                ".b.c",
                "b.c.",
                "é.é",
                "[::1]",
                "b.c\n",
                "b .c",
                "b\u2028.c",
                "b.c@d",
            ]
        ),
    ),
    "version": st.sampled_from(
        [
            *("1.0", "1.7", "0.0", "1.00", "01.0", "1", "1.", ".1", "1.0.0", "2.0", "v1.0", "1.-1"),
            *("1.999999999", "1.9999999999", "1.\u0661", "1.0\n", " 1.0", "1,0"),
        ]
    ),
}
"""Values of each of MedTrack's formats, on both sides of its border."""

_TEXTS = st.one_of(
    st.sampled_from(["", " ", "text", "NaN", "null", "85", "0612345678", "\0", "\ufeff"]),
    *KINDS.values(),
)
_NUMBERS = st.sampled_from(
    [
        *("0", "-0", "-0.0", "0.0", "-1e-400", "1e-400", "-0.0000001", "-1", "100", "100.0"),
        *("1e2", "1E+2", "10000e-2", "100.00000000000001", "100.00000000000000001", "101", "1e400"),
        *("-1e400", "99.99999999999999999", "1" + "0" * 400, "9007199254740993", "42.5"),
    ]
).map(lambda digits: _NUMBER + digits)
_SCALARS = st.one_of(_TEXTS, _NUMBERS, st.sampled_from([None, True, False]))
_VALUES = st.one_of(
    _SCALARS,
    st.lists(_SCALARS, max_size=3),
    st.dictionaries(st.sampled_from(["", "a", "student_id"]), _SCALARS, max_size=2),
)
_NAMES = st.sampled_from(
    [
        *("extra", "", "Student_id", "student_id", "student_id ", "student_id\n", "stage_id"),
        *("__proto__", "constructor", "toString", "length", "event_type", "payload", "é", "\0"),
    ]
)


@st.composite
def _near(draw: st.DrawFn, text: str) -> str:
    """Change a text in one place."""
    place = draw(st.integers(0, len(text)))
    width = draw(st.integers(0, 1))
    return text[:place] + draw(_LETTERS | st.just("")) + text[place + width :]


@cache
def _places() -> dict[str, list[tuple[str, str]]]:
    """List, by the kind of value there, the fields of all types: each a type and a name."""
    places: dict[str, list[tuple[str, str]]] = {}
    for known in event_types().values():
        kinds = {each.name: each.kind for each in known.fields}
        for name, kind in {**kinds, "timestamp": "timestamp", "version": "version"}.items():
            places.setdefault(kind if kind in KINDS else "other", []).append((known.name, name))
    return places


@st.composite
def _bordering(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Make an event with a value of the right kind, good or bad, in one place."""
    kind = draw(st.sampled_from(sorted(_places())))
    event_type, name = draw(st.sampled_from(_places()[kind]))
    made = event(event_type)
    owner = made if name in made else made["payload"]
    number = isinstance(owner[name], int | float)
    owner[name] = draw(_NUMBERS if number else KINDS.get(kind, _VALUES))
    return event_type, made


def _spoil(draw: st.DrawFn, made: dict[str, Any]) -> None:
    """Change one thing in an event, or in its payload."""
    payload = made.get("payload")
    inside = isinstance(payload, dict) and draw(st.integers(0, 3)) > 0
    owner: dict[str, Any] = payload if inside and isinstance(payload, dict) else made
    name = draw(st.sampled_from(sorted(owner))) if owner else ""
    value = owner.get(name)
    match draw(st.integers(0, 7)):
        case 0:
            owner.pop(name, None)
        case 1:
            owner[draw(_NAMES)] = draw(_VALUES)
        case 2 | 3 | 4 if isinstance(value, str):
            owner[name] = draw(_near(value))
        case 5 if isinstance(value, list):
            owner[name] = [*value, draw(_VALUES)] if draw(st.booleans()) else []
        case _:
            owner[name] = draw(_VALUES)


@st.composite
def _spoilt(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Make an event that is changed anyhow in up to two places."""
    event_type = draw(st.sampled_from(list(event_types())))
    made = event(event_type)
    for _ in range(draw(st.integers(0, 2))):
        _spoil(draw, made)
    return event_type, made


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, bytes]:
    """Make an event of a built-in type, or nearly one: the type and the JSON."""
    event_type, made = draw(_spoilt() if draw(st.integers(0, 2)) == 0 else _bordering())
    return event_type, _written(made)


def _written(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False)
    start = f'"{_NUMBER}'
    while start in text:
        before, _, rest = text.partition(start)
        digits, _, after = rest.partition('"')
        text = before + digits + after
    return text.encode()


def checked(name: str, body: bytes) -> bool | None:
    """Ask the check whether a body is a valid event of a type; None when no schema could tell."""
    verdict = check(body)
    if any(each.rule in UNSEEN_BY_SCHEMAS - WARNINGS for each in verdict.problems):
        return None
    return verdict.is_valid and verdict.event_type == name
