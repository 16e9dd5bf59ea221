"""Texts for what a document refuses: what it allows, and what may have been meant.

A message says what the schema says, and never a value of the event.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema_rs import is_valid

from medtrack_cli.events.findings import At, Path, Problem, Rule
from medtrack_cli.events.formats import EXPLANATIONS
from medtrack_cli.events.names import FIELD_NAME
from medtrack_cli.events.problem_texts import KINDS, json_name, listed, retyped
from medtrack_cli.suggestions import nearest

Kind = Mapping[str, Any]
"""An error's details in jsonschema-rs, beside its name."""

Words = tuple[Rule, str, str]
"""The rule, what follows the field's name in the message, and a suggestion."""

_RANGES = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
}
_LENGTHS = {
    "minLength": "at least {} characters long",
    "maxLength": "at most {} characters long",
    "minItems": "a list of at least {}",
    "maxItems": "a list of at most {}",
    "minProperties": "an object of at least {} fields",
    "maxProperties": "an object of at most {} fields",
}
_NOT_ALLOWED = {
    "uniqueItems": "holds a value twice",
    "not": "is what the schema forbids",
    "anyOf": "fits none of the schema's alternatives",
    "oneOf": "does not fit exactly one of the schema's alternatives",
    "contains": "holds too few or too many of an item that the schema asks for",
    "falseSchema": "is not allowed here",
    "unevaluatedItems": "holds items that the schema does not allow",
    "unevaluatedProperties": "holds fields that the schema does not allow",
}
_CHOICE = re.compile(r"\^\((?:\?:)?([\w -]+(?:\|[\w -]+)+)\)\$")
"""A pattern that is a list of words."""

_MOST_OPTIONS = 10
_MOST_COMPARED = 500  # values compared for a suggestion: each takes a while
_LONGEST = 200  # characters of what a schema allows, so that it fits on a line
_SHORTEST = 30  # characters of each of many values


def problem(
    name: str,
    kind: Kind,
    path: Path,
    value: Any,  # noqa: ANN401 -- JSON
    *,
    is_key: bool = False,
) -> Problem:
    """Say why a value or a key is refused, by the error's kind and its details."""
    rule, words, suggestion = _words(name, kind, value)
    last = path[-1] if path else ""
    label = last if isinstance(last, str) and FIELD_NAME.fullmatch(last) else "this"
    if is_key:
        return Problem(rule, path, f"this key {words}", suggestion, At.KEY)
    return Problem(rule, path, f"{label} {words}", suggestion)


def _words(name: str, kind: Kind, value: Any) -> Words:  # noqa: ANN401, PLR0911 -- JSON; one return a kind
    match name:
        case "type":
            wanted = [KINDS.get(each, each) for each in kind["types"]]
            words = f"must be {listed(wanted)}, not {json_name(value)}"
            return Rule.WRONG_TYPE, words, retyped(value, wanted)
        case "format":
            return Rule.BAD_FORMAT, f"is not a valid {kind['format']}", ""
        case "const":
            return _one_of([kind["expected_value"]], (), value)
        case "enum":
            return _one_of(kind["options"], kind.get("types", ()), value)
        case "pattern":
            return _of_pattern(kind["pattern"], value)
    limit = kind.get("limit", kind.get("multiple_of", kind.get("value")))
    if name in _RANGES:
        return Rule.OUT_OF_RANGE, f"must be {_RANGES[name]} {limit}", ""
    if name in _LENGTHS:
        return Rule.INVALID_VALUE, f"must be {_LENGTHS[name].format(limit)}", ""
    words = _NOT_ALLOWED.get(name, f"is not what the schema allows ({name})")
    return Rule.INVALID_VALUE, words, ""


def _one_of(options: Iterable[Any], types: Iterable[str], value: object) -> Words:
    """Say which values are allowed, and which types accept any value."""
    known = list({_text(each): each for each in options}.values())
    named = known if len(known) <= _MOST_OPTIONS else known[: _MOST_OPTIONS - 1]
    size = max(_LONGEST // max(len(named), 1), _SHORTEST)
    shown = [_cut(_text(each), size) for each in named]
    if rest := len(known) - len(named):
        shown.append(f"one of {rest} others")
    wanted = listed([*shown, *(KINDS.get(each, each) for each in types)])
    words = f"must be {wanted}" if wanted else _NOT_ALLOWED["falseSchema"]
    return Rule.INVALID_VALUE, words, _meant(value, known)


def _meant(value: object, known: list[Any]) -> str:
    """Suggest the allowed value that is most similar, or the same in another type."""
    plain = {each if isinstance(each, str) else _text(each): each for each in known}
    said = (
        "" if isinstance(value, list | dict) else value if isinstance(value, str) else _text(value)
    )
    if said in plain:
        return f"did you mean {_cut(_text(plain[said]))}?"
    texts = [each for each in known[:_MOST_COMPARED] if isinstance(each, str)]
    near = nearest(value, texts) if isinstance(value, str) else None
    return "" if near is None else f"did you mean {_cut(_text(near))}?"


def _of_pattern(pattern: str, value: str) -> Words:
    if words := _CHOICE.fullmatch(pattern):
        return _one_of(words[1].split("|"), (), value)
    if pattern in EXPLANATIONS:
        name, wanted = EXPLANATIONS[pattern]
        return Rule.INVALID_VALUE, f"is not {wanted} ({name})", ""
    changed = {
        "without the spaces around it": value.strip(),
        "in upper case": value.upper(),
        "in lower case": value.lower(),
    }
    fits = (how for how, text in changed.items() if is_valid({"pattern": pattern}, text))
    suggestion = next((f"it would match {how}" for how in fits), "")
    return Rule.INVALID_VALUE, f"must match the pattern {_cut(pattern)}", suggestion


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str, size: int = _LONGEST) -> str:
    return text if len(text) <= size else f"{text[:size]}…"
