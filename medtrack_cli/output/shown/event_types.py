"""An event type described whole."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.events.event_type import EventType
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet


class ShownEventType(NamedTuple):
    """An event type and an example of it."""

    known: EventType
    example: Any
    is_data: bool = True

    def records(self) -> Iterator[Record]:
        known = self.known
        yield {
            "kind": Kind.EVENT_TYPE,
            "event_type": known.name,
            "version": known.version,
            "description": known.description,
            "published_by": known.published_by,
            "reactions": dict(known.reactions),
            "fields": [
                {
                    "name": each.name,
                    "type": each.kind,
                    "required": each.required,
                    "description": each.description,
                }
                for each in known.fields
            ],
            "example": self.example,
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:  # noqa: ARG002 -- alike on any
        return map(safe_text, "\n".join(self._texts()).split("\n"))

    def _texts(self) -> Iterator[str]:
        """Say its purpose, fields and reactions in a terminal's width, then give the example."""
        known = self.known
        yield f"{known.name}  version {known.version}"
        yield known.description
        yield ""
        yield f"Published by {known.published_by or 'whoever: its schema does not say'}."
        yield from ("", "Payload")
        width = max((len(field.name) for field in known.fields), default=0)
        kinds = max((len(field.kind) for field in known.fields), default=0)
        for field in known.fields:
            optional = "" if field.required else " (optional)"
            yield f"  {field.name:<{width}}  {field.kind:<{kinds}}  {field.description}{optional}"
        yield from ("", "What happens then")
        services = max((len(name) for name in known.reactions), default=0)
        for name, deed in known.reactions.items():
            yield f"  {name:<{services}}  {deed}"
        if not known.reactions:
            yield "  nothing is promised"
        if self.example is not None:
            shown = json.dumps(self.example, indent=2, ensure_ascii=False).splitlines()
            yield from ("", "Example", *(f"  {line}" for line in shown), "")
            yield f"  medtrack schema example {known.name} | medtrack publish -f -"
