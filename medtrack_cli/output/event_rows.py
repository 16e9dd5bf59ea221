"""An event for people: its line, its findings, its body."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, Self

from rich.cells import cell_len, chop_cells
from rich.text import Text

from medtrack_cli.core.checked import CheckedDelivery, is_replayed
from medtrack_cli.core.listening.listen import Watched
from medtrack_cli.core.record import body_value
from medtrack_cli.core.trace import trace_id
from medtrack_cli.events.findings import Problem
from medtrack_cli.output.masking import (
    ShortIds,
    is_uuid,
    masked,
    masked_json,
    masked_key,
    masked_pointer,
    may_be_seen,
)
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.style import Marks

MAX_PARSED = 256 * 1024
"""Bytes of the largest body that is parsed; of a larger one only the size is shown."""

MAX_PRINTED = 64 * 1024
"""Characters of a body that are printed."""

MAX_VALUE = 40
"""Characters of one value on the line."""

MAX_FINDINGS = 5
"""Findings below one line; the others are counted."""

NARROW, WIDE = 60, 120
"""Narrower than the first, times are cut to seconds and ids have no names; from the second on, the
service has a column of its own.
"""

LEAST_SERVICE = 8
"""Columns that a service needs after ids; with fewer it is left out."""


def family_colour(name: str) -> str:
    """Give the colour of a type's family; unknown types have a family, too."""
    return _colours().get(name.partition(".")[0], "default")


@cache
def _colours() -> dict[str, str]:
    from medtrack_cli.events.registry import event_types

    return {name.partition(".")[0]: each.colour for name, each in event_types().items()}


class Look(NamedTuple):
    """How events are shown. `width` None: lines are not cut, nor ids shortened."""

    width: int | None
    body: bool
    reveal: bool
    local_time: bool
    marks: Marks
    trace: bool = False  # its whole id below the line
    shorten: Callable[[str], str] = str  # cuts an id, or leaves it whole

    @classmethod
    def of(cls, watched: Watched, marks: Marks) -> Self:
        """Show events as they are watched, but without their bodies and traces."""
        shorten = str if watched.trace else ShortIds()
        look = cls(None, False, watched.reveal, watched.local_time, marks)  # noqa: FBT003
        return look._replace(shorten=shorten)

    @property
    def is_narrow(self) -> bool:
        return self.width is not None and self.width < NARROW


def event_lines(seen: CheckedDelivery, look: Look) -> Iterator[Text]:
    """Give a delivery's line, then its trace, findings and body as far as wanted.

    No line is wider than the look's width, and all foreign text is made safe.
    """
    body = seen.body
    value = None if len(body) > MAX_PARSED else body_value(seen)
    is_json = value is not None
    event = value if isinstance(value, dict) else None
    notes = _notes(seen, look)
    room = None if look.width is None else max(look.width - notes.cell_len, look.width // 2)
    line = _head(seen, look)
    left = None if room is None else room - line.cell_len
    line.append_text(_details(seen, event, look, left))
    yield _cut(_cut(line, look._replace(width=room)).append_text(notes), look)
    if look.trace and (trace := trace_id(seen.delivery.headers.get("traceparent"))):
        yield _cut(Text.assemble("    ", ("trace", "dim"), f" {trace}"), look)
    if not seen.is_valid:
        yield from (_cut(each, look) for each in finding_lines(seen.problems, look))
    if look.body and is_json:
        shown = value if look.reveal else masked_json(value)
        yield from _printed(json.dumps(shown, indent=2, ensure_ascii=False), look)
    elif look.reveal and event is None:
        text = body.decode("utf-8", "backslashreplace")
        yield from _printed(text if look.body else safe_text(text[:MAX_VALUE]), look)


def _head(seen: CheckedDelivery, look: Look) -> Text:
    """Begin with the time, the mark and the routing key."""
    time = clock_time(seen.delivery.received_at, look)
    mark, colour = _mark(seen, look.marks)
    key = routing_key(seen.delivery.routing_key, reveal=look.reveal)
    return Text.assemble(
        (time[:8] if look.is_narrow else time, "dim"),
        " ",
        (mark, colour),
        " ",
        (key if look.is_narrow else f"{key:<18}", f"bold {family_colour(key)}"),
    )


def clock_time(moment: datetime, look: Look) -> str:
    """Write a time of day to the millisecond, in UTC with a Z or in local time."""
    if look.local_time:
        return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]
    return moment.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3] + "Z"


def routing_key(key: str, *, reveal: bool) -> str:
    """Show a routing key, or an event type; one that can't be a type's name is masked."""
    return safe_text(key if reveal else masked("routing_key", key))


def _mark(seen: CheckedDelivery, marks: Marks) -> tuple[str, str]:
    if not seen.is_valid:
        return marks.invalid, "bold red"
    return (marks.doubtful, "yellow") if seen.problems else (marks.valid, "green")


def _details(
    seen: CheckedDelivery,
    event: dict[str, Any] | None,
    look: Look,
    room: int | None,
) -> Text:
    """Give the service and what the payload says, cut to leave room for names and a trace."""
    delivery = seen.delivery
    if event is None:
        kind = delivery.properties.get("content_type")
        shown = _value("content_type", str(kind), look) if kind else "no content type"
        return Text(f" {len(delivery.body):,} bytes, {shown}")
    name = event.get("service")
    service = _value("service", name, look) if isinstance(name, str) else ""
    is_wide = look.width is None or look.width >= WIDE
    column = Text(f" {service:<29}" if is_wide else f" {service}", "dim")
    facts = list(_facts(seen, event.get("payload"), look))
    needed = sum(1 + cell_len(fact.named) for fact in facts)
    if is_wide and room is not None:
        is_wide = not needed <= room < needed + column.cell_len
        room -= is_wide * column.cell_len
    said = Text.assemble(*_fitting(facts, room, look))
    trace = None if look.trace else trace_id(delivery.headers.get("traceparent"))
    shown = f" trace={trace if look.width is None else look.shorten(trace)}" if trace else ""
    if room is None or said.cell_len + len(shown) <= room:
        said.append(shown)
    if is_wide:
        return Text.assemble(column, said)
    has_room = room is None or room - said.cell_len >= min(LEAST_SERVICE, column.cell_len)
    return said.append_text(column) if has_room else said


def _notes(seen: CheckedDelivery, look: Look) -> Text:
    """Name what is unusual; it ends the line and is never cut.

    On a narrow line a warning is only its mark.
    """
    has_room = seen.is_valid and not look.is_narrow
    notes = [problem.rule.value for problem in seen.problems if has_room]
    if seen.delivery.redelivered:
        notes.append("redelivered")
    if is_replayed(seen.delivery):
        notes.append("replayed")
    return Text("".join(f" ({note})" for note in notes), "yellow")


class _Fact(NamedTuple):
    named: str
    bare: str  # the same, except for ids and dates: they may lose their names
    style: str
    rank: int  # the lower, the longer it keeps its name


def _fitting(facts: Sequence[_Fact], room: int | None, look: Look) -> Iterator[tuple[str, str]]:
    """Name as many as fit, in columns; on narrow lines leave out names that are obvious."""
    texts = [fact.named if room is None else fact.bare for fact in facts]
    left = (room or 0) - sum(1 + cell_len(text) for text in texts)
    for place, fact in sorted(enumerate(facts), key=lambda each: each[1].rank):
        if (more := cell_len(fact.named) - cell_len(texts[place])) <= left and not look.is_narrow:
            texts[place], left = fact.named, left - more
    for text, fact in zip(texts, facts, strict=True):
        yield f" {text}", fact.style


def _facts(seen: CheckedDelivery, payload: object, look: Look) -> Iterator[_Fact]:
    """Give `name=value` for all that may be shown: ids, score, role, dates, names of fields."""
    family = str(seen.event_type).partition(".")[0]
    for name, value in payload.items() if isinstance(payload, dict) else ():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        if isinstance(value, dict) or value is None:
            continue
        items = value if isinstance(value, list) else [value]
        if not look.reveal and not all(may_be_seen(name, str(item)) for item in items):
            continue
        is_id, is_date = is_uuid(text), name.endswith("_date")
        if is_id and look.width is not None:
            text = look.shorten(text)
        key = name if look.reveal else masked_key(name)
        label = key.removesuffix("_id") if is_id else key.removesuffix("_date")
        named = f"{_short(label)}={_short(text)}"
        style = "bold" if isinstance(value, int | float) else ""
        bare = _short(text) if is_id or is_date else named
        yield _Fact(named, bare, style, _rank(label, family, is_date=is_date))


def _rank(label: str, family: str, *, is_date: bool) -> int:
    """Rank a value by how well it is known without its name: a date by its form, a student not."""
    if is_date or label == family:  # of this type itself
        return 3 if is_date else 2
    return 0 if label == "student" else 1


def errors_first(problems: Sequence[Problem]) -> list[Problem]:
    """Put warnings after errors."""
    return sorted(problems, key=lambda problem: problem.rule.is_warning)


def rule_colour(problem: Problem) -> str:
    """Choose the colour of a rule's name."""
    return "yellow" if problem.rule.is_warning else "red"


def in_words(problem: Problem) -> str:
    """Say where something is wrong, and what; it follows the rule's name."""
    place = f" at {safe_text(masked_pointer(problem.pointer))}" if problem.pointer else ""
    hint = f" ({safe_text(problem.suggestion)})" if problem.suggestion else ""
    return f"{place}: {safe_text(problem.message)}{hint}"


def finding_lines(problems: Sequence[Problem], look: Look) -> Iterator[Text]:
    """Say what is wrong, a line each."""
    ordered = errors_first(problems)
    for problem in ordered[:MAX_FINDINGS]:
        yield Text.assemble("    ", (problem.rule, rule_colour(problem)), in_words(problem))
    if (more := len(ordered) - MAX_FINDINGS) > 0:
        yield Text(f"    {look.marks.ellipsis} and {more:,} more findings", "dim")


def _printed(text: str, look: Look) -> Iterator[Text]:
    """Break a body into lines of the look's width, and say what is left out."""
    for line in text[:MAX_PRINTED].split("\n"):
        safe = safe_text(line)
        pieces = chop_cells(safe, max(look.width - 4, 2)) if look.width else [safe]
        for piece in pieces or [""]:
            yield Text(f"    {piece}")
    if len(text) > MAX_PRINTED:
        yield Text(f"    {look.marks.ellipsis} {len(text) - MAX_PRINTED:,} characters more", "dim")


def _cut(line: Text, look: Look) -> Text:
    line.rstrip()
    if look.width is not None and line.cell_len > look.width:
        line.truncate(look.width - 1, overflow="crop")
        line.append(look.marks.ellipsis)
    return line


def _value(field: str, value: str, look: Look) -> str:
    return _short(value if look.reveal else masked(field, value))


def _short(text: str) -> str:
    text = safe_text(text)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
