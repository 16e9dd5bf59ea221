"""A queue of dead letters as the source of a job."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from medtrack_cli.core.checked import examine
from medtrack_cli.core.choices import Invalid
from medtrack_cli.core.dead_letters import Deaths
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import PublishPolicy, Stop, silent
from medtrack_cli.core.publishing.job import Job, Tally
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.publishing.redrive import Redrive, Wanted
from medtrack_cli.core.publishing.replay import Replay
from medtrack_cli.core.publishing.selection import EVERYTHING
from medtrack_cli.plural import counted
from medtrack_cli.runtime import Runtime
from medtrack_cli.wiring.queues import standing_queue
from medtrack_cli.wiring.recordings import Recorder, recorder
from medtrack_cli.wiring.runs import ReplayJournal


class DeadQueue(NamedTuple):
    """A queue as it was before it is read. `limit`: of deliveries, None: no limit."""

    name: str
    kind: str
    ready: int
    consumers: int
    limit: int | None


def dead_queue(runtime: Runtime, name: str, *, spends: bool) -> DeadQueue:
    """Read a queue's ready messages, its consumers and its delivery limit.

    The management API must give the limit, unless it `spends`.
    """
    from medtrack_cli.broker.management.client import Unanswered
    from medtrack_cli.broker.management.topology import delivery_limit

    settings = runtime.connection
    with runtime.world.stop_before_more() as stop:
        ready, consumers = standing_queue(settings, name, stop)
    try:
        kind, limit = delivery_limit(settings, name)
    except Unanswered as error:
        if not spends:
            failure = error.fatal(settings)
            failure.hint = f"{failure.hint}; --spend-deliveries goes on though no limit is known"
            raise failure from None
        kind, limit = "of a type that isn't known", None
    return DeadQueue(name, kind, ready, consumers, limit)


def job_of(  # noqa: PLR0913 -- one parameter a decision of the caller
    runtime: Runtime,
    found: DeadQueue,
    replay: Replay,
    wanted: Wanted,
    *,
    record: Path | None,
    spends: bool,
    deaths: Deaths | None,
    origin: Origin,
    journal: ReplayJournal | None,
) -> Job:
    """Make the job that sends a queue's dead letters back; with `deaths`, a dry run.

    `deaths` counts them, whether they would be sent or not.
    """
    settings = runtime.connection
    tell = runtime.trace or silent
    is_dry = deaths is not None
    record = None if is_dry else record
    chooses = replace(replay.selection, invalid=Invalid.SEND) != EVERYTHING
    returns = is_dry or chooses or bool(wanted.reasons or wanted.died_in)
    tally = Tally()

    def copy(messages: Sequence[Message]) -> Iterator[Receipt]:
        if not messages:
            return
        with runtime.world.open_publisher(settings, PublishPolicy(), tell, Stop()) as publisher:
            yield from publisher.publish(messages)

    @contextmanager
    def opened(stop: Stop) -> Iterator[None]:
        keep = recorder(runtime, record, include_replays=True) if record else None
        with (
            closing(keep) if keep else nullcontext(),
            runtime.world.open_queue_reader(settings, found.name, tell, stop) as reader,
        ):
            if keep:
                redrive.keep = partial(_keep, keep, runtime)
            try:
                redrive.begin(reader)
                yield
            finally:
                try:
                    redrive.settle(copy)
                finally:  # its connection may be lost: then all held messages are back
                    _account(redrive, tally)
                    _tell(runtime, redrive, stop)

    if journal:
        replay = replace(replay, run=journal.run)
    redrive = Redrive(
        *(found.name, replay, wanted, runtime.world.clock, found.limit, returns, spends),
        *(origin, deaths, journal, "exchange" not in runtime.flags),
    )
    made = Job(redrive.make, tally, can_be_made_again=False, journal=redrive, opened=opened)
    made.name = replay.name
    return made


def _keep(recorder: Recorder, runtime: Runtime, delivery: Delivery) -> None:
    """Write an original to disk before its copy is sent."""
    recorder.write(examine(delivery, runtime.registry))
    recorder.flush()


def _account(redrive: Redrive, tally: Tally) -> None:
    """Count the queue's messages beside the events: seen is redriven plus left."""
    tally.is_cut_short = bool(redrive.bound or redrive.unreturned)
    if redrive.deaths is not None:
        return  # a dry run leaves all
    left = redrive.taken - redrive.redriven
    numbers = {"seen": redrive.taken, "redriven": redrive.redriven, "left": left}
    tally.omitted.update(numbers, arrived_since=redrive.arrived_since)


def _tell(runtime: Runtime, redrive: Redrive, stop: Stop) -> None:
    if redrive.deaths is not None and redrive.limit is not None:
        cost = f"each of the {redrive.taken:,} has one delivery less of {redrive.limit:,}"
        runtime.printer.note(f"looking is not free here: {cost}")
    if redrive.unreturned:
        what = counted(redrive.unreturned, "message")
        runtime.printer.warning(
            f"{what} had no delivery left, and {redrive.queue} took no copy: the broker drops "
            "what was held, or it dies again"
        )
    if redrive.bound and not stop.is_requested:
        waits = counted(redrive.at_start - redrive.redriven, "message")
        end = f"the run ends here, and {waits} wait in {redrive.queue}; {_way_on(redrive)}"
        if redrive.deaths is not None:
            end = f"the plan is of the first {redrive.taken:,} of {waits} in {redrive.queue}"
        runtime.printer.warning(f"{redrive.bound}: {end}")


def _way_on(redrive: Redrive) -> str:
    """Say how to continue: what stays is back in its place, unless it was put back one by one."""
    if redrive.is_full and redrive.limit is None:
        return "what stays comes first again, until --to-queue takes it elsewhere"
    return "the same command goes on"
