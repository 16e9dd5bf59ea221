"""An event type in full."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.events.event_type import EventType, FieldType
from medtrack_cli.events.personal import is_personal
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet, picked


class ShownEventType(NamedTuple):
    """An event type and an example of it."""

    known: EventType
    example: Any

    def records(self) -> Iterator[Record]:
        known = self.known
        yield {
            "kind": Kind.EVENT_TYPE,
            "event_type": known.name,
            **picked(known, "version", "description", "published_by"),
            "reactions": dict(known.reactions),
            "fields": [
                {
                    "name": each.name,
                    "type": each.kind,
                    "required": each.required,
                    "description": each.description,
                    "personal": is_personal(known, each.name),
                }
                for each in known.fields
            ],
            "example": self.example,
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        """Give its purpose, fields and reactions in the terminal's width, then the example."""
        known = self.known
        yield from sheet.text(f"{known.name}  version {known.version}\n{known.description}\n")
        by = known.published_by or "an unknown service: its schema does not say"
        yield from sheet.text(f"Published by {by}.\n\nPayload")
        fields = [
            (each.name, each.kind, " ".join(filter(None, (each.description, _notes(known, each)))))
            for each in known.fields
        ]
        yield from _table(fields, sheet)
        yield from ("", "What happens then")
        yield from _table(list(known.reactions.items()) or [("nothing is promised",)], sheet)
        if self.example is not None:
            shown = json.dumps(self.example, indent=2, ensure_ascii=False).splitlines()
            yield from ("", "Example", *(f"  {safe_text(line)}" for line in shown), "")
            made = f"  medtrack schema example {safe_text(known.name)} |"
            taken = "medtrack publish -f -"
            fits = sheet.room is None or len(made) + len(taken) < sheet.room
            yield from [f"{made} {taken}"] if fits else [made, f"    {taken}"]


def _notes(known: EventType, field: FieldType) -> str:
    notes = {
        "optional": not field.required,
        "personal": is_personal(known, field.name),
    }
    said = ", ".join(note for note, holds in notes.items() if holds)
    return f"({said})" if said else ""


def _table(rows: Sequence[Sequence[str]], sheet: Sheet) -> Iterator[str]:
    return sheet.aligned([[safe_text(cell) for cell in row] for row in rows], "  ")
