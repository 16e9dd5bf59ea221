#!/usr/bin/env python3
"""The parts of the docs that explain codes, from the text of `medtrack explain`. Called by cog."""

import sys
from collections.abc import Iterable, Iterator

from medtrack_cli.core.explanations import EXPLAINED, Explained, Group


def rules(group: Group = Group.RULE) -> str:
    """Give the table of docs/validate.md, or of docs/topology.md."""
    rows = ((f"`{each.code}`", each.severity or "", each.about.summary) for each in of(group))
    return table(("rule", "severity", ""), rows)


def exit_codes() -> str:
    """Give the table of docs/exit-codes.md."""
    codes = sorted(of(Group.EXIT_CODE), key=lambda each: int(each.code))
    rows = ((each.code, each.about.summary, quoted(each.about.example)) for each in codes)
    return table(("code", "meaning", "a command that shows it"), rows)


def checks() -> str:
    """Give the table of docs/doctor.md."""
    rows = ((f"`{each.code}`", each.about.summary, each.about.do) for each in of(Group.CHECK))
    return table(("check", "what is well", "else"), rows)


def pages() -> str:
    """Give a section for each group."""
    return "\n\n".join(
        f"## {group.replace('_', ' ').capitalize()}s\n\n"
        + "\n\n".join("\n".join(section(each)) for each in of(group))
        for group in Group
    )


def section(explained: Explained) -> Iterator[str]:
    """Explain one code."""
    about = explained.about
    severity = f" ({explained.severity})" if explained.severity else ""
    yield f"### {explained.code}{severity}\n\n{about.summary}\n\n{about.why}\n\n{about.do}"
    pieces = [(name, quoted(getattr(about, name))) for name in ("wrong", "right", "example")]
    if lines := [f"- {name}: {piece}" for name, piece in pieces if piece]:
        yield ""
        yield from lines


def of(group: Group) -> list[Explained]:
    """Choose the codes of a group."""
    return [each for each in EXPLAINED if each.group is group]


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Lay out a table in Markdown."""
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(titles)} |", "|---" * len(list(titles)) + "|", *lines])


def quoted(text: str) -> str:
    """Put code into backquotes."""
    return text and f"`{text}`"


if __name__ == "__main__":
    sys.stdout.write(pages() + "\n")
