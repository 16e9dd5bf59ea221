"""One event whole: its message's properties, its findings, its body with carets."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.cells import chop_cells
from rich.text import Text

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.record import body_value
from medtrack_cli.core.times import rfc3339
from medtrack_cli.core.trace import trace_id
from medtrack_cli.events.findings import Problem, Span
from medtrack_cli.events.json_places import locate, span_of
from medtrack_cli.output.event_rows import (
    MAX_PARSED,
    MAX_PRINTED,
    Look,
    clock_time,
    errors_first,
    family_colour,
    in_words,
    routing_key,
    rule_colour,
)
from medtrack_cli.output.masking import mask_shape, masked_json, masked_key
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.snippet import mask_line, snippet

LABEL = 15
"""Columns for the names of properties."""

MAX_LISTED = 100
"""The most findings, properties and headers listed, of each; the others are counted."""


def whole_lines(seen: CheckedDelivery, look: Look, width: int) -> list[Text]:
    """Write all about a delivery in lines of a width; personal values are masked in shape."""
    lines = [*_circumstances(seen, look), *_findings(seen, look), Text(), *_body(seen, look, width)]
    return [piece for line in lines for piece in _broken(line, width)]


def _circumstances(seen: CheckedDelivery, look: Look) -> Iterator[Text]:
    """Give the message's own names and times, its properties, its headers."""
    delivery = seen.delivery
    moment = delivery.received_at.astimezone() if look.local_time else delivery.received_at
    key = routing_key(delivery.routing_key, reveal=look.reveal)
    yield _named("routing key", Text(key, f"bold {family_colour(key)}"))
    if seen.event_type not in {None, delivery.routing_key}:
        yield _named("event type", Text(routing_key(str(seen.event_type), reveal=look.reveal)))
    yield _named("received", Text(f"{moment.date()} {clock_time(delivery.received_at, look)}"))
    yield _named("exchange", Text(safe_text(delivery.exchange)))
    if delivery.redelivered:
        yield _named("redelivered", Text("yes", "yellow"))
    properties = dict(delivery.properties)
    message_id = properties.pop("message_id", None)
    yield _named("message id", _shown("message_id", message_id, look))
    trace = trace_id(delivery.headers.get("traceparent"))
    yield _named("trace id", Text(trace or "none", "" if trace else "dim"))
    yield from _table("properties", properties, look)
    yield from _table("headers", delivery.headers, look)


def _table(title: str, table: Mapping[str, Any], look: Look) -> Iterator[Text]:
    yield _named(title, Text("" if table else "none", "dim"))
    for name, value in list(table.items())[:MAX_LISTED]:
        yield Text.assemble("  ", (_label(name, look), "cyan"), " ", _shown(name, value, look))
    yield from _others(len(table) - MAX_LISTED, look)


def _label(name: str, look: Look) -> str:
    """Name a property or a header; one that can't be a name is shown as its shape."""
    plain = name.lower().replace("-", "_")
    return safe_text(name if look.reveal or masked_key(plain) == plain else mask_shape(name))


def _named(name: str, value: Text) -> Text:
    return Text.assemble((f"{name:<{LABEL}}", "dim"), value)


def _shown(name: str, value: object, look: Look) -> Text:
    """Write an AMQP value: a text as it is, anything else as JSON."""
    if value is None:
        return Text("none", "dim")
    plain = _plain(value)
    shown = plain if look.reveal else masked_json(plain, name)
    text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
    return Text(safe_text(text[:MAX_PRINTED]))


def _plain(value: object) -> Any:  # noqa: ANN401 -- JSON
    match value:
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case datetime():
            return rfc3339(value)
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case bool() | None:
            return value
    return int(value) if isinstance(value, int) else str(value)


def _findings(seen: CheckedDelivery, look: Look) -> Iterator[Text]:
    """Say what is wrong, errors first, each with its suggestion."""
    ordered = errors_first(seen.problems)
    yield _named("findings", Text("" if ordered else "none", "dim"))
    for problem in ordered[:MAX_LISTED]:
        mark = look.marks.doubtful if problem.rule.is_warning else look.marks.invalid
        rule = f"  {mark} {problem.rule}", rule_colour(problem)
        yield Text.assemble(rule, in_words(problem))
    yield from _others(len(ordered) - MAX_LISTED, look)


def _others(count: int, look: Look) -> Iterator[Text]:
    if count > 0:
        yield Text(f"  {look.marks.ellipsis} and {count:,} more", "dim")


def _body(seen: CheckedDelivery, look: Look, width: int) -> Iterator[Text]:
    """Print the body with a caret below each finding's place.

    Text that isn't JSON is shown only when it is to be revealed.
    """
    size = f"{len(seen.body):,} bytes"
    if seen.body is not seen.delivery.body:
        size += f", {len(seen.delivery.body):,} as it came"
    value = None if len(seen.body) > MAX_PARSED else body_value(seen)
    yield _named("body", Text(size))
    if value is not None:
        text = json.dumps(value, indent=2, ensure_ascii=False)
        seeable = value if look.reveal else masked_json(value)
        masked = json.dumps(seeable, indent=2, ensure_ascii=False)
        yield from _marked(text, masked.split("\n"), seen.problems, look, width)
    elif look.reveal and len(seen.body) <= MAX_PARSED:
        text = seen.body.decode("utf-8", "backslashreplace")
        unplaced = [each for each in seen.problems if isinstance(each.where, int)]
        yield from _marked(text, text.split("\n"), unplaced, look, width)
    else:
        yield Text("not shown: too large, or no JSON (--reveal shows a text)", "dim")


def _marked(
    text: str, shown: Sequence[str], problems: Sequence[Problem], look: Look, width: int
) -> Iterator[Text]:
    """Print a text line by line, masked; a line with a finding is cut around it."""
    placed: dict[int, list[tuple[Problem, Span]]] = {}
    for problem in problems[:MAX_LISTED]:
        span = _span(text, problem)
        placed.setdefault(span.line, []).append((problem, span))
    lines = text[:MAX_PRINTED].split("\n")
    if len(shown) != len(text.split("\n")):  # two keys have one shape
        shown = [mask_line(line) for line in lines]
    for number, line in enumerate(lines, start=1):
        if number not in placed:
            yield Text(safe_text(shown[number - 1][:MAX_PRINTED]))
            continue
        before = ""
        for problem, span in placed[number]:
            cut = snippet(line, span, width, reveal=look.reveal)
            if cut.text != before:
                yield Text(cut.text)
            before = cut.text
            caret = Text.assemble((cut.caret, rule_colour(problem)), (f" {problem.rule}", "dim"))
            yield caret if caret.cell_len <= width else Text(cut.caret, rule_colour(problem))
    if len(text) > MAX_PRINTED:
        yield Text(f"{look.marks.ellipsis} {len(text) - MAX_PRINTED:,} characters more", "dim")


def _span(text: str, problem: Problem) -> Span:
    where = problem.where
    start, end = (where, where + 1) if isinstance(where, int) else locate(text, where, problem.at)
    return span_of(text, start, end)


def _broken(line: Text, width: int) -> Iterator[Text]:
    """Break a line that is too wide; only its first part keeps colours."""
    if line.cell_len <= width:
        yield line
        return
    first, *rest = chop_cells(line.plain, width)
    line.truncate(width, overflow="crop")
    yield line if line.plain.rstrip() == first.rstrip() else Text(first)
    yield from map(Text, rest)
