"""Deliveries for people: one line an event, its findings below."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from medtrack_cli.core.listen import Seen
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.events.findings import WARNINGS, json_pointer
from medtrack_cli.events.json_text import MAX_BODY
from medtrack_cli.output.masking import masked
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.style import Style

MAX_VALUE = 40  # characters of one value on the line


class DeliveryLog:
    """A `Sink` that shows each delivery on a line; personal values are masked."""

    def __init__(self, stdout: TextIO, style: Style, note: Callable[[str], None]) -> None:
        self._stdout = stdout
        self._style = style
        self._note = note

    def write(self, seen: Seen) -> None:
        style = self._style
        time = seen.delivery.received_at.strftime("%H:%M:%S.%f")[:-3] + "Z"
        mark = style("✓", "green") if seen.is_valid else style("✗", "red")
        key = style(f"{safe_text(seen.delivery.routing_key):<18}", "bold")
        details = " ".join(_details(seen))
        self._stdout.write(f"{style(time, 'dim')} {mark} {key} {details}\n")
        for problem in seen.problems:
            colour = "yellow" if problem.rule in WARNINGS else "red"
            where = problem.where
            pointer = "" if isinstance(where, int) else f" at {safe_text(json_pointer(where))}"
            text = f"{style(problem.rule, colour)}{pointer}: {safe_text(problem.message)}"
            self._stdout.write(f"             {text}\n")

    def flush(self) -> None:
        self._stdout.flush()

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        match happening:
            case Listening(_, _, patterns):
                self._note(f"listening to {', '.join(patterns)} (Ctrl-C ends)")
            case Interrupted(since, reason):
                self._note(f"{reason} at {since:%H:%M:%S}Z; events may be missed from now on")
            case Resumed(since, until, _):
                gap = (until - since).total_seconds()
                self._note(
                    f"listening again since {until:%H:%M:%S}Z; events published in the "
                    f"{gap:.1f} s since {since:%H:%M:%S}Z may be missing"
                )


def _details(seen: Seen) -> Iterator[str]:
    """Give the service and the payload's plain values; of no event, the body's size and kind."""
    body = seen.delivery.body
    event = _as_object(body) if len(body) <= MAX_BODY else None
    if event is None:
        kind = seen.delivery.properties.get("content_type", "no content type")
        yield f"{len(body):,} bytes, {safe_text(str(kind))}"
        return
    if isinstance(service := event.get("service"), str):
        yield _short(service)
    payload = event.get("payload")
    for name, value in payload.items() if isinstance(payload, dict) else ():
        if isinstance(value, str | int | float):
            yield f"{_short(name)}={_short(masked(name, str(value)))}"


def _as_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _short(text: str) -> str:
    text = safe_text(text)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
