"""What listening has to tell, in sentences: the connection's story, why it ended, what came."""

from collections.abc import Iterator
from datetime import datetime

from medtrack_cli.core.heard import Count, Ended, Listened, Missing
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.output.masking import masked
from medtrack_cli.output.safe_text import safe_text

_WHY = {
    Ended.COUNT: "count reached",
    Ended.EXPECTED: "all that was expected came",
    Ended.TIMEOUT: "time is up",
    Ended.IDLE: "nothing more came",
    Ended.STOPPED: "stopped",
}


def told(happening: Listening | Interrupted | Resumed) -> str:
    """Tell what happened to the connection in a sentence."""
    match happening:
        case Listening(_, queue, patterns, _, caution):
            keys = ", ".join(safe_text(pattern) for pattern in patterns)
            but = f"; {safe_text(caution)}" if caution else ""
            return f"listening to {keys or f'queue {safe_text(queue)}'} (Ctrl-C ends){but}"
        case Interrupted(since, reason):
            # A queue that stays keeps what comes meanwhile; so it is known only at the end.
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


def listened_lines(heard: Listened) -> Iterator[str]:
    """Say why listening ended; when that is a no, what came instead and what is missing."""
    yield (
        f"{_WHY[heard.ended]}: {heard.received:,} received, "
        f"{heard.invalid:,} invalid, in {heard.seconds:.1f} s"
    )
    if heard.left_out:
        unjudged = f", {heard.unevaluable:,} of them unevaluable" if heard.unevaluable else ""
        yield f"--where left out {heard.left_out:,}{unjudged}"
    if not heard.exit_code or heard.ended is Ended.STOPPED:
        return
    yield from map(_missing, heard.missing)
    came = "; ".join(
        f"{masked('routing_key', name)}: {_counts(count)}" for name, count in heard.types.items()
    )
    yield f"came: {came or 'nothing'}"


def _missing(each: Missing) -> str:
    return (
        f"missing: {each.expected - each.came.valid:,} of {each.expected:,} valid {each.event_type}"
    )


def _counts(count: Count) -> str:
    numbers = {
        "valid": count.valid,
        "invalid": count.invalid,
        "left out": count.left_out,
    }
    return ", ".join(f"{number:,} {word}" for word, number in numbers.items() if number)
