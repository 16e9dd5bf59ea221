"""What is worth knowing meanwhile, or should be fixed."""

from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.shown.shown import Record, Sheet


class ShownNote(NamedTuple):
    """A line for a waiting person; a warning is shown even when quiet."""

    text: str
    is_warning: bool = False
    is_data: bool = False

    def records(self) -> Iterator[Record]:
        level = "warning" if self.is_warning else "note"
        yield {"kind": Kind.NOTE, "level": level, "message": self.text}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        if self.is_warning:
            return sheet.sentence(self.text, "yellow", "warning:")
        return sheet.sentence(self.text, "dim")
