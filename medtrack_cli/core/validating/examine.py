"""Examine events as they are read: complete them where asked, check them, place the findings."""

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from medtrack_cli.core.delivery import key_problem
from medtrack_cli.core.items import Item
from medtrack_cli.errors import UsageError
from medtrack_cli.events import overrides as paths
from medtrack_cli.events.check import Judge, Verdict, check, quick_check
from medtrack_cli.events.explain import IS_IT_BARE
from medtrack_cli.events.findings import Finding, Problem, Rule
from medtrack_cli.events.json_text import examine as parse
from medtrack_cli.events.names import ENVELOPE_FIELDS
from medtrack_cli.events.overrides import Setting
from medtrack_cli.events.registry import Registry, built_in
from medtrack_cli.suggestions import payload_of


class Examined(NamedTuple):
    """One event of the input. `body` is what would be sent, None when there is nothing to send."""

    item: Item
    body: bytes | None
    event_type: str | None
    findings: tuple[Finding, ...] = ()
    filled: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        return not self.findings or not any(finding.is_error for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Completion:
    """What events are checked against, and how incomplete ones are completed.

    A bare payload is wrapped when `event_type` is given. With `now`, a missing `service`,
    `timestamp` or `version` is filled in, `service` only when there is a value for it.
    """

    event_type: str | None = None
    service: str | None = None
    now: Callable[[], str] | None = None
    registry: Registry = field(default_factory=built_in)
    settings: tuple[Setting, ...] = ()  # what --set changes in every event

    @property
    def adds_nothing(self) -> bool:
        return self.event_type is None and self.now is None and not self.settings

    def missing(self, event: Mapping[str, Any]) -> dict[str, str]:
        """Give the envelope's fields that this fills in, with their values."""
        if self.now is None:
            return {}
        known = self.registry.newest(event.get("event_type"))
        defaults = {
            "service": self.service,
            "timestamp": self.now(),
            "version": known.version if known else None,
        }
        return {name: text for name, text in defaults.items() if text and name not in event}


NOTHING_TO_ADD = Completion()

WRAPPING = {"service": "medtrack", "timestamp": "1970-01-01T00:00:00Z"}
"""The envelope in which a bare payload is checked when nothing else fills it."""


class Completed(NamedTuple):
    """A completed event; `depth` is how deep the source's object is in it."""

    body: bytes
    filled: tuple[str, ...]
    depth: int
    duplicates: tuple[Problem, ...]


def examine(
    items: Iterable[Item],
    completion: Completion = NOTHING_TO_ADD,
    *,
    publishing: bool = False,
    judge: Judge | None = None,
) -> Iterator[Examined]:
    """Examine events lazily, one for one, in order; `judge` stands in for the quick check.

    A setting that doesn't fit is a typo, and a UsageError, unless it has fitted an earlier event:
    then it is this event's finding.
    """
    registry, wanted = completion.registry, completion.event_type
    sets, has_fitted = bool(completion.settings), False
    quick = judge or quick_check(registry, publishing)
    for item in items:
        body = item.body
        if body is None:
            yield Examined(item, None, None, item.findings)
            continue
        verdict = quick(body) or check(body, registry, publishing=publishing)
        event_type = verdict.event_type
        is_other = wanted is not None and wanted != event_type
        key = item.recorded and key_problem(item.recorded, event_type)
        if not (verdict.problems or item.findings or is_other or sets or key):
            yield Examined(item, body, event_type)
            continue
        try:
            closer = _examine_closely(item, verdict, completion, publishing=publishing)
            has_fitted = sets
        except UsageError as misfit:
            if not has_fitted:
                raise
            problem = Problem(Rule.UNKNOWN_FIELD, (), f"--set: {misfit.message}", misfit.hint)
            closer = Examined(item, body, event_type, (place(item, problem),))
        yield closer


def _examine_closely(
    item: Item, verdict: Verdict, completion: Completion, *, publishing: bool
) -> Examined:
    body: bytes = item.body or b""
    is_whole = verdict.is_valid and not completion.settings
    completed = None if is_whole else _complete(body, completion)
    findings = list(item.findings)
    depth = 0
    filled: tuple[str, ...] = ()
    if completed is not None:
        body, filled, depth, duplicates = completed
        findings += [place(item, each) for each in duplicates]
        verdict = check(body, completion.registry, publishing=publishing)
    unmade = {each.pointer for each in item.findings if each.rule is Rule.INVALID_VALUE}
    helped = (_helped(each, item, completion, publishing=publishing) for each in verdict.problems)
    placed = (place(item, each, depth) for each in helped)
    findings += [each for each in placed if each.pointer not in unmade]
    if completion.event_type and verdict.event_type not in {None, completion.event_type}:
        findings.append(place(item, _other_type(completion.event_type), depth))
    if problem := key_problem(item.recorded, verdict.event_type):
        findings.append(place(item, problem, depth))
    findings.sort(key=lambda finding: (finding.span.line, finding.span.column))
    return Examined(item, body, verdict.event_type, tuple(dict.fromkeys(findings)), filled)


def _helped(problem: Problem, item: Item, completion: Completion, *, publishing: bool) -> Problem:
    """Add how to name a bare payload's type, and to fill in a service.

    The service is the only field that isn't filled in unless it is configured.
    """
    if problem.suggestion == IS_IT_BARE:
        fields = {each.name: [f.name for f in each.fields] for each in completion.registry}
        name = payload_of(parse(item.body or b"")[0], fields) or "TYPE"
        source = f"-f {shlex.quote(item.file)}" if Path(item.file).is_file() else "-d JSON"
        way = f"publish {name} {source}" if publishing else f"--as {name}"
        return replace(problem, suggestion=f"is it a bare payload? then name its type: {way}")
    if completion.now and (problem.rule, problem.where) == (Rule.MISSING_FIELD, ("service",)):
        hint = "--service NAME fills it in, or `service: NAME` in the configuration"
        return replace(problem, suggestion=hint)
    return problem


def _other_type(wanted: str) -> Problem:
    message = f"event_type differs from the routing key asked for, {wanted}"
    return Problem(Rule.ROUTING_KEY_MISMATCH, ("event_type",), message)


def place(item: Item, problem: Problem, depth: int = 0) -> Finding:
    """Find a problem's place in the source; the item is `depth` levels deep in the event."""
    where = problem.where
    if depth and not isinstance(where, int):
        where = where[depth:]
    span = item.span(where, problem.at)
    said = (problem.message, problem.suggestion)
    return Finding(problem.rule, item.file, span, problem.pointer, *said)


def _complete(body: bytes, completion: Completion) -> Completed | None:
    """Wrap and fill an event; None when there is nothing to add or it can't be read."""
    if completion.adds_nothing:
        return None
    value, problems = parse(body)
    if not isinstance(value, dict):
        return None
    is_bare = not value.keys() & {"event_type", "payload"}
    event: dict[str, Any] = value
    if completion.event_type and is_bare:
        event = {"event_type": completion.event_type, "payload": value}
    elif completion.event_type and "event_type" not in value:
        event = {**value, "event_type": completion.event_type}
    filled = completion.missing(event)
    known = completion.registry.newest(event.get("event_type"))
    if is_bare and event is not value and completion.now is None:
        # A payload can't lack what only its envelope has.
        filled = {**WRAPPING, "version": known.version if known else "1.0", **filled}
    if not (filled or completion.settings) and event is value:
        return None
    depth = 1 if event is not value and is_bare else 0
    whole = event | filled
    if completion.settings:
        paths.checked_for(whole, completion.settings, completion.registry)
        whole = paths.changed(whole, completion.settings, completion.registry)
    return Completed(compact(whole), tuple(filled), depth, tuple(problems))


def compact(event: Mapping[str, Any]) -> bytes:
    """Write an event as compact JSON, its envelope in order, unknown fields last."""
    ordered = {name: event[name] for name in ENVELOPE_FIELDS if name in event}
    return json.dumps(
        {**ordered, **event}, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()
