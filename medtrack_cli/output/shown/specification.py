"""The whole command line."""

from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.command_line import CommandLine
from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.shown.shown import Record, Sheet

_TITLES = ("command", "effect", "summary", "exit codes", "kinds")


class ShownSpecification(NamedTuple):
    """All commands with what they do, then exit codes, variables and keys."""

    version: str
    known: CommandLine

    def records(self) -> Iterator[Record]:
        yield {"kind": Kind.SPEC, "version": self.version, **self.known}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        rows = [
            (
                each["name"],
                each["effect"],
                each["summary"],
                " ".join(map(str, each["exit_codes"])),
                " ".join(each["kinds"]),
            )
            for each in self.known["commands"]
            if each["effect"]
        ]
        yield from sheet.table(_TITLES, rows, ("kinds", "exit codes"), _TITLES[2:])
        known = self.known
        for title, meanings in (
            ("exit code", known["exit_codes"]),
            ("variable", known["environment"]),
            ("key", known["configuration"]),
        ):
            yield ""
            yield from sheet.table((title, "meaning"), meanings.items(), (), ("meaning",))
