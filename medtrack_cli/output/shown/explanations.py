"""A code explained in full."""

from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.explanations import Explained
from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.shown.help_page import MOST_COLUMNS, paragraph
from medtrack_cli.output.shown.shown import Record, Sheet
from medtrack_cli.output.wrapping import kept


class ShownExplanation(NamedTuple):
    """What a code means, why it occurred, and what to do."""

    explained: Explained

    def records(self) -> Iterator[Record]:
        group, code, about = self.explained
        record = {"group": group, "code": code, "severity": self.explained.severity}
        given = {key: text for key, text in (record | about._asdict()).items() if text}
        yield {"kind": Kind.EXPLANATION, **given}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        group, code, about = self.explained
        about_it = filter(None, (group.replace("_", " "), self.explained.severity))
        yield f"{code} ({', '.join(about_it)})"
        for text in (about.summary, f"Why: {about.why}", f"What to do: {about.do}"):
            yield from paragraph(text, min(sheet.width, MOST_COLUMNS))
        for name in ("wrong", "right", "example"):
            if text := getattr(about, name):
                yield from kept(f"{name}: {text}", sheet.room)
