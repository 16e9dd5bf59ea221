"""medtrack replay --from-stream: an archive as the source."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from medtrack_cli.commands.arguments import refuse_queue_name
from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.options import option
from medtrack_cli.core.topics import Window
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.wiring.runs import ReplayJournal
    from medtrack_cli.wiring.streams import StreamInput

_OFFSETS = re.compile("(first|last|next|[0-9]{1,18})(?:(?<=[0-9]):([0-9]{0,18}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming:
    """A stream in place of recordings, and the part of it that is sent."""

    from_stream: Annotated[
        str | None,
        option(
            Panel.WHAT,
            "--from-stream STREAM",
            "Send what this stream holds now; all stays in it.",
            autocompletion=queues,
        ),
    ] = None
    offset: Annotated[
        str | None,
        option(
            Panel.WHAT,
            "--offset A:B",
            "Of a stream, only these offsets, both included; or from first, last, next, N.",
        ),
    ] = None
    from_first: Annotated[
        bool,
        option(Panel.WHAT, "--from-first", "Begin with the first there is, where others are gone."),
    ] = False


def refuse_without_stream(streaming: Streaming, queue: str | None) -> None:
    """Refuse options of --from-stream where there is none, and a queue beside it."""
    if streaming.from_stream is not None:
        if queue is not None:
            hint = "leave out one of them"
            raise UsageError("--from-stream and --from-queue exclude each other", hint=hint)
        return
    if streaming.offset is not None or streaming.from_first:
        option = "--from-first" if streaming.offset is None else "--offset"
        raise UsageError(f"{option} goes with --from-stream", hint="--from-stream STREAM")


def stream_of(
    runtime: Runtime, streaming: Streaming, window: Window, journal: "ReplayJournal | None"
) -> "StreamInput | None":
    """Find what is read of a stream; None, and it is said, where a part that is wanted is gone.

    A run that goes on ends where it was to end when it began.
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
    begins = match[1]
    if journal and journal.cursor:
        begins = str(journal.cursor.line)
    part = stretch(runtime, name, begins, window)
    if part.gone and not streaming.from_first:
        gone = f"{part.gone:,} offsets from {begins} on are gone by the bounds of {name}"
        runtime.printer.warning(f"{gone}: nothing is sent; --from-first sends what is left")
        return None
    ends = [part.end, *([int(match[2])] if match[2] else [])]
    if journal and journal.header["input"]:
        ends.append(journal.header["input"][0][1])
    part = part._replace(end=min(ends), may_lose=streaming.from_first)
    return StreamInput(runtime, part)
