"""Listen: check what arrives, hand it to the sink, acknowledge, and know when to end."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from medtrack_cli.core.connection import ConnectionSettings
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.ports import Clock, Consumer, Interrupted, Listening, Resumed, Source, Stop
from medtrack_cli.errors import ExitCode
from medtrack_cli.events.check import check
from medtrack_cli.events.findings import At, Problem, Rule
from medtrack_cli.events.registry import Registry

REPLAY_HEADER = "x-medtrack-replay"


class Seen(NamedTuple):
    """A delivery and what the check says of it."""

    delivery: Delivery
    event_type: str | None
    problems: tuple[Problem, ...]
    is_valid: bool


class Sink(Protocol):
    """Where deliveries go: a terminal, lines of JSON, a recording, or several of them."""

    def write(self, seen: Seen) -> None:
        """Take one delivery."""
        ...

    def flush(self) -> None:
        """Make all that was written safe; after this it is acknowledged to the broker."""
        ...

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        """Show what happened to the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Watched:
    """What is listened to, and how a person wants to see it."""

    settings: ConnectionSettings
    source: Source
    clock: Clock
    stop: Stop
    body: bool = False  # the JSON body below its line
    reveal: bool = False  # personal values, and texts that are no event
    local_time: bool = False


class Ended(StrEnum):
    """Why listening ended."""

    COUNT = "count"  # --count reached
    TIMEOUT = "timeout"  # --timeout ran out
    STOPPED = "stopped"  # by a signal


@dataclass(frozen=True, slots=True)
class Limits:
    """When to end by itself. Seconds run from the ready line; None: never."""

    count: int | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Listened:
    """What was heard, and why listening ended."""

    received: int
    valid: int
    invalid: int
    interruptions: int
    seconds: float
    ended: Ended
    exit_code: int


def listen(  # noqa: PLR0913 -- one parameter a decision of the caller
    consumer: Consumer,
    sink: Sink,
    limits: Limits,
    clock: Clock,
    stop: Stop,
    *,
    registry: Registry | None = None,
) -> Listened:
    """Pass every delivery to the sink until a limit is reached or a signal comes.

    A delivery is acknowledged only after the sink has flushed it.
    """
    started = clock.monotonic()
    received = valid = interruptions = 0
    ended = Ended.STOPPED
    for happening in consumer.deliveries():
        if not isinstance(happening, list):
            interruptions += isinstance(happening, Interrupted)
            started = clock.monotonic() if isinstance(happening, Listening) else started
            sink.happened(happening)
            continue
        wanted = happening if limits.count is None else happening[: limits.count - received]
        for delivery in wanted:
            seen = examine(delivery, registry)
            valid += seen.is_valid
            sink.write(seen)
        if wanted:
            sink.flush()
            consumer.handled(len(wanted))
            received += len(wanted)
        if limits.count is not None and received >= limits.count:
            ended = Ended.COUNT
            break
        if limits.timeout is not None and clock.monotonic() - started >= limits.timeout:
            ended = Ended.TIMEOUT
            break
    return Listened(
        received=received,
        valid=valid,
        invalid=received - valid,
        interruptions=interruptions,
        seconds=clock.monotonic() - started,
        ended=ended,
        exit_code=_exit_code(ended, limits, stop),
    )


def _exit_code(ended: Ended, limits: Limits, stop: Stop) -> int:
    if ended is Ended.STOPPED and stop.exit_code:
        return stop.exit_code
    if ended is not Ended.COUNT and limits.count is not None:
        return ExitCode.VERDICT_NO
    return ExitCode.DONE


def examine(delivery: Delivery, registry: Registry | None = None) -> Seen:
    """Check a delivery's body, and that its routing key is its event type."""
    verdict = check(delivery.body, registry)
    problems = verdict.problems
    if verdict.event_type is not None and verdict.event_type != delivery.routing_key:
        message = "the routing key differs from event_type"
        mismatch = Problem(Rule.ROUTING_KEY_MISMATCH, ("event_type",), message, at=At.VALUE)
        problems = (*problems, mismatch)
        return Seen(delivery, verdict.event_type, problems, is_valid=False)
    return Seen(delivery, verdict.event_type, problems, verdict.is_valid)


def is_replayed(delivery: Delivery) -> bool:
    """Tell whether a delivery was sent by `medtrack replay`."""
    return REPLAY_HEADER in delivery.headers


def tee(sinks: list[Sink]) -> Sink:
    """One sink for several; flushed in their order."""
    return _Tee(sinks)


class _Tee:
    def __init__(self, sinks: list[Sink]) -> None:
        self._sinks = sinks

    def write(self, seen: Seen) -> None:
        for sink in self._sinks:
            sink.write(seen)

    def flush(self) -> None:
        for sink in self._sinks:
            sink.flush()

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        for sink in self._sinks:
            sink.happened(happening)
