"""The checks of doctor, and their verdict."""

from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.connection_settings import Target
from medtrack_cli.core.doctor.results import Diagnosis, Result, Status
from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet, picked
from medtrack_cli.output.wrapping import wrapped

_INDENT = " " * 22  # a mark and the longest name
_COLOURS = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.FAILED: "red",
    Status.SKIPPED: "dim",
}


class ShownCheck(NamedTuple):
    """The result of one check."""

    result: Result

    def records(self) -> Iterator[Record]:
        yield {"kind": Kind.CHECK, **picked(self.result, "id", "status", "seen", "fix", "ms")}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        result, marks = self.result, sheet.marks
        if sheet.quiet and result.status in {Status.OK, Status.SKIPPED}:
            return
        if result.cause and not sheet.verbose:
            return  # named at the end
        signs = (marks.valid, marks.doubtful, marks.invalid, marks.waiting)
        sign = dict(zip(Status, signs, strict=True))[result.status]
        start = f"{sign} {result.id:<{len(_INDENT) - 3}} "
        seen, *table = result.seen.split("\n")
        first, *others = wrapped(safe_text(seen), sheet.room, start, _INDENT)
        yield first.replace(sign, sheet.style(sign, _COLOURS[result.status]), 1)
        yield from others
        for line in table:
            yield f"{_INDENT}{safe_text(line)}"
        if result.fix:
            yield from wrapped(f"fix: {safe_text(result.fix)}", sheet.room, _INDENT, _INDENT)


class ShownDiagnosis(NamedTuple):
    """The verdict: answers to the guide's questions, then the counts, the cause, the next step."""

    diagnosis: Diagnosis
    target: Target | None  # None: the configuration names none

    def records(self) -> Iterator[Record]:
        found, target = self.diagnosis, self.target
        cause = found.cause
        yield {
            "kind": Kind.DIAGNOSED,
            "profile": target and target.profile,
            "broker": target and target.broker,
            "exchange": target and target.exchange,
            **{status.value: count for status, count in found.counts.items()},
            "answers": found.answers,
            "cause": cause and cause.id,
            "next": cause and cause.fix,
            "seconds": round(found.seconds, 3),
            "exit_code": int(found.exit_code),
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        found = self.diagnosis
        if sheet.quiet and found.exit_code == 0:
            return
        answers = (
            f"{question} {sheet.style(status, _COLOURS[status])}"
            for question, status in found.answers.items()
        )
        for cause in dict.fromkeys(each.cause for each in found.results if each.cause):
            left = ", ".join(each.id for each in found.results if each.cause is cause)
            yield from wrapped(f"skipped, as {cause} failed: {left}", sheet.room, "", "  ")
        yield ", ".join(answers)
        yield from wrapped(safe_text(found.sentence), sheet.room, "", "  ")
