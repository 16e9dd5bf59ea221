"""The options by which listen reads a stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from medtrack_cli.commands.arguments import refuse_queue_name
from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.option_types import Offset, StreamSince
from medtrack_cli.commands.options import option
from medtrack_cli.commands.times import window_of
from medtrack_cli.core.listening.sources import Stream
from medtrack_cli.core.times import EVER, TimeRange
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class FromStream:
    """A stream, and the part of it that is read."""

    from_stream: Annotated[
        str | None,
        option(
            Panel.WHAT,
            "--from-stream NAME",
            "Read a stream without removing anything, then what comes.",
            autocompletion=queues,
        ),
    ] = None
    since: StreamSince = None
    until: Annotated[
        str | None,
        option(
            Panel.END,
            "--until TIME",
            "Of a stream, only events before; ends where the stream ends now.",
        ),
    ] = None
    offset: Offset = None

    def part(self, runtime: Runtime, keys: Sequence[str], others: Sequence[object]) -> "Part":
        """Determine what is read.

        UsageError for options that need a stream, or exclude each other.
        """
        from medtrack_cli.wiring.streams import stretch

        refuse_queue_name("--from-stream", self.from_stream)
        if self.from_stream is None:
            for name in ("since", "until", "offset"):
                if getattr(self, name) is not None:
                    raise UsageError(f"--{name} goes with --from-stream", hint="--from-stream NAME")
            return Part()
        if any(others):
            what = "--from-stream goes without --durable, --queue and --queue-type"
            raise UsageError(what, hint="a stream is read as it is, and keeps all")
        if self.offset is not None and self.since is not None:
            raise UsageError(
                "--offset and --since exclude each other", hint="leave out one of them"
            )
        window = window_of(self.since, self.until, runtime.world.clock.now())
        follows = self.until is None
        offset = self.offset or "first"
        found = stretch(runtime, self.from_stream, offset, window, follows=follows)
        if found.gone:
            raise found.error(hint="--offset first reads what is left")
        return Part(found.source, None if follows else found.end, (tuple(keys), window))


class Part(NamedTuple):
    """A source, the last wanted offset (None: any), and which keys and times."""

    source: Stream | None = None
    end: int | None = None
    wanted: tuple[tuple[str, ...], TimeRange] = ((), EVER)
