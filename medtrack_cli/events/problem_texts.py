"""Texts that all checks share, whichever library finds the problem."""

import re
from collections.abc import Collection

from medtrack_cli.events.findings import At, Path, Problem, Rule
from medtrack_cli.suggestions import nearest

KINDS = {
    # by pydantic's names and JSON Schema's
    "string": "a string",
    "float": "a number",
    "list": "a list",
    "int": "a whole number",
    "bool": "true or false",
    "model": "an object",
    "dict": "an object",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
JSON_NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
TWICE = "it is JSON inside a string, so it was encoded twice: encode it once"


def json_name(value: object) -> str:
    """Name a JSON value's type in words."""
    return JSON_NAMES[type(value)]


def retyped(value: object, wanted: Collection[str]) -> str:
    """Say what to do where a value isn't of the wanted types, in words of `KINDS`; or nothing."""
    if not isinstance(value, str):
        is_bare = isinstance(value, int | float) and "a string" in wanted
        return "put it in quotes" if is_bare else ""
    if not {"a number", "a whole number"}.isdisjoint(wanted) and _NUMBER.fullmatch(value):
        return "leave out the quotes"
    if value.lstrip()[:1] in {"{", "["} and not {"an object", "a list"}.isdisjoint(wanted):
        return TWICE
    return "write a list, in [ ]" if "a list" in wanted else ""


def listed(words: list[str]) -> str:
    """Write a list in words: `a, b or c`."""
    return " or ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def field_problems(missing: list[Path], unknown: list[Path]) -> list[Problem]:
    """Name missing and unknown fields; a missing one with a similar unknown one is one problem."""
    problems = []
    for path in unknown:
        siblings = {str(each[-1]): each for each in missing if each[:-1] == path[:-1]}
        near = nearest(str(path[-1]), siblings)
        if near:
            missing.remove(siblings[near])
        meant = f"did you mean {near}?" if near else ""
        unknown_field = Problem(Rule.UNKNOWN_FIELD, path, "this field is unknown", meant, At.KEY)
        problems.append(unknown_field)
    problems += [
        Problem(Rule.MISSING_FIELD, path, f"{path[-1]} is missing", at=At.OPENING)
        for path in missing
    ]
    return problems
