"""What publish and replay have in common: receipts as they come, one summary, one exit code."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial

from medtrack_cli.commands.confirming import confirm, told_of
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import PublishPolicy, Stop
from medtrack_cli.core.publishing.deliver import Tally
from medtrack_cli.core.publishing.job import Job, Pace
from medtrack_cli.errors import ExitCode, MedtrackError
from medtrack_cli.output.shown.receipts import ShownMessage, ShownReceipt, group_of
from medtrack_cli.runtime import Runtime

_NOBODY = "unroutable: no queue wants them. Try again with `medtrack listen` in another terminal"
_KINDS = {"publish": Kind.PUBLISHED, "replay": Kind.REPLAYED}


def carry_out(
    runtime: Runtime,
    action: str,
    job: Job,
    policy: PublishPolicy,
    pace: Callable[[Stop], Pace | None],
    *,
    is_checked: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Check a job where it can be, then print what it would send, or ask, and send it.

    `action` is publish or replay; `pace` makes what holds messages back, until stopped.
    """
    kind, aside = _KINDS[action], job.tally.aside if action == "replay" else {}
    if is_checked:
        _check(runtime, kind, job)
    if job.is_refused:
        receipts = job.unsent()
        if dry_run:
            return _print_only(runtime, receipts, aside, None)
        return _report(runtime, kind, job.tally, receipts)
    if dry_run:
        with runtime.world.stop_on_signals() as stop:
            return _print_only(runtime, job.outgoing(), aside, policy.timeout, job.opened(stop))
    everything = job.everything if job.can_be_made_again else None
    confirm(runtime, action, partial(told_of, runtime, everything), yes=yes)
    return _send(runtime, kind, job, policy, pace)


def _check(runtime: Runtime, kind: Kind, job: Job) -> None:
    """Check all before anything is sent."""
    try:
        with runtime.printer.progress(lambda: f"{job.events:,} events checked"):
            job.check()
    except KeyboardInterrupt:
        runtime.printer.warning("interrupted while checking: nothing was sent")
        _report(runtime, kind, Tally(), (), ExitCode.INTERRUPTED)
        raise


def _send(
    runtime: Runtime,
    kind: Kind,
    job: Job,
    policy: PublishPolicy,
    pace: Callable[[Stop], Pace | None],
) -> int:
    """Send, print each receipt as it is known, then the summary; return the exit code.

    What ended the run early is raised after the summary, which carries its exit code.
    """
    started = runtime.world.clock.monotonic()
    expected = job.events - job.tally.aside["done_before"] or None

    def line() -> str:
        seconds = runtime.world.clock.monotonic() - started
        return job.tally.so_far(seconds, expected, publisher.in_flight)

    settings = runtime.connection  # it may ask a person, whom Ctrl-C lets go
    with runtime.world.stop_on_signals() as stop:
        publisher = runtime.world.open_publisher(settings, policy, runtime.printer.note, stop)
        failure: Exception | None = None
        try:
            with runtime.printer.progress(line), job.opened(stop):
                failure = _print_all(runtime, job.tally, job.run(publisher, stop, pace(stop)))
        except MedtrackError as error:  # of where they come from
            failure = failure or error
        return _finish(runtime, kind, job.tally, started, failure, stopped=stop.exit_code)


def _report(
    runtime: Runtime,
    kind: Kind,
    tally: Tally,
    receipts: Iterable[Receipt],
    stopped: int | None = None,
) -> int:
    """Print receipts of events that are not sent, and the summary."""
    started = runtime.world.clock.monotonic()
    failure = _print_all(runtime, tally, receipts)
    return _finish(runtime, kind, tally, started, failure, stopped=stopped)


def _print_all(runtime: Runtime, tally: Tally, receipts: Iterable[Receipt]) -> Exception | None:
    """Print receipts to their end, and give what ended them early: a bug has its summary, too."""
    left = iter(receipts)
    while True:
        try:
            receipt = next(left)
        except StopIteration:
            return None
        except Exception as error:  # noqa: BLE001 -- raised behind the summary
            return error
        tally.add(receipt)
        runtime.printer.show(ShownReceipt(receipt), group_of(receipt))


def _finish(
    runtime: Runtime,
    kind: Kind,
    tally: Tally,
    started: float,
    failure: Exception | None,
    *,
    stopped: int | None,
) -> int:
    """Print the summary, and raise the failure; `stopped` is a signal's exit code."""
    ended = failure.exit_code if isinstance(failure, MedtrackError) else failure and ExitCode.BUG
    code = ended or stopped or tally.exit_code
    seconds = round(runtime.world.clock.monotonic() - started, 3)
    counted = {**{outcome.value: tally[outcome] for outcome in Outcome}, **tally.aside}
    numbers = {"total": tally.total, **counted, "seconds": seconds, "exit_code": code}
    sentence = f"{kind} {tally.total:,}: {_listed(counted) or 'nothing'} ({seconds:.2f} s)"
    runtime.printer.summary(kind, {**runtime.config.target._asdict(), **numbers}, sentence)
    if tally[Outcome.UNROUTABLE] and code == ExitCode.VERDICT_NO:
        way_out = ", or with --allow-unroutable" if kind is Kind.PUBLISHED else ""
        runtime.printer.note(_NOBODY + way_out)
    if failure is not None:
        raise failure
    return code


def _listed(counts: Mapping[str, int]) -> str:
    """List what was counted; `left_out` is the sum of what is left out by each condition."""
    return ", ".join(
        f"{count:,} {_named(name)}"
        for name, count in counts.items()
        if count and name != "left_out"
    )


def _named(counter: str) -> str:
    condition = counter.removeprefix("left_out_").replace("_", "-")
    if condition == "time":
        return "of another time"
    return (
        f"left out by --{condition}"
        if counter.startswith("left_out_")
        else counter.replace("_", " ")
    )


def _print_only(
    runtime: Runtime,
    outgoing: Iterable[Message | Receipt],
    aside: Mapping[str, int],
    timeout: float | None,
    opened: AbstractContextManager[object] | None = None,
) -> int:
    """Print what would be sent, and the queues it would reach; what is invalid, its findings.

    `aside` counts what is no part of `outgoing`, by reason; read when that has been gone through.
    `opened` is where it comes from. The queues are asked for no longer than the `timeout`.
    """
    from medtrack_cli.wiring import brokers

    printer, reach = runtime.printer, cache(lambda: brokers.reach(runtime, timeout))
    sendable = undelivered = invalid_sent = 0
    tally = Tally()
    with opened or nullcontext():
        for each in outgoing:
            if isinstance(each, Receipt):
                tally.add(each)
                printer.show(ShownReceipt(each), group_of(each))
            else:
                queues = reach()(each)
                sendable += 1
                invalid_sent += not each.is_valid
                undelivered += queues == []
                printer.show(ShownMessage(each, queues))
    total, invalid = sendable + tally.total, tally[Outcome.INVALID]
    code = ExitCode.VERDICT_NO if invalid else ExitCode.DONE
    numbers = {"total": total, "would_send": sendable, "invalid": invalid}
    sentence = "dry run: nothing would be sent"
    if total:
        sentence = f"dry run: would send {sendable:,} of {total:,}, nothing sent"
    counts = {**aside, "invalid_sent": invalid_sent}
    left = {name: count for name, count in counts.items() if count}
    if left:
        sentence += f"; besides: {_listed(left)}"
    if undelivered:
        sentence += f"; {undelivered:,} would reach no queue"
    printer.summary(Kind.DRY_RUN, {**numbers, **left, "exit_code": code}, sentence)
    return code
