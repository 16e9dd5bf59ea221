"""What listening reports: the connection's story, why it ended, what came."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.listening.tally import Count, Ended, ListenSummary
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.core.times import rfc3339
from medtrack_cli.output.masking import masked
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet, picked

_WHY = {
    Ended.COUNT: "count reached",
    Ended.EXPECTED: "all that was expected came",
    Ended.TIMEOUT: "time is up",
    Ended.IDLE: "nothing more came",
    Ended.END: "the stream's end is reached",
    Ended.STOPPED: "stopped",
}


class ShownHappening(NamedTuple):
    """What happened to the connection; an interruption is shown even when quiet."""

    happened: Listening | Interrupted | Resumed

    def records(self) -> Iterator[Record]:
        match self.happened:
            case Listening(since, queue, patterns, target, caution):
                yield {
                    "kind": Kind.LISTENING,
                    **target._asdict(),
                    "since": rfc3339(since),
                    "queue": queue,
                    "patterns": list(patterns),
                    "caution": caution,
                }
            case Interrupted(began, reason):
                since_text = began and rfc3339(began)
                yield {"kind": Kind.INTERRUPTED, "since": since_text, "reason": reason}
            case Resumed(began, until, may_have_missed):
                yield {
                    "kind": Kind.RESUMED,
                    "since": began and rfc3339(began),
                    "until": rfc3339(until),
                    "may_have_missed": may_have_missed,
                }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        if not (sheet.quiet and isinstance(self.happened, Listening)):
            yield from sheet.sentence(told(self.happened), "dim")


def told(happening: Listening | Interrupted | Resumed) -> str:
    """Describe in a sentence what happened to the connection."""
    match happening:
        case Listening(_, queue, patterns, _, caution):
            keys = ", ".join(safe_text(pattern) for pattern in patterns)
            but = f"; {safe_text(caution)}" if caution else ""
            return f"listening to {keys or f'queue {safe_text(queue)}'} (Ctrl-C ends){but}"
        case Interrupted(since, reason):
            # A queue that stays keeps what arrives meanwhile, so this is known only at the end.
            events = "events" if since is None else f"events published since {since:%H:%M:%S}Z"
            return f"{safe_text(reason)}; whether {events} are missed is said when it is over"
        case Resumed(since, until, may_have_missed):
            missing = "may be missing" if may_have_missed else "are not missing"
            return f"listening again since {until:%H:%M:%S}Z; {_between(since, until)} {missing}"


def _between(since: datetime | None, until: datetime) -> str:
    if since is None:
        return "events published before that, and before we listened,"
    seconds = (until - since).total_seconds()
    return f"events published in the {seconds:.1f} s since {since:%H:%M:%S}Z"


class ShownListened(NamedTuple):
    """Why listening ended, and what came; a failure is shown even when quiet."""

    listened: ListenSummary

    def records(self) -> Iterator[Record]:
        listened = self.listened
        yield {
            "kind": Kind.LISTENED,
            **picked(listened, "received", "valid", "invalid", "left_out", "unevaluable"),
            "event_types": [
                {"name": name, **asdict(count)} for name, count in listened.types.items()
            ],
            "missing": [
                {"event_type": each.event_type, "expected": each.expected, "valid": each.came.valid}
                for each in listened.missing
            ],
            "interruptions": listened.interruptions,
            "seconds": round(listened.seconds, 3),
            "ended": listened.ended,
            "exit_code": listened.exit_code,
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        if self.listened.exit_code or not sheet.quiet:
            for line in self._sentences():
                yield from sheet.sentence(line, "dim")

    def _sentences(self) -> Iterator[str]:
        """Say why it ended; if it failed, what came instead and what is missing."""
        listened = self.listened
        yield (
            f"{_WHY[listened.ended]}: {listened.received:,} received, "
            f"{listened.invalid:,} invalid, in {listened.seconds:.1f} s"
        )
        if listened.left_out:
            unjudged = listened.unevaluable
            part = f", {unjudged:,} of them unevaluable" if unjudged else ""
            yield f"left out: {listened.left_out:,}{part}"
        if not listened.exit_code or listened.ended is Ended.STOPPED:
            return
        for each in listened.missing:
            count = each.expected - each.came.valid
            yield f"missing: {count:,} of {each.expected:,} valid {each.event_type}"
        came = "; ".join(
            f"{masked('routing_key', name)}: {_counts(count)}"
            for name, count in listened.types.items()
        )
        yield f"came: {came or 'nothing'}"


def _counts(count: Count) -> str:
    numbers = {
        "valid": count.valid,
        "invalid": count.invalid,
        "left out": count.left_out,
    }
    return ", ".join(f"{number:,} {word}" for word, number in numbers.items() if number)
