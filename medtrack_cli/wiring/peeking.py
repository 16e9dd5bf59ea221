"""Messages waiting in a queue: read, and put back."""

from contextlib import closing, nullcontext
from pathlib import Path
from typing import NamedTuple

from medtrack_cli.core.conditions import Condition
from medtrack_cli.core.listening.listen import Watched
from medtrack_cli.core.listening.peek import Peeked, peek
from medtrack_cli.core.listening.sources import Queue, Source, Stream
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime
from medtrack_cli.wiring.queues import standing_queue
from medtrack_cli.wiring.watching import watching


class Look(NamedTuple):
    """The result of a look.

    With a queue's delivery limit, its type, how many messages it should have given, and the exit
    code of a signal.
    """

    peeked: Peeked
    limit: int | None
    kind: str
    wanted: int
    stopped: int | None


def look(  # noqa: PLR0913, PLR0917 -- the options of a peek
    runtime: Runtime,
    name: str,
    most: int,
    condition: Condition | None,
    record: Path | None,
    offset: str | None,
    *,
    spends: bool,
    body: bool,
    reveal: bool,
) -> Look:
    """Show up to a number of messages of a queue and give them back; return its delivery limit.

    The limit is read first: without the management API nothing is read. With a limit, nothing is
    read unless `spends`: a message without a delivery left would be dropped, and which one that is
    shows only when it comes. A stream is read from an offset on.
    """
    from medtrack_cli.broker.management.client import Unanswered
    from medtrack_cli.broker.management.topology import delivery_limit
    from medtrack_cli.wiring.recordings import recorder

    settings, printer = runtime.connection, runtime.printer
    with runtime.world.stop_on_signals() as stop:
        ready, consumers = standing_queue(settings, name, stop)
        try:
            kind, limit = delivery_limit(settings, name)
        except Unanswered as error:
            raise error.fatal(settings) from None
        source: Source = Stream(name, _offset(offset or "first"))
        if limit is not None and not spends:
            what = f"a look takes one of the {limit:,} deliveries that each message has"
            hint = "--spend-deliveries looks; what has none left is dropped, or dead-lettered"
            raise UsageError(what, name, hint=hint)
        if kind != "stream":
            if offset is not None:
                raise UsageError("--offset is of streams", f"{name} is a {kind} queue")
            most, source = min(most, ready), Queue(name, most=min(most, ready) or 1)
            if consumers:
                others = f"{consumers:,} others consume from {name}"
                printer.warning(f"{others}: what they have isn't seen")
        if not most:
            return Look(Peeked(0, 0, 0), limit, kind, 0, None)
        clock = runtime.world.clock
        watched = Watched(settings, source, clock, stop, body=body, reveal=reveal, is_live=False)
        keep = recorder(runtime, record, include_replays=True) if record else None
        with (
            closing(keep) if keep else nullcontext(),
            watching(runtime, watched, keep) as (consumer, sink),
        ):
            peeked = peek(
                *(consumer, sink, most, stop, clock),
                registry=runtime.registry,
                condition=condition,
                limit=limit,
            )
            return Look(peeked, limit, kind, most, stop.exit_code)


def _offset(text: str) -> int | str:
    return int(text) if text.isdigit() else text
