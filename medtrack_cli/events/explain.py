"""Why the model refuses an event: pydantic's errors as problems with rules, words and paths."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from medtrack_cli.events import json_text
from medtrack_cli.events.findings import Path, Problem, Rule
from medtrack_cli.events.formats import EXPLANATIONS, VERSION
from medtrack_cli.events.registry import EventType, any_envelope, event_types
from medtrack_cli.events.suggestions import did_you_mean
from medtrack_cli.events.words import KINDS, field_problems, json_name


class Explanation(NamedTuple):
    """The event type, when it names a known one, and every problem of the event."""

    event_type: str | None
    problems: tuple[Problem, ...]


def explain(body: bytes, error: ValidationError) -> Explanation:
    """Name every problem of an event that the model refuses."""
    value, problems = json_text.examine(body)
    if value is None and problems:
        return Explanation(None, tuple(problems))
    if not isinstance(value, dict) or not value.keys() & {"event_type", "payload"}:
        return Explanation(None, (*problems, _not_an_event(value)))
    name = value.get("event_type")
    known = event_types().get(name) if isinstance(name, str) else None
    versions = version_problems(value.get("version"), known) if known else []
    problems += versions
    if known and not any(each.rule is Rule.UNKNOWN_VERSION for each in versions):
        details: Iterable[ErrorDetails] = _lean(error)
        problems += _model_problems(details, value, skip_tag=True)
    else:
        problems += _model_problems(_errors_of(any_envelope(), body), value, skip_tag=False)
    if isinstance(name, str) and known is None:
        problems.append(_unknown_type(name))
    timestamp = value.get("timestamp")
    if isinstance(timestamp, str) and not _refused(problems, ("timestamp",)) and timestamp:
        problems += warnings(timestamp, None, publishing=False)
    return Explanation(known.name if known else None, tuple(problems))


def _lean(error: ValidationError) -> list[ErrorDetails]:
    # Without the input: it is personal data, and leaving it out is faster.
    return error.errors(include_url=False, include_input=False)


def _errors_of(adapter: TypeAdapter[Any], body: bytes) -> list[ErrorDetails]:
    try:
        adapter.validate_json(body.removeprefix(BOM_UTF8))
    except ValidationError as error:
        return _lean(error)
    return []


def _not_an_event(value: object) -> Problem:
    if isinstance(value, dict):
        return Problem(
            Rule.NOT_AN_EVENT,
            (),
            "this object is no event: it has neither event_type nor payload",
            "is it a bare payload? then name its event type",
        )
    return Problem(Rule.NOT_AN_EVENT, (), f"an event is an object, this is {json_name(value)}")


def _unknown_type(name: str) -> Problem:
    known = list(event_types())
    return Problem(
        Rule.UNKNOWN_EVENT_TYPE,
        ("event_type",),
        "no such event type is known",
        did_you_mean(name, known) or f"known types: {', '.join(known)}",
    )


def version_problems(version: object, known: EventType) -> list[Problem]:
    """Judge a well-formed version against the newest one known; others are the model's business."""
    if not isinstance(version, str) or not re.fullmatch(VERSION, version):
        return []
    major, minor = map(int, version.split("."))
    known_major, known_minor = map(int, known.version.split("."))
    if major != known_major:
        return [
            Problem(
                Rule.UNKNOWN_VERSION,
                ("version",),
                f"{known.name} has no version {major}.x",
                f"known: {known.version}",
            )
        ]
    if minor > known_minor:
        return [
            Problem(
                Rule.NEWER_MINOR_VERSION,
                ("version",),
                f"newer than the newest known version of {known.name}, {known.version}, "
                "by which it was checked",
            )
        ]
    return []


def warnings(timestamp: str, known: EventType | None, *, publishing: bool) -> list[Problem]:
    """Find what is no error but should be put right."""
    problems = []
    if not has_offset(timestamp):
        problems.append(
            Problem(
                Rule.NAIVE_TIMESTAMP,
                ("timestamp",),
                "timestamp has no offset and counts as UTC",
                "end it with Z",
            )
        )
    if publishing and known and known.emitted_by_medtrack:
        problems.append(
            Problem(
                Rule.EMITTED_BY_MEDTRACK,
                ("event_type",),
                f"{known.name} is emitted by MedTrack itself",
            )
        )
    return problems


def _refused(problems: list[Problem], path: Path) -> bool:
    return any(problem.where == path for problem in problems)


def _model_problems(
    details: Iterable[ErrorDetails], value: dict[str, Any], *, skip_tag: bool
) -> list[Problem]:
    """Turn pydantic's errors into problems, each missing field paired with its near-twin."""
    missing: list[Path] = []
    unknown: list[Path] = []
    problems: list[Problem] = []
    for detail in details:
        path = detail["loc"][1:] if skip_tag and detail["type"] not in UNTAGGED else detail["loc"]
        match detail["type"]:
            case "missing":
                missing.append(path)
            case "extra_forbidden":
                unknown.append(path)
            case "union_tag_not_found":
                missing.append(("event_type",))
            case _:
                problems.append(_value_problem(detail, path, value))
    return [*field_problems(missing, unknown), *problems]


UNTAGGED = frozenset({"union_tag_not_found", "union_tag_invalid"})


def _value_problem(detail: ErrorDetails, path: Path, value: dict[str, Any]) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    name = path[-1] if path and isinstance(path[-1], str) else "this"
    if kind == "string_pattern_mismatch" and context["pattern"] in EXPLANATIONS:
        label, wanted = EXPLANATIONS[context["pattern"]]
        return Problem(Rule.BAD_FORMAT, path, f"{name} is not {wanted} ({label})")
    if kind in {"greater_than_equal", "less_than_equal"}:
        bound = f"at least {context['ge']:g}" if "ge" in context else f"at most {context['le']:g}"
        return Problem(Rule.OUT_OF_RANGE, path, f"{name} must be {bound}")
    if kind == "finite_number":
        return Problem(Rule.OUT_OF_RANGE, path, f"{name} is beyond what a number can hold")
    if kind == "too_short":
        return Problem(Rule.INVALID_VALUE, path, f"{name} must not be empty")
    if kind.endswith("_type"):
        wanted = KINDS[kind.removesuffix("_type")]
        return Problem(
            Rule.WRONG_TYPE, path, f"{name} must be {wanted}, not {json_name(_at(value, path))}"
        )
    return Problem(Rule.INVALID_VALUE, path, f"{name}: {detail['msg']}")


def _at(value: Any, path: Path) -> object:  # noqa: ANN401 -- JSON
    for part in path:
        value = value[part]
    return value


def has_offset(timestamp: str) -> bool:
    """Tell whether a well-formed timestamp says its offset."""
    return timestamp[-1] == "Z" or timestamp[-6] in "+-"
