"""medtrack replay --from-stream: an archive as the source."""

import re
from typing import TYPE_CHECKING

from medtrack_cli.commands.arguments import refuse_queue_name, refuse_without
from medtrack_cli.commands.replay_options import Streaming
from medtrack_cli.core.times import TimeRange
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.wiring.runs import ReplayJournal
    from medtrack_cli.wiring.streams import StreamInput

_OFFSETS = re.compile("(first|last|next|[0-9]{1,18})(?:(?<=[0-9]):([0-9]{0,18}))?")


def refuse_without_stream(streaming: Streaming, queue: str | None) -> None:
    """Refuse options of --from-stream without it, and a queue beside it."""
    if streaming.from_stream is not None:
        if queue is not None:
            hint = "leave out one of them"
            raise UsageError("--from-stream and --from-queue exclude each other", hint=hint)
        return
    typed = {"--offset": streaming.offset is not None, "--from-first": streaming.from_first}
    refuse_without("--from-stream", typed, hint="--from-stream STREAM")


def stream_of(
    runtime: Runtime, streaming: Streaming, window: TimeRange, journal: "ReplayJournal | None"
) -> "StreamInput":
    """Determine what is read of a stream; EventsGone if a wanted part of it is gone.

    A resumed run ends where it was to end when it began.
    """
    from medtrack_cli.wiring.streams import StreamInput, stretch

    name, typed = streaming.from_stream or "", streaming.offset
    refuse_queue_name("--from-stream", name)
    if typed is not None and window.since:
        raise UsageError("--offset and --since exclude each other", hint="leave one of them out")
    match = _OFFSETS.fullmatch(typed or "first")
    if match is None:
        hint = "--offset 100:200, both included; or first, last, next, 100"
        raise UsageError("--offset is no place in a stream", typed or "", hint=hint)
    begins, until = match[1], int(match[2]) if match[2] else None
    if until is not None and until < int(begins):
        raise UsageError("--offset ends before it begins", typed or "", hint=f"{until}:{begins}")
    cursor = journal.cursor if journal else None
    if cursor:
        begins = str(cursor.line)
    if journal and not journal.is_new:
        until = journal.header["input"][0][1]
    part = stretch(runtime, name, begins, window, until=until)
    if journal and cursor and part.gone:
        part = part._replace(gone=part.gone - 1)  # the first of them was sent
        journal.pass_over(int(part.source.offset))
    if part.gone and not streaming.from_first:
        raise part.error(hint="--from-first sends what is left")
    if part.gone:
        runtime.printer.warning(part.error("").message)
    # In a resumed run, events are known by their position among the others: none may be gone.
    may_lose = streaming.from_first and (cursor is None or part.gone > 0)
    return StreamInput(runtime, part, may_lose=may_lose)
