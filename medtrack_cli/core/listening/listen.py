"""Listen: check deliveries, pass them to the sink, acknowledge them, and know when to end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from medtrack_cli.core.checked import CheckedDelivery, examine
from medtrack_cli.core.conditions import Answer, Condition, judge
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Source
from medtrack_cli.core.listening.tally import ListenSummary, ListenTally
from medtrack_cli.core.ports import Clock, Consumer, Interrupted, Listening, Resumed, Retry, Stop
from medtrack_cli.core.record import body_value
from medtrack_cli.core.times import EVER, TimeRange, time_of
from medtrack_cli.core.topics import key_matches
from medtrack_cli.errors import EventsGone
from medtrack_cli.events.registry import Registry


class Sink(Protocol):
    """Where deliveries go: a terminal, lines of JSON, a recording, or several of them."""

    def write(self, seen: CheckedDelivery) -> None:
        """Take one delivery."""

    def flush(self) -> None:
        """Make all that was written safe; then it is acknowledged to the broker."""

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        """Show what happened to the connection."""


class Recording(Sink, Protocol):
    """A sink that keeps deliveries in a file."""

    @property
    def path(self) -> Path:
        """Where it is."""

    def close(self) -> None:
        """Put it on the disk, and report what it contains."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What is listened to, and how a person wants to see it."""

    settings: ConnectionSettings
    source: Source
    clock: Clock
    stop: Stop
    body: bool = False  # the JSON body below its line
    reveal: bool = False  # personal values, and texts that aren't events
    local_time: bool = False
    trace: bool = False  # the trace's whole id below the line
    left_out: Callable[[], int] = lambda: 0  # how many weren't wanted
    record: Callable[[Delivery | None], Recording] | None = None  # begin with this delivery
    retry: Retry = field(default_factory=Retry)  # of a connection that is lost
    is_live: bool = True  # it goes on: a terminal may be drawn on
    clipboard: bool = False  # the terminal may be asked to copy to the clipboard


class Wanted(NamedTuple):
    """Which deliveries are passed on: those that meet all conditions.

    `keys` and `window` are for a stream: its events have only their own time.
    """

    excluded: Sequence[str] = ()
    condition: Condition | None = None
    keys: Sequence[str] = ()
    window: TimeRange = EVER

    @property
    def is_all(self) -> bool:
        """Whether all are wanted: then nothing need be judged."""
        return not (self.excluded or self.condition or self.keys or any(self.window))

    def judge(self, seen: CheckedDelivery) -> Answer:
        key = seen.delivery.routing_key
        if self.excluded and any(key_matches(pattern, key) for pattern in self.excluded):
            return Answer.NO
        if self.keys and not any(key_matches(pattern, key) for pattern in self.keys):
            return Answer.NO
        if any(self.window):
            moment = time_of(body_value(seen))
            if moment is None:
                return Answer.UNEVALUABLE
            if not self.window.holds(moment):
                return Answer.NO
        return judge(seen, self.condition)


EVERYTHING = Wanted()


def listen(  # noqa: PLR0913 -- one parameter a decision of the caller
    consumer: Consumer,
    sink: Sink,
    tally: ListenTally,
    stop: Stop,
    *,
    registry: Registry | None = None,
    wanted: Wanted = EVERYTHING,
    tell: Callable[[EventsGone], None] = lambda _error: None,
) -> ListenSummary:
    """Pass every wanted delivery to the sink, until a limit or a signal.

    A delivery is acknowledged only after the sink has flushed it, or when it isn't wanted. A
    stream's losses are reported, and make the verdict a failure.
    """
    stop.when(lambda: tally.out_of_time() is not None)
    for happening in consumer.deliveries():
        if isinstance(happening, EventsGone):
            tally.is_whole = False
            tell(happening)
            continue
        if not isinstance(happening, list):
            tally.interruptions += isinstance(happening, Interrupted)
            if isinstance(happening, Listening):
                tally.ready()
            sink.happened(happening)
            continue
        if taken := _take(happening, sink, tally, registry, wanted):
            sink.flush()
            consumer.acknowledge([each.token for each in happening[:taken]])
        if tally.is_enough or tally.is_at_end or tally.out_of_time():
            break
    return tally.result(stop)


def _take(
    batch: Sequence[Delivery],
    sink: Sink,
    tally: ListenTally,
    registry: Registry | None,
    wanted: Wanted,
) -> int:
    """Write the wanted deliveries of a batch, up to a limit; return how far that was."""
    is_all = wanted.is_all
    for taken, delivery in enumerate(batch, 1):
        if tally.is_beyond(delivery):
            return taken - 1
        seen = examine(delivery, registry)
        if is_all or (answer := wanted.judge(seen)) is Answer.YES:
            sink.write(seen)
            tally.add(seen)
            if tally.is_enough:
                return taken
        else:
            tally.leave_out(seen, unevaluable=answer is Answer.UNEVALUABLE)
    return len(batch)


def tee(sinks: list[Sink]) -> Sink:
    """Make one sink of several; they are flushed in order."""
    return sinks[0] if len(sinks) == 1 else _Tee(sinks)


class _Tee:
    def __init__(self, sinks: list[Sink]) -> None:
        self._sinks = sinks

    def write(self, seen: CheckedDelivery) -> None:
        for sink in self._sinks:
            sink.write(seen)

    def flush(self) -> None:
        for sink in self._sinks:
            sink.flush()

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        for sink in self._sinks:
            sink.happened(happening)
