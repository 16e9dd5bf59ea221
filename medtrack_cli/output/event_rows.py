"""An event for people: the one line about it, its findings, its body."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from rich.cells import cell_len, chop_cells
from rich.text import Text

from medtrack_cli.core.checked import CheckedDelivery, is_replayed
from medtrack_cli.core.record import body_value
from medtrack_cli.events.findings import WARNINGS, Problem, json_pointer
from medtrack_cli.output.marks import Marks
from medtrack_cli.output.masking import (
    is_uuid,
    masked,
    masked_json,
    masked_key,
    masked_pointer,
    may_be_seen,
)
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.short_ids import ShortIds

MAX_PARSED = 256 * 1024
"""Bytes of a body that is looked into; a larger one is shown as its size."""

MAX_PRINTED = 64 * 1024
"""Characters of a body that are printed."""

MAX_VALUE = 40
"""Characters of one value on the line."""

MAX_FINDINGS = 5
"""Findings below one line; the others are counted."""

NARROW, WIDE = 60, 120
"""Columns below which times are cut to seconds and ids never have names; from which the service
has a column of its own."""


def family_colour(name: str) -> str:
    """Give the colour of a type's family, to which a type belongs that isn't known, too."""
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

    @property
    def is_narrow(self) -> bool:
        return self.width is not None and self.width < NARROW


def event_lines(seen: CheckedDelivery, look: Look, shorten: ShortIds) -> Iterator[Text]:
    """Give the line of a delivery, then its findings, then its body if that is wanted.

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
    line.append_text(_details(seen, event, look, shorten, left))
    yield _cut(_cut(line, look._replace(width=room)).append_text(notes), look)
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
    """Write a time of day to the millisecond, in UTC with a Z, or as the wall clock here has it."""
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
    shorten: ShortIds,
    room: int | None,
) -> Text:
    """Give the service and what the payload says; ids lose their names where they leave no room."""
    delivery = seen.delivery
    if event is None:
        kind = delivery.properties.get("content_type")
        shown = _value("content_type", str(kind), look) if kind else "no content type"
        return Text(f" {len(delivery.body):,} bytes, {shown}")
    name = event.get("service")
    service = _value("service", name, look) if isinstance(name, str) else ""
    is_wide = look.width is None or look.width >= WIDE
    column = Text(f" {service:<29}" if is_wide else f" {service}", "dim")
    facts = list(_facts(event.get("payload"), look, shorten))
    needed = is_wide * column.cell_len + sum(1 + cell_len(fact.named) for fact in facts)
    if is_wide and room is not None and needed > room >= needed - column.cell_len:
        is_wide, needed = False, needed - column.cell_len  # the service gives way to names
    is_bare = look.is_narrow or (room is not None and needed > room)
    said = Text.assemble(
        *((f" {fact.bare if is_bare else fact.named}", fact.style) for fact in facts)
    )
    return Text.assemble(column, said) if is_wide else Text.assemble(said, column)


def _notes(seen: CheckedDelivery, look: Look) -> Text:
    """Name what is out of the ordinary; it ends the line, whatever has to be cut before it.

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
    bare: str  # the same, save for ids: they lose their names
    style: str


def _facts(payload: object, look: Look, shorten: ShortIds) -> Iterator[_Fact]:
    """Give `name=value` for all that may be seen: ids, score, role, dates, names of fields."""
    for name, value in payload.items() if isinstance(payload, dict) else ():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        if isinstance(value, dict) or value is None:
            continue
        items = value if isinstance(value, list) else [value]
        if not look.reveal and not all(may_be_seen(name, str(item)) for item in items):
            continue
        is_id = is_uuid(text)
        if is_id and look.width is not None:
            text = shorten(text)
        key = name if look.reveal else masked_key(name)
        label = key.removesuffix("_id") if is_id else key.removesuffix("_date")
        named = f"{_short(label)}={_short(text)}"
        style = "bold" if isinstance(value, int | float) else ""
        yield _Fact(named, text if is_id else named, style)


def finding_lines(problems: tuple[Problem, ...], look: Look) -> Iterator[Text]:
    """Say what is wrong, a line each; warnings after errors."""
    ordered = sorted(problems, key=lambda problem: problem.rule in WARNINGS)
    for problem in ordered[:MAX_FINDINGS]:
        where = problem.where
        pointer = "" if isinstance(where, int) else json_pointer(where)
        place = f" at {safe_text(masked_pointer(pointer))}" if pointer else ""
        hint = f" ({safe_text(problem.suggestion)})" if problem.suggestion else ""
        colour = "yellow" if problem.rule in WARNINGS else "red"
        yield Text.assemble(
            "    ", (problem.rule, colour), f"{place}: {safe_text(problem.message)}{hint}"
        )
    if (more := len(ordered) - MAX_FINDINGS) > 0:
        yield Text(f"    {look.marks.ellipsis} and {more:,} more findings", "dim")


def _printed(text: str, look: Look) -> Iterator[Text]:
    """Break a body into lines of the look's width; say what is left out."""
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
