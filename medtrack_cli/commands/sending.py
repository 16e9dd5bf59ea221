"""What publish and replay have in common: receipts as they come, one summary, one exit code."""

from collections.abc import Callable, Iterable, Iterator

from medtrack_cli.core.deliver import Tally
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Publisher, PublishPolicy, Stop
from medtrack_cli.errors import ExitCode, MedtrackError
from medtrack_cli.runtime import Runtime, exit_code_of

Deliver = Callable[[Publisher, Stop], Iterator[Receipt]]


def send(runtime: Runtime, kind: str, policy: PublishPolicy, tally: Tally, deliver: Deliver) -> int:
    """Deliver, print each receipt as it is known, then the summary; return the exit code.

    What ended the run early is raised after the summary, which carries its exit code.
    """
    with runtime.stop_on_signals() as stop:
        publisher = runtime.world.open_publisher(
            runtime.connection, policy, runtime.printer.note, stop
        )
        return report(runtime, kind, tally, deliver(publisher, stop), stop)


def report(
    runtime: Runtime, kind: str, tally: Tally, receipts: Iterator[Receipt], stop: Stop | None = None
) -> int:
    """Print receipts and their summary."""
    clock, printer = runtime.world.clock, runtime.printer
    started = clock.monotonic()
    failure: MedtrackError | None = None
    try:
        for receipt in receipts:
            tally.add(receipt)
            printer.receipt(receipt)
    except MedtrackError as error:
        failure = error
    code = exit_code_of(
        stop.exit_code if stop else None, failure.exit_code if failure else None, tally.exit_code
    )
    seconds = round(clock.monotonic() - started, 3)
    numbers = {
        "total": tally.total,
        **{outcome.value: tally[outcome] for outcome in Outcome},
        **tally.aside,
        "seconds": seconds,
        "exit_code": code,
    }
    counted = {**{outcome.value: tally[outcome] for outcome in Outcome}, **tally.aside}
    counts = [f"{count:,} {name.replace('_', ' ')}" for name, count in counted.items() if count]
    printer.summary(
        kind, numbers, f"{kind} {tally.total:,}: {', '.join(counts) or 'nothing'} ({seconds:.2f} s)"
    )
    if failure is not None and not (stop and stop.is_requested):
        raise failure
    return code


def print_only(runtime: Runtime, outgoing: Iterable[Message | Receipt]) -> int:
    """Print what would be sent; what is invalid shows its findings."""
    printer = runtime.printer
    total = invalid = 0
    for total, each in enumerate(outgoing, 1):  # noqa: B007 -- counted
        if isinstance(each, Receipt):
            invalid += 1
            printer.receipt(each)
        else:
            printer.message(each)
    code = ExitCode.VERDICT_NO if invalid else ExitCode.DONE
    numbers = {"total": total, "would_send": total - invalid, "invalid": invalid, "exit_code": code}
    sentence = f"dry run: would send {total - invalid:,} of {total:,}, nothing sent"
    printer.summary("dry_run", numbers, sentence)
    return code
