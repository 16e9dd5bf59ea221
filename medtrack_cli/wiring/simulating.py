"""The services at work: their consumers, their state, what they send."""

import os
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from medtrack_cli.core.checked import CheckedDelivery, examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Source, Tap
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import (
    Interrupted,
    Listening,
    PublishPolicy,
    Resumed,
    Retry,
    Stop,
    silent,
)
from medtrack_cli.core.simulating.completions import Completion, completion
from medtrack_cli.core.simulating.reactions import SERVICES, Handled
from medtrack_cli.core.simulating.services import (
    DEAD_LETTER_QUEUE,
    PREFETCH,
    OwnQueue,
    ServiceQueue,
)
from medtrack_cli.core.simulating.simulate import Simulation
from medtrack_cli.core.simulating.together import Settled, Together
from medtrack_cli.core.simulating.trouble import Trouble
from medtrack_cli.core.times import rfc3339
from medtrack_cli.errors import BrokerUnreachable, TopologyError
from medtrack_cli.files.state import state_folder
from medtrack_cli.files.state.simulated import SimulatedState, remove
from medtrack_cli.output.shown.reactions import ShownReset
from medtrack_cli.runtime import Runtime
from medtrack_cli.wiring.queues import declare

__all__ = ["Emitted", "Happened", "Ready", "SimulatedState", "emit", "reset", "simulate", "state"]

KEEP_ALIVE_SECONDS = 600.0  # the dead letters' queue has no consumer, and would expire
EMIT_SECONDS = 1.0
_TAP = ""  # the name of the tap among the services
_SLOW = 0.1  # seconds an event takes from which on services take one at a time


class Ready(NamedTuple):
    """All services listen."""

    services: dict[str, Listening]


class Published(NamedTuple):
    """An event that was published, whether a service does something about it or not."""

    event: CheckedDelivery


class Emitted(NamedTuple):
    """A stage.completed was sent; its outcome, and the reason where it isn't confirmed."""

    made: Completion
    outcome: Outcome
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.outcome} ({self.reason})" if self.reason else self.outcome


Happened = Ready | Interrupted | Resumed | Handled | Published | Emitted | None
"""What a run yields as it happens; None a few times a second when nothing does."""


def state_path(runtime: Runtime) -> Path:
    """Name the file of what services have done on this exchange; this machine has one name."""
    of = runtime.config.resolved
    hosts = {f"localhost:{each.port}" if each.is_loopback else str(each) for each in of.hosts.value}
    where = "\n".join([*sorted(hosts), of.vhost.value, of.exchange.value])
    name = sha256(where.encode()).hexdigest()[:16]
    return state_folder(runtime.world.environ, "simulated") / f"{name}.sqlite"


def state(runtime: Runtime) -> SimulatedState:
    """Open what the services have done; InputMissing where they never stood in."""
    return SimulatedState(state_path(runtime), must_be=True)


def kill_ourselves() -> None:
    """End at once, as a crash does."""
    os.kill(os.getpid(), signal.SIGKILL)


def simulate(  # noqa: PLR0913 -- one parameter a decision of the caller
    runtime: Runtime,
    services: Sequence[str],
    trouble: Trouble,
    stop: Stop,
    *,
    emits: bool = False,
    ends_after: float | None = None,
    watches: bool = False,
) -> Generator[Happened]:
    """Let services stand in until stopped, and yield what happens, each when it is stored.

    A run that `watches` has a tap, too, and yields each event that is published.
    What is yielded is acknowledged after its batch; closing this leaves the rest to the broker.
    """
    is_over = False
    stop.when(lambda: is_over)
    with SimulatedState(state_path(runtime)) as kept:
        letters = _Letters(runtime, stop)
        letters.keep()
        outbox = _Outbox(runtime, kept, stop, ends_after) if emits else None
        clock = runtime.world.clock
        worker = Simulation(kept, clock, stop, trouble, letters.bury, runtime.registry)
        most = PREFETCH if trouble.delay < _SLOW else 1
        sources: dict[str, Source] = {name: ServiceQueue(name, most) for name in services}
        sources |= {_TAP: Tap()} if watches else {}
        together = _consumers(runtime, sources, stop)
        try:
            yield from _run(together, worker, len(sources), letters, outbox)
        finally:
            is_over = True
            together.leave()


def _run(
    together: Together,
    worker: Simulation,
    wanted: int,
    letters: "_Letters",
    outbox: "_Outbox | None",
) -> Iterator[Happened]:
    ready: dict[str, Listening] = {}
    for happened in together.happenings():
        if happened is None:
            yield None
        else:
            name, what = happened
            if isinstance(what, list):
                try:
                    yield from (
                        _published(worker, what) if name == _TAP else worker.handle(name, what)
                    )
                finally:
                    together.settle(name, Settled(worker.done, worker.back))
            elif isinstance(what, Listening):
                ready[name] = what
                if len(ready) == wanted:
                    yield Ready({each: ready[each] for each in SERVICES if each in ready})
            elif isinstance(what, Interrupted | Resumed):
                yield what
        letters.keep()
        if outbox and len(ready) == wanted:
            yield from outbox.send()


def _published(worker: Simulation, batch: Sequence[Delivery]) -> Iterator[Published]:
    worker.done, worker.back = [each.token for each in batch], []
    yield from (Published(examine(each, worker.registry)) for each in batch)


def _consumers(runtime: Runtime, sources: Mapping[str, Source], stop: Stop) -> Together:
    """Open a consumer a source; the first alone tells of its attempts."""
    settings, note = runtime.connection, runtime.printer.note
    notes = [note, *[silent] * len(sources)]
    return Together(
        {
            name: runtime.world.open_consumer(settings, source, tell, stop, Retry())
            for (name, source), tell in zip(sources.items(), notes, strict=False)
        }
    )


@dataclass
class _Letters:
    """The queue of dead letters, declared again before it expires."""

    runtime: Runtime
    stop: Stop
    _kept_at: float = float("-inf")

    def keep(self, *, at_once: bool = False) -> None:
        """Declare it when that is due."""
        now = self.runtime.world.clock.monotonic()
        if now - self._kept_at < KEEP_ALIVE_SECONDS and not at_once:
            return
        try:
            declare(self.runtime, DEAD_LETTER_QUEUE, (), self.stop, silent)
        except BrokerUnreachable:
            if self._kept_at == float("-inf"):
                raise
        self._kept_at = now

    def bury(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        """Send dead letters; while the broker is away none gets there."""
        self.keep(at_once=True)
        try:
            yield from _sent(self.runtime, messages)
        except BrokerUnreachable as error:
            self.runtime.printer.warning(f"invalid events wait in their queues: {error.message}")


@dataclass
class _Outbox:
    """The completions that are due, or weren't confirmed."""

    runtime: Runtime
    state: SimulatedState
    stop: Stop
    ends_after: float | None
    _looked_at: float = float("-inf")
    _tried: set[str] = field(default_factory=set)  # tried in this run; another tries again

    def send(self) -> Iterator[Emitted]:
        """Send what is due, looked for once a second."""
        clock = self.runtime.world.clock
        if clock.monotonic() - self._looked_at < EMIT_SECONDS or self.stop.is_requested:
            return
        self._looked_at = clock.monotonic()
        now = clock.now()
        if self.ends_after is not None:
            until = rfc3339(now - timedelta(seconds=self.ends_after))
            for stage_id, student_id in self.state.ended(until):
                self.state.put(completion(stage_id, student_id, now))
        due = [each for each in self.state.outbox() if each.stage_id not in self._tried]
        try:
            for each in emit(self.runtime, self.state, due):
                if each.outcome is not Outcome.UNKNOWN:
                    self._tried.add(each.made.stage_id)
                yield each
        except BrokerUnreachable as error:
            self.runtime.printer.warning(f"completions wait in the outbox: {error.message}")


def emit(runtime: Runtime, kept: SimulatedState, due: Sequence[Completion]) -> Iterator[Emitted]:
    """Send completions; one that is confirmed is never sent again."""
    by_position = dict(enumerate(due, 1))
    for receipt in _sent(runtime, [each.message(at) for at, each in by_position.items()]):
        made = by_position[receipt.position]
        if receipt.outcome is Outcome.CONFIRMED:
            at = rfc3339(runtime.world.clock.now())
            kept.sent(made.message_id, at)
            made = made._replace(sent_at=at)
        yield Emitted(made, receipt.outcome, receipt.reason)


def _sent(runtime: Runtime, messages: Sequence[Message]) -> Iterator[Receipt]:
    """Send on a connection of its own, and give the receipts."""
    if not messages:
        return
    tell = runtime.trace or silent
    policy = PublishPolicy()
    with runtime.world.open_publisher(runtime.connection, policy, tell, Stop()) as publisher:
        yield from publisher.publish(messages)


def reset(runtime: Runtime) -> tuple[ShownReset, list[str]]:
    """Remove the services' state and queues; tell of what was removed, and what isn't ours.

    TopologyError while a run consumes one of them: then nothing is.
    """
    from medtrack_cli.broker.amqp import taps

    settings, note = runtime.connection, runtime.printer.note
    own = [*(ServiceQueue(each).own for each in SERVICES), DEAD_LETTER_QUEUE]
    with runtime.world.stop_on_signals() as stop:
        there = [each for each in own if _is_there(runtime, each, note, stop)]
        removed, left = [], []
        for each in there:
            try:
                taps.delete_queue(settings, each, silent, stop)
                removed.append(each.name)
            except TopologyError:
                left.append(each.name)
    path = state_path(runtime)
    return ShownReset(str(path) if remove(path) else None, removed), left


def _is_there(runtime: Runtime, queue: OwnQueue, note: Callable[[str], None], stop: Stop) -> bool:
    from medtrack_cli.broker.amqp import taps

    try:
        _ready, consumers = taps.standing(runtime.connection, queue.name, note, stop)
    except TopologyError:
        return False
    if consumers:
        what = f"queue {queue.name!r} is consumed, so nothing was removed"
        hint = "end `medtrack simulate run` first"
        raise TopologyError(what, runtime.connection.describe(), hint=hint)
    return True
