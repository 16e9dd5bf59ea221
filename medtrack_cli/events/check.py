"""The one validation that all commands share: from an event's JSON bytes to its problems.

A valid event costs one pass in Rust. Only an event that fails, or that might hide a duplicate key,
is read again by the strict parser of `json_text`.
"""

from codecs import BOM_UTF8
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from pydantic_core import ValidationError

from medtrack_cli.events import json_text
from medtrack_cli.events.event_type import EventType
from medtrack_cli.events.explain import explain, has_offset, warnings
from medtrack_cli.events.findings import WARNINGS, Problem
from medtrack_cli.events.json_text import MAX_BODY
from medtrack_cli.events.names import ENVELOPE_FIELDS
from medtrack_cli.events.registry import Registry, built_in
from medtrack_cli.events.shortening import LARGE, is_too_long, shortened

_QUOTE, _BACKSLASH = b'"\\'  # as numbers: a byte is found faster than bytes


class Verdict(NamedTuple):
    """The result of the check. `event_type` is None when the event names no known one."""

    event_type: str | None
    problems: tuple[Problem, ...] = ()

    @property
    def is_valid(self) -> bool:
        return not any(problem.rule not in WARNINGS for problem in self.problems)


Judge = Callable[[bytes], Verdict | None]
"""Gives the verdict on an event without any problem, and none on others, which need a closer look.
"""


def check(body: bytes, registry: Registry | None = None, *, publishing: bool = False) -> Verdict:
    """Check one event against a registry, by default the built-in one.

    `publishing` adds the warning for types that MedTrack itself emits.
    """
    known = registry or built_in()
    quick = quick_check(known, publishing)
    return quick(body) or _closer_look(body, known, quick, publishing=publishing)


class QuickCheck:
    """The quick half of `check`: a verdict only on an event without any problem.

    What its model has refused is remembered until the next: it is asked about again by those
    who look closer.
    """

    def __init__(self, registry: Registry, *, publishing: bool) -> None:
        self._validate = registry.validate_json
        self._facts = {
            name: each
            for name, each in _facts(registry).items()
            if not (publishing and each.emitted_by_medtrack)
        }
        self._refused: tuple[bytes, ValidationError | None] = b"", None

    def __call__(self, body: bytes) -> Verdict | None:
        is_large = len(body) > LARGE and (len(body) > MAX_BODY or is_too_long(body))
        if is_large or body == self._refused[0]:
            return None
        try:
            event = self._validate(body)
        except ValidationError as error:
            self._refused = body.rstrip(b" \t\r\n"), error.with_traceback(None)
            return None
        known = self._facts.get(event["event_type"])
        if known is None or _BACKSLASH in body or event["version"] != known.version:
            return None
        quotes, timestamp = body.count(_QUOTE), event["timestamp"]
        has_no_double = quotes == known.certain_quotes or quotes == known.quotes(event)
        is_sure = has_no_double and (timestamp[-1] == "Z" or has_offset(timestamp))
        return known.valid if is_sure else None

    def validated(self, body: bytes) -> Any:  # noqa: ANN401 -- one of the registry's models
        """Have the model read an event, or raise what it has said of it: ValidationError."""
        if self._refused[1] is not None and body == self._refused[0]:
            raise self._refused[1].with_traceback(None)  # no local name: its frame would keep it
        return self._validate(body)


@cache
def quick_check(registry: Registry, publishing: bool = False) -> QuickCheck:  # noqa: FBT001, FBT002
    """Make the quick half of `check`: it gives a verdict only for an event without any problem."""
    return QuickCheck(registry, publishing=publishing)


def _closer_look(
    body: bytes, registry: Registry, quick: QuickCheck, *, publishing: bool
) -> Verdict:
    """Find every problem, including those that the model can't see; there may be none."""
    if len(body) > MAX_BODY:
        return Verdict(None, tuple(json_text.examine(body)[1]))
    few = body.removeprefix(BOM_UTF8)
    if is_too_long(few):
        value, problems = json_text.examine(body)
        if value is None:
            return Verdict(None, tuple(problems))
        few = shortened(value, registry)
    try:
        event = quick.validated(few)
    except ValidationError as error:
        return Verdict(*explain(body, few, error, registry, publishing=publishing))
    return _second_look(body, event, registry, publishing=publishing)


class _Facts(NamedTuple):
    """What the fast path knows about a type.

    pydantic can't see a duplicate key; but a valid event has a known number of quotes when no
    string contains a backslash, and a duplicate adds at least two.
    """

    version: str
    emitted_by_medtrack: bool
    certain_quotes: int
    optional_fields: tuple[tuple[str, int], ...]
    list_fields: tuple[str, ...]
    valid: Verdict

    def quotes(self, event: Any) -> int:  # noqa: ANN401 -- one of the registry's models
        count = self.certain_quotes
        for name in self.list_fields:
            count += 2 * len(event["payload"].get(name, ()))
        for name, quotes in self.optional_fields:
            count += quotes * (name in event["payload"])
        return count


@cache
def _facts(registry: Registry) -> dict[str, _Facts]:
    """Describe the types whose fields are all texts, numbers and lists of texts."""
    return {
        each.name: _facts_of(each)
        for each in registry
        if each.document is None and all(f.quotes is not None for f in each.fields)
    }


def _facts_of(event_type: EventType) -> _Facts:
    envelope = 2 * (len(ENVELOPE_FIELDS) + 4)  # quotes of its keys and texts
    return _Facts(
        version=event_type.version,
        emitted_by_medtrack=event_type.emitted_by_medtrack,
        certain_quotes=envelope + sum(2 + (f.quotes or 0) for f in event_type.fields if f.required),
        optional_fields=tuple(
            (f.name, 2 + (f.quotes or 0)) for f in event_type.fields if not f.required
        ),
        list_fields=tuple(f.name for f in event_type.fields if f.kind.startswith("list")),
        valid=Verdict(event_type.name),
    )


def _second_look(body: bytes, event: Any, registry: Registry, *, publishing: bool) -> Verdict:  # noqa: ANN401
    """Look for what the model can't see in an event that it accepts."""
    name = event["event_type"]
    value, problems = json_text.examine(body)
    if value is not None:
        selected = registry.select(name, event["version"])
        if selected.problem is not None:
            problems.append(selected.problem)
        problems += warnings(event["timestamp"], registry.newest(name), publishing=publishing)
    return Verdict(name, tuple(problems))
