"""medtrack replay --from-queue: dead letters sent back."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from medtrack_cli.commands.arguments import refuse_queue_name
from medtrack_cli.commands.confirm import ask, needs_yes
from medtrack_cli.commands.replay_job import (
    name_of,
    refresh,
    rewrite_of,
    selection_of,
    target_of,
)
from medtrack_cli.commands.replay_options import Redriving, Running
from medtrack_cli.commands.replay_pace import pace_of, policy_of
from medtrack_cli.core.choices import Invalid, To
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.commands.replay_run import Asked
    from medtrack_cli.core.publishing.replay import Replay
    from medtrack_cli.wiring.redriving import DeadQueue

# In flight. After a kill these are sent again, with originals not acknowledged yet and what a
# quorum queue's channel has not reported (98 and more, seen with 3.10.8): 500 in all.
WINDOW = 200


def redrive(asked: "Asked", redriving: Redriving, running: Running) -> int:
    """Send the dead letters of a queue back."""
    from medtrack_cli.commands.replay_run import QUEUE, under_journal
    from medtrack_cli.commands.sending import carry_out
    from medtrack_cli.core.dead_letters import Deaths
    from medtrack_cli.core.publishing.outline import Outline
    from medtrack_cli.core.publishing.redrive import Wanted
    from medtrack_cli.wiring.brokers import here
    from medtrack_cli.wiring.redriving import dead_queue, job_of
    from medtrack_cli.wiring.runs import begun

    runtime, pacing = asked.runtime, asked.pacing
    queue = _queue_of(asked, redriving)
    target = target_of(runtime, asked.changing, has_broker=True)
    policy = policy_of(pacing, running.retry_for, WINDOW)
    pace = pace_of(target, replace(pacing, speed="max"), policy)
    replay = _replay(asked, target, redriving, running)
    outline = Outline(
        replay.name, here(target), rate=pacing.rate, deaths=Deaths() if running.dry_run else None
    )
    found, journal = dead_queue(runtime, queue, spends=redriving.spend_deliveries), None
    if not running.dry_run:
        _warn(runtime, found, pacing.rate)
        if not running.yes:
            _ask(runtime, target, found, redriving, replay.rewrite.to)
        asked = replace(asked, runtime=target, sources=[f"{QUEUE}{queue}"])
        journal = begun(target, replay, None, asked.started, asked.to_json())
    job = job_of(
        *(runtime, found, replay),
        Wanted(
            tuple(redriving.reason or ()), tuple(redriving.died_in or ()), redriving.max_redrives
        ),
        record=redriving.record,
        spends=redriving.spend_deliveries,
        deaths=outline.deaths,
        origin=here(runtime),
        journal=journal,
    )
    refresh(target, job, replay)
    send = partial(
        carry_out,
        *(target, "replay", job, policy, pace),
        is_checked=False,
        dry_run=running.dry_run,
        yes=True,
        outline=outline,
    )
    if journal is None:
        return send()
    return under_journal(target, journal, job, [queue], send)


def _replay(asked: "Asked", target: Runtime, redriving: Redriving, running: Running) -> "Replay":
    """Decide what is sent, where to, and with which key: by default to the queue each died in."""
    from medtrack_cli.core.publishing.replay import Replay, run_name
    from medtrack_cli.wiring.brokers import here

    runtime, changing = asked.runtime, asked.changing
    to = changing.to or (None if redriving.to_queue else To.QUEUE)
    mends = bool(changing.set_)
    return Replay(
        name_of(running.name) or run_name(runtime.world.clock.now()),
        uuid4(),
        selection_of(runtime, asked.choosing, Invalid.SEND if mends else Invalid.SKIP),
        replace(rewrite_of(runtime, changing), to=to, to_queue=redriving.to_queue, mends=mends),
        runtime.registry,
        command=f"medtrack replay --from-queue {redriving.from_queue}",
        target=None if changing.real_persons else here(target),
        ends_at_limit=not running.dry_run,
    )


def _queue_of(asked: "Asked", redriving: Redriving) -> str:
    """Refuse options that don't fit a queue as the source; return its name."""
    sources, flags, changing, pacing = (
        asked.sources,
        asked.runtime.flags,
        asked.changing,
        asked.pacing,
    )
    queue = redriving.from_queue or ""
    refuse_queue_name("--from-queue", queue)
    refuse_queue_name("--to-queue", redriving.to_queue)
    if sources:
        raise UsageError("--from-queue goes without a SOURCE", sources[0], hint="leave out one")
    if changing.pseudonymize:
        hint = "leave it out: what leaves a queue is nowhere else"
        raise UsageError("--pseudonymize is of recordings", queue, hint=hint)
    if redriving.to_queue and changing.to:
        raise UsageError("--to-queue goes without --to", redriving.to_queue, hint="leave out one")
    if changing.key_prefix and changing.to is not To.EXCHANGE:
        hint = "--to exchange: a queue is reached by its name alone"
        raise UsageError("--key-prefix is of keys that an exchange sees", hint=hint)
    if "exchange" in flags and changing.to is not To.EXCHANGE:
        hint = "--to exchange: a queue is reached by its name alone"
        raise UsageError("--exchange is of what goes to one", flags["exchange"], hint=hint)
    if redriving.to_queue == queue:
        raise UsageError("--to-queue names the queue itself", queue, hint="name another queue")
    if pacing.speed not in {"1", "max"}:
        raise UsageError("--speed is of recordings", pacing.speed, hint="--rate N, of a queue")
    if pacing.max_gap is not None:
        raise UsageError("--max-gap is of recordings", hint="--rate N, of a queue")
    return queue


def _warn(runtime: Runtime, found: "DeadQueue", rate: float | None) -> None:
    """Warn beforehand of what keeps a run from doing all."""
    from medtrack_cli.core.publishing.redrive import BOUNDS

    if found.consumers:
        runtime.printer.warning(f"{found.consumers:,} others consume from {found.name}")
    if rate and found.ready > rate * BOUNDS.seconds:
        most = f"{rate * BOUNDS.seconds:,.0f} of {found.ready:,}"
        end = f"it ends after {BOUNDS.seconds / 60:.0f} minutes, and the same command goes on"
        runtime.printer.warning(f"at this rate a run sends {most}: {end}")


def _ask(
    source: Runtime, target: Runtime, found: "DeadQueue", redriving: Redriving, to: To | None
) -> None:
    """Ask before messages are taken: for the target's name, or the source's, if it is protected."""
    from medtrack_cli.wiring.brokers import reached

    asker = target if target.config.protector else source
    if not asker.terminal.has_person:
        raise needs_yes(asker, "replay --from-queue", "it takes messages out of a queue")
    ways = {
        To.QUEUE: "the queue each died in, alone; it arrives with the queue's name as its key",
        To.EXCHANGE: "the exchange it was first published to: all queues bound there may get it",
        None: f"queue {redriving.to_queue}, with its name as the routing key",
    }
    told = [
        ("queue", f"{found.name} ({found.kind}), {found.ready:,} waiting"),
        ("to", ways[to]),
    ]
    if target is not source:
        broker = source.config.address()
        told.insert(0, ("from", f"{broker['broker']}, vhost {broker['vhost']}"))
    if to is To.EXCHANGE:
        told += [("reaches", each) for each in reached(target)]
    lines = [*target.config.address().items(), *told]
    asked = ["replay sends the dead letters of a queue home", *(f"  {a:<9} {b}" for a, b in lines)]
    ask(asker, "replay", asked)
