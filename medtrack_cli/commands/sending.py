"""What publish and replay have in common: receipts as they come, one summary, one exit code."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from medtrack_cli.core.deliver import Tally
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Publisher, PublishPolicy, Stop
from medtrack_cli.errors import ExitCode, MedtrackError
from medtrack_cli.output.shown.receipts import ShownMessage, ShownReceipt
from medtrack_cli.runtime import Runtime

Deliver = Callable[[Publisher, Stop], Iterator[Receipt]]


def send(
    runtime: Runtime,
    kind: Kind,
    policy: PublishPolicy,
    tally: Tally,
    deliver: Deliver,
    *,
    expected: int | None = None,
) -> int:
    """Deliver, print each receipt as it is known, then the summary; return the exit code.

    `expected` is how many events there are, where that is known. What ended the run early is
    raised after the summary, which carries its exit code.
    """
    started = runtime.world.clock.monotonic()

    def line() -> str:
        seconds = runtime.world.clock.monotonic() - started
        return tally.so_far(seconds, expected, publisher.in_flight)

    settings = runtime.connection  # it may ask a person, whom Ctrl-C lets go
    with runtime.world.stop_on_signals() as stop:
        publisher = runtime.world.open_publisher(settings, policy, runtime.printer.note, stop)
        with runtime.printer.progress(line):
            receipts = deliver(publisher, stop)
            failure = _print_all(runtime, tally, receipts)
        return _finish(runtime, kind, tally, started, failure, stopped=stop.exit_code)


def report(
    runtime: Runtime, tally: Tally, receipts: Iterable[Receipt], stopped: int | None = None
) -> int:
    """Print receipts of events that are not published, and the summary."""
    started = runtime.world.clock.monotonic()
    failure = _print_all(runtime, tally, receipts)
    return _finish(runtime, Kind.PUBLISHED, tally, started, failure, stopped=stopped)


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
        runtime.printer.show(ShownReceipt(receipt), receipt.outcome)


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
    if failure is not None:
        raise failure
    return code


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count
    )


def print_only(
    runtime: Runtime,
    outgoing: Iterable[Message | Receipt],
    aside: Mapping[str, int] | None = None,
    timeout: float | None = None,
) -> int:
    """Print what would be sent, and the queues it would reach; what is invalid, its findings.

    `aside` counts what is no part of `outgoing`, by reason; read when that has been gone through.
    The queues are asked for no longer than the `timeout`.
    """
    from medtrack_cli.wiring import brokers

    printer, reach = runtime.printer, cache(lambda: brokers.reach(runtime, timeout))
    sendable = undelivered = 0
    tally = Tally()
    for each in outgoing:
        if isinstance(each, Receipt):
            tally.add(each)
            printer.show(ShownReceipt(each), each.outcome)
        else:
            queues = reach()(each)
            sendable += 1
            undelivered += queues == []
            printer.show(ShownMessage(each, queues))
    total, invalid = sendable + tally.total, tally[Outcome.INVALID]
    code = ExitCode.VERDICT_NO if invalid else ExitCode.DONE
    numbers = {"total": total, "would_send": sendable, "invalid": invalid}
    sentence = f"dry run: would send {sendable:,} of {total:,}, nothing sent"
    left = {name: count for name, count in (aside or {}).items() if count}
    if left:
        sentence += f"; besides: {_listed(left)}"
    if undelivered:
        sentence += f"; {undelivered:,} would reach no queue"
    printer.summary(Kind.DRY_RUN, {**numbers, **left, "exit_code": code}, sentence)
    return code
