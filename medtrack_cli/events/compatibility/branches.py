"""The branches of two schemas: which correspond, which were added and which removed."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from medtrack_cli.events.compatibility.changes import (
    BACKWARD,
    BOTH,
    FORWARD,
    ChangeRule,
    Difference,
    Place,
)
from medtrack_cli.events.compatibility.normal_form import (
    ANNOTATIONS,
    ORIGIN,
    Schema,
    as_schema,
    same,
    text,
)
from medtrack_cli.events.compatibility.value_differences import types
from medtrack_cli.events.schemas.references import mapped

_ALTERNATIVES = ("anyOf", "oneOf")
_MOST_SHOWN = 3
_LONGEST = 100  # characters of a branch, so that it fits on a line


def as_alternatives(place: Place) -> Place:
    """Treat a schema as the only alternative, where the other side has several."""
    old, new = place.old, place.new
    return place._replace(old=_alone(old, beside=new), new=_alone(new, beside=old))


def _alone(schema: Schema, *, beside: Schema) -> Schema:
    asked = {key: each for key, each in schema.items() if key not in ANNOTATIONS}
    if not asked or asked.keys() & {*_ALTERNATIVES}:
        return schema
    if "$ref" in asked and ORIGIN in schema:
        asked[ORIGIN] = schema[ORIGIN]
    for keyword in _ALTERNATIVES:
        if beside.keys() - ANNOTATIONS == {keyword}:
            words = {key: each for key, each in schema.items() if key not in asked}
            return {**words, keyword: [asked]}
    return schema


class Matched(NamedTuple):
    """The branches that correspond, though they may differ, and those that don't."""

    pairs: list[tuple[Any, Any]]
    gone: list[Any]
    came: list[Any]


def matched(place: Place, keyword: str) -> Matched:
    """Match the branches that are written alike, then the only ones of a type, then by order."""
    pairs, gone, came = [], [], list(place.new.get(keyword, ()))
    for old in place.old.get(keyword, ()):
        twin = next((index for index, new in enumerate(came) if same(old, new)), None)
        if twin is None:
            gone.append(old)
        else:
            pairs.append((old, came.pop(twin)))
    for kinds in dict.fromkeys(map(_types, gone)):
        olds, news = ([each for each in some if _types(each) == kinds] for some in (gone, came))
        if len(olds) == len(news) == 1:
            pairs.append((olds[0], news[0]))
            gone, came = ([each for each in some if _types(each) != kinds] for some in (gone, came))
    if len(gone) == len(came):
        return Matched([*pairs, *zip(gone, came, strict=True)], [], [])
    return Matched(pairs, gone, came)


def _types(branch: object) -> frozenset[str]:
    return types(as_schema(branch))


def more_or_less(place: Place) -> Iterator[Difference]:
    """Say that branches were added, or removed."""
    for keyword in ("allOf", *_ALTERNATIVES):
        pairs, gone, came = matched(place, keyword)
        if not (gone or came):
            continue
        rule, suspect = ChangeRule.CONSTRAINT_CHANGED, BOTH
        if keyword != "allOf" and pairs and not (gone and came):
            rule = ChangeRule.ALTERNATIVE_REMOVED if gone else ChangeRule.ALTERNATIVE_ADDED
            suspect = (BACKWARD if gone else FORWARD) if keyword == "anyOf" else BOTH
        said = [*(f"{_shown(each)} is gone" for each in gone)]
        said += (f"{_shown(each)} is new" for each in came)
        more = f" and {len(said) - _MOST_SHOWN} more" if len(said) > _MOST_SHOWN else ""
        message = f"in {keyword}, {', '.join(said[:_MOST_SHOWN])}{more}"
        counts = [len(each.get(keyword, ())) for each in (place.old, place.new)]
        refusal = keyword if keyword != "allOf" and min(counts) > 1 else ""
        yield place.differs(rule, refusal, suspect, message)


def _shown(branch: object) -> str:
    written = text(_plain(branch))
    return written if len(written) <= _LONGEST else f"{written[:_LONGEST]}…"


def _plain(schema: Any) -> Any:  # noqa: ANN401 -- JSON
    """Remove what we have added to a schema."""
    if not isinstance(schema, dict):
        return schema
    plain = mapped(schema, lambda _, part: _plain(part))
    return {key: each for key, each in plain.items() if key != ORIGIN}
