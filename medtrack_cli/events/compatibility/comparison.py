"""The comparison of two schemas: an answer for each direction, and a proof for each break."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, islice
from typing import Any, NamedTuple

from jsonschema_rs import CanonicalSchema, ValidationError, canonical, canonicalize

from medtrack_cli.events.compatibility.boundaries import clues
from medtrack_cli.events.compatibility.changes import (
    ANY_KEY,
    Answer,
    ChangeRule,
    Difference,
    Direction,
)
from medtrack_cli.events.compatibility.differences import differences
from medtrack_cli.events.compatibility.folding import folded
from medtrack_cli.events.compatibility.instances import values
from medtrack_cli.events.compatibility.normal_form import Schema, inlined, reader, refers, writer
from medtrack_cli.events.findings import Path, json_pointer
from medtrack_cli.events.schemas import documents

MOST_EVENTS = 20_000
"""The most events tried for one direction."""

MOST_EVENTS_OF_A_PROOF = 500


@dataclass(frozen=True, slots=True)
class Change:
    """One change between two versions of a schema.

    `pointer` leads into the event: `*` stands for any field without a name, 0 for any item of a
    list. `witnesses` holds, for each broken direction, an event that one side sends and the other
    refuses; `undecided` the directions in which a break was neither found nor ruled out.
    """

    rule: ChangeRule
    pointer: str
    message: str
    witnesses: Mapping[Direction, Any]
    undecided: frozenset[Direction] = frozenset()

    @property
    def breaks(self) -> frozenset[Direction]:
        return frozenset(self.witnesses)

    @property
    def witness(self) -> Any | None:  # noqa: ANN401 -- JSON
        return next(iter(self.witnesses.values()), None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the change from one version of a schema to another means."""

    backward: Answer
    forward: Answer
    changes: tuple[Change, ...]

    @property
    def full(self) -> Answer:
        answers = {self.backward, self.forward}
        if Answer.NO in answers:
            return Answer.NO
        return Answer.UNDECIDED if Answer.UNDECIDED in answers else Answer.YES

    def deploy_first(self, change: Change) -> str:
        """Say which side must have the new version everywhere before the other.

        Empty when the change breaks nobody, or when no order is known to help.
        """
        who, other = {
            frozenset({Direction.BACKWARD}): ("writers", self.forward),
            frozenset({Direction.FORWARD}): ("readers", self.backward),
        }.get(change.breaks, ("", Answer.NO))
        return who if other is Answer.YES else ""


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    """Compare two JSON Schemas 2020-12 of an event, or of a payload.

    Raises ValueError when one of them can't be compiled.
    """
    for each in (old, new):
        documents.compiled(dict(each))
    before, after = inlined(old), inlined(new)
    found = list(differences(folded(before), folded(after)))
    backward = _judge(found, Direction.BACKWARD, sent=before, read=after)
    forward = _judge(found, Direction.FORWARD, sent=after, read=before)
    changes = [_change(index, each, backward, forward) for index, each in enumerate(found)]
    changes += [*backward.elsewhere, *forward.elsewhere]
    return Comparison(backward.answer, forward.answer, tuple(changes))


class _Judgement(NamedTuple):
    """The answer for one direction; witnesses and doubts by the index of a difference.

    `elsewhere` holds a break that no difference explains.
    """

    direction: Direction
    answer: Answer
    witnesses: Mapping[int, Any] = {}
    undecided: frozenset[int] = frozenset()
    elsewhere: tuple[Change, ...] = ()


def _change(index: int, difference: Difference, *judgements: _Judgement) -> Change:
    return Change(
        difference.rule,
        json_pointer(difference.path),
        difference.message,
        {each.direction: each.witnesses[index] for each in judgements if index in each.witnesses},
        frozenset(each.direction for each in judgements if index in each.undecided),
    )


def _judge(
    found: list[Difference], direction: Direction, *, sent: Schema, read: Schema
) -> _Judgement:
    closed, opened = writer(sent), reader(read)
    suspects = {index: each for index, each in enumerate(found) if direction in each.suspect}
    # The library's proof is tried too, though on fewer events: the library is young.
    proven = not suspects or _covers(opened, closed)
    limit = MOST_EVENTS_OF_A_PROOF if proven else MOST_EVENTS
    tried = islice(_events(closed, opened, sent, read), limit)
    witnesses, elsewhere = _witnesses(suspects, closed, opened, tried)
    if proven and not (witnesses or elsewhere):
        return _Judgement(direction, Answer.YES)
    left = {index: each for index, each in suspects.items() if index not in witnesses}
    doubtful = frozenset(index for index, each in left.items() if not _clear(each, direction))
    if witnesses or elsewhere:
        stray = tuple(_stray(direction, *each) for each in elsewhere[:1] if not witnesses)
        return _Judgement(direction, Answer.NO, witnesses, doubtful, stray)
    return _Judgement(direction, Answer.UNDECIDED, undecided=doubtful or frozenset(suspects))


def _clear(difference: Difference, direction: Direction) -> bool:
    """Return whether a difference can't break anybody, whatever is around it."""
    sent, read = difference.old, difference.new
    if direction is Direction.FORWARD:
        sent, read = read, sent
    return _covers(reader(read), writer(sent))


def _covers(wide: Schema, narrow: Schema) -> bool:
    try:
        return _canonical(wide).covers(_canonical(narrow)) == canonical.Containment.YES
    except (ValueError, ValidationError):
        return False


def _canonical(schema: Schema) -> CanonicalSchema:
    """Convert to the form that the library reasons about.

    ValueError where references are left: with these it gives up, or computes for ever.
    """
    if refers(schema):
        raise ValueError
    return canonicalize(schema, validate_formats=True, offline=True)


def _events(closed: Schema, opened: Schema, sent: Schema, read: Schema) -> Iterator[Any]:
    """Make events to try: from what the library says is lost, then values near every limit."""
    try:
        difference = _canonical(closed).subtract(_canonical(opened)).to_json_schema()
        lost = json.loads(json.dumps(difference, default=float))  # it contains Decimals
    except (ValueError, ValidationError):
        lost = False
    few = islice(values(lost, clues(sent, read)), MOST_EVENTS // 10)
    return chain(few, values(closed, clues(sent, read)))


class _Refusal(NamedTuple):
    """An event that a writer sends and a reader refuses, with the places of the refusal."""

    event: Any
    places: frozenset[tuple[Path, str]]


def _witnesses(
    suspects: Mapping[int, Difference], closed: Schema, opened: Schema, tried: Iterator[Any]
) -> tuple[dict[int, Any], list[_Refusal]]:
    """Find an event for each suspect, refused for as little else as possible; and further ones."""
    causes_of = cache(partial(_causes, suspects))
    best: dict[int, _Refusal] = {}
    elsewhere: list[_Refusal] = []
    for refusal in _refusals(closed, opened, tried):
        causes = frozenset().union(*(causes_of(*place) for place in refusal.places))
        for index in causes:
            if index not in best or len(refusal.places) < len(best[index].places):
                best[index] = refusal
        if not causes:
            elsewhere.append(refusal)
        if len(best) == len(suspects) and all(len(each.places) == 1 for each in best.values()):
            break
    return {index: each.event for index, each in best.items()}, elsewhere


def _refusals(closed: Schema, opened: Schema, tried: Iterator[Any]) -> Iterator[_Refusal]:
    try:
        sends, reads = documents.compiled(closed), documents.compiled(opened)
    except ValueError:  # a reference that leads nowhere once others are inlined: in doubt
        return
    for event in tried:
        if sends.is_valid(event) and not reads.is_valid(event):
            yield _Refusal(event, frozenset(_places(reads.iter_errors(event))))


def _places(errors: Iterable[ValidationError]) -> Iterator[tuple[Path, str]]:
    for error in errors:
        path, kind = tuple(error.instance_path), error.kind.as_dict()
        missing = (kind["property"],) if error.kind.name == "required" else ()
        yield (*path, *missing), error.kind.name
        for branch in kind.get("context", ()):
            yield from _places(branch)


def _causes(suspects: Mapping[int, Difference], path: Path, keyword: str) -> frozenset[int]:
    """Find the differences that explain a refusal: by its keyword, or else by its place."""
    leading = {index: each for index, each in suspects.items() if _leads_to(each.path, path)}
    exact = frozenset(
        index
        for index, each in leading.items()
        if each.keyword == keyword and len(each.path) == len(path)
    )
    around = {index: len(each.path) for index, each in leading.items() if not each.keyword}
    nearest = max(around.values(), default=0)
    return exact or frozenset(index for index, depth in around.items() if depth == nearest)


def _leads_to(pattern: Path, path: Path) -> bool:
    """Return whether a path is at or below a difference's."""
    return len(pattern) <= len(path) and all(
        step in {ANY_KEY, found} or (isinstance(step, int) and isinstance(found, int))
        for step, found in zip(pattern, path, strict=False)
    )


def _stray(direction: Direction, event: Any, places: frozenset[tuple[Path, str]]) -> Change:  # noqa: ANN401
    path = min((path for path, _ in places), key=len, default=())
    message = "taken together, the changes make readers refuse what writers send"
    return Change(ChangeRule.CONSTRAINT_CHANGED, json_pointer(path), message, {direction: event})
