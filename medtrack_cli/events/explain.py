"""Why the model refuses an event: pydantic's errors as problems with rules, messages and paths."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from pydantic_core import ErrorDetails, ValidationError

from medtrack_cli.events import json_text
from medtrack_cli.events.event_type import EventType
from medtrack_cli.events.findings import Path, Problem, Rule
from medtrack_cli.events.foreign import seems_to_be
from medtrack_cli.events.formats import EXPLANATIONS, UUID
from medtrack_cli.events.problem_texts import KINDS, field_problems, json_name, retyped
from medtrack_cli.events.registry import Registry, Validate, envelope_alone, validator_of
from medtrack_cli.events.shortening import MANY, is_too_long
from medtrack_cli.suggestions import did_you_mean

IS_IT_BARE = "is it a bare payload? then name its event type"
"""The hint where the user can name a type."""

_FILES = "events are JSON, NDJSON or YAML"
_WANTED = dict(EXPLANATIONS.values()) | {"id": EXPLANATIONS[UUID][1]}


def explain(
    body: bytes, few: bytes, error: ValidationError, registry: Registry, *, publishing: bool
) -> tuple[str | None, tuple[Problem, ...]]:
    """Name every problem of an event that isn't plainly one of a built-in type.

    Returns them after the event's type, which is None when it names no known one.
    `few` is the shortened body that models validate, and `error` their answer. There may be no
    problem: an event of an added type, or of a type with several versions, comes here because no
    single model stands for it.
    """
    value, problems = json_text.examine(body)
    if value is None and problems:
        return None, tuple(problems)
    if not isinstance(value, dict) or not value.keys() & {"event_type", "payload"}:
        return None, (*problems, _not_an_event(value))
    if "event_type" not in value and (what := seems_to_be(value)):
        message = f"this object is no event: it seems to be {what}"
        return None, (*problems, Problem(Rule.NOT_AN_EVENT, (), message))
    name = value.get("event_type")
    newest = registry.newest(name)
    if newest is None:
        problems += _envelope_problems(few, value)
        if isinstance(name, str):
            problems.append(_unknown_type(name, registry))
    else:
        selected, problem = registry.select(newest.name, value.get("version"))
        problems += [problem] if problem else []
        problems += _type_problems(few, value, selected, error)
    timestamp = value.get("timestamp")
    if isinstance(timestamp, str) and not any(each.where == ("timestamp",) for each in problems):
        problems += warnings(timestamp, newest, publishing=publishing)
    return newest.name if newest else None, tuple(problems)


def _type_problems(
    few: bytes, value: dict[str, Any], known: EventType | None, error: ValidationError
) -> list[Problem]:
    """Check an event by the version chosen for it; None: by its envelope alone."""
    if known is None:
        return _envelope_problems(few, value)
    if known.document is None or known.validator is None:
        tagged = [each for each in _lean(error) if each["type"] not in UNTAGGED]
        if tagged:  # the union has chosen this very model
            return _model_problems(tagged, value, skip_tag=True)
        return _model_problems(_errors_of(validator_of(known), few), value, skip_tag=False)
    problems = _envelope_problems(few, value)
    if isinstance(value.get("payload"), dict):
        from medtrack_cli.events.schemas import problems as document_problems

        only_first = is_too_long(few, 10 * MANY)  # the library takes quadratic time
        problems += document_problems.problems(
            known.document, known.validator, value["payload"], ("payload",), only_first=only_first
        )
    return problems


def _envelope_problems(few: bytes, value: dict[str, Any]) -> list[Problem]:
    return _model_problems(_errors_of(envelope_alone(), few), value, skip_tag=False)


def _lean(error: ValidationError) -> list[ErrorDetails]:
    # Without the input: it is personal data, and leaving it out is faster.
    return error.errors(include_url=False, include_input=False)


def _errors_of(validate: Validate, few: bytes) -> list[ErrorDetails]:
    try:
        validate(few)
    except ValidationError as error:
        return _lean(error)
    return []


def _not_an_event(value: object) -> Problem:
    if isinstance(value, dict):
        message = "this object is no event: it has neither event_type nor payload"
        what = seems_to_be(value)
        hint = f"it seems to be {what}" if what else IS_IT_BARE
        return Problem(Rule.NOT_AN_EVENT, (), message, hint)
    hint = retyped(value, ["an object"])
    message = f"an event is an object, this is {json_name(value)}"
    return Problem(
        Rule.NOT_AN_EVENT, (), message, hint or (_FILES if isinstance(value, str) else "")
    )


def _unknown_type(name: str, registry: Registry) -> Problem:
    known = registry.names
    # A text that is no type's name may be anything, even a person's address.
    named = f": {name}" if re.fullmatch("[a-z_]{1,40}[.][a-z_]{1,40}", name) else ""
    return Problem(
        Rule.UNKNOWN_EVENT_TYPE,
        ("event_type",),
        f"no such event type is known{named}",
        did_you_mean(name, known) or f"known types: {', '.join(known)}",
    )


def warnings(timestamp: str, known: EventType | None, *, publishing: bool) -> list[Problem]:
    """Find what is no error but should be fixed."""
    problems = []
    if not has_offset(timestamp):
        message = "timestamp has no offset and counts as UTC"
        problems.append(Problem(Rule.NAIVE_TIMESTAMP, ("timestamp",), message, "end it with Z"))
    if publishing and known and known.emitted_by_medtrack:
        message = f"{known.name} is emitted by MedTrack itself"
        problems.append(Problem(Rule.EMITTED_BY_MEDTRACK, ("event_type",), message))
    return problems


def _model_problems(
    details: Iterable[ErrorDetails], value: dict[str, Any], *, skip_tag: bool
) -> list[Problem]:
    """Turn pydantic's errors into problems; a missing field and a similar unknown one are one."""
    missing: list[Path] = []
    unknown: list[Path] = []
    problems: list[Problem] = []
    for detail in islice(details, json_text.MOST):
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
        found = _at(value, path)
        message = f"{name} must be {wanted}, not {json_name(found)}"
        return Problem(Rule.WRONG_TYPE, path, message, _with_format(name, retyped(found, [wanted])))
    return Problem(Rule.INVALID_VALUE, path, f"{name}: {detail['msg']}")


def _with_format(name: str, hint: str) -> str:
    """Add to quotes what has to be in them: `phone` and `student_id` name their format."""
    wanted = _WANTED.get(name.rpartition("_")[2]) if hint == "put it in quotes" else None
    return f"{hint}: {wanted}" if wanted else hint


def _at(value: Any, path: Path) -> object:  # noqa: ANN401 -- JSON
    for part in path:
        value = value[part]
    return value


def has_offset(timestamp: str) -> bool:
    """Return whether a well-formed timestamp has an offset."""
    return timestamp[-1] == "Z" or timestamp[-6] in "+-"
