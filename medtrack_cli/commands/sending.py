"""What publish and replay share: receipts as they come, one summary, one exit code."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from medtrack_cli.commands.confirm import confirm, told_of
from medtrack_cli.commands.guarding import Guard
from medtrack_cli.commands.rehearsing import rehearse
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.messages import Outcome, Receipt
from medtrack_cli.core.ports import PublishPolicy, Stop
from medtrack_cli.core.publishing.job import Job, Tally
from medtrack_cli.core.publishing.pacing import LAG_SECONDS, Paced
from medtrack_cli.errors import ExitCode, MedtrackError
from medtrack_cli.output.shown.plans import listed
from medtrack_cli.output.shown.receipts import ShownReceipt, group_of
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.publishing.outline import Outline

_NOBODY = "unroutable: no queue wants them. Try again with `medtrack listen` in another terminal"
_KINDS = {"publish": Kind.PUBLISHED, "replay": Kind.REPLAYED}


def carry_out(
    runtime: Runtime,
    action: str,
    job: Job,
    policy: PublishPolicy,
    pace: Callable[[Stop], Paced | None],
    *,
    is_checked: bool,
    dry_run: bool,
    yes: bool,
    outline: "Outline | None" = None,
) -> int:
    """Check a job where that is possible, then print what it would send, or ask, and send it.

    `action` is publish or replay; `pace` makes what delays messages, until stopped. With an
    `outline`, people are shown the plan in place of the messages.
    """
    sending = _Sending(runtime, _KINDS[action], job, policy, pace)
    omitted = job.tally.omitted if action == "replay" else {}
    guard = Guard(runtime, outline, yes=yes) if outline and not dry_run else None
    if is_checked:
        if guard:  # a dry run reads all once more
            job.outline = outline
            guard.foretell(policy.timeout)
        sending.check()
    if job.is_refused:
        receipts = job.unsent()
        return rehearse(runtime, receipts, omitted) if dry_run else sending.report(receipts)
    if dry_run:
        coming = runtime, job.outgoing(), omitted, policy.timeout
        if job.opened is None:
            return rehearse(*coming, outline=outline)
        with runtime.world.stop_on_signals() as stop:
            return rehearse(
                *coming,
                outline=outline,
                opened=job.opened(stop),
                ended=lambda: stop.exit_code or job.tally.exit_code,
            )
    if guard:
        guard.ask(is_counted=is_checked, known=job.known and job.known[0])
        job.guard = iter if is_checked else guard.passing
    else:
        everything = job.everything if job.can_be_made_again else None
        confirm(runtime, action, partial(told_of, runtime, everything), yes=yes)
    return sending.send()


@dataclass(frozen=True)
class _Sending:
    """A job, and how it is sent and shown."""

    runtime: Runtime
    kind: Kind
    job: Job
    policy: PublishPolicy
    pace: Callable[[Stop], Paced | None]

    def check(self) -> None:
        """Check all before anything is sent."""
        job, printer = self.job, self.runtime.printer
        try:
            with printer.progress(lambda: f"{job.events:,} events checked"):
                job.check()
        except KeyboardInterrupt as wish:
            printer.warning("interrupted while checking: nothing was sent")
            job.tally = Tally()
            self.report((), wish.args[0] if wish.args else ExitCode.INTERRUPTED)
            raise

    def send(self) -> int:
        """Send, print each receipt as it comes, then the summary; return the exit code.

        What ended the run early is raised after the summary, which has its exit code.
        """
        runtime, job, clock = self.runtime, self.job, self.runtime.world.clock
        started = clock.monotonic()
        expected = job.events - job.tally.omitted["done_before"] or None

        def line() -> str:
            seconds = clock.monotonic() - started
            so_far = job.tally.so_far(seconds, expected, publisher.in_flight)
            return ", ".join((so_far, *(held_back.so_far() if held_back else ())))

        settings = runtime.connection  # it may ask a person, who may press Ctrl-C
        with runtime.world.stop_on_signals() as stop:
            note = runtime.printer.note
            publisher = runtime.world.open_publisher(settings, self.policy, note, stop)
            held_back, failure = self.pace(stop), None
            opened = job.opened(stop) if job.opened else nullcontext()
            try:
                with runtime.printer.progress(line), opened:
                    failure = self._print_all(job.run(publisher, stop, held_back))
            except MedtrackError as error:  # of their origin
                failure = failure or error
            if held_back:
                held_back.close()
                job.tally.lag = held_back.greatest_lag
            if failure is None and stop.exit_code is None:
                job.count_gone()
            return self._finish(started, failure, stopped=stop.exit_code)

    def report(self, receipts: Iterable[Receipt], stopped: int | None = None) -> int:
        """Print receipts of events that are not sent, and the summary."""
        started = self.runtime.world.clock.monotonic()
        return self._finish(started, self._print_all(receipts), stopped=stopped)

    def _print_all(self, receipts: Iterable[Receipt]) -> Exception | None:
        """Print all, and return what ended them early: even after a bug there is a summary."""
        left, tally, show = iter(receipts), self.job.tally, self.runtime.printer.show
        while True:
            try:
                receipt = next(left)
            except StopIteration:
                return None
            except Exception as error:  # noqa: BLE001 -- raised after the summary
                return error
            tally.add(receipt)
            show(ShownReceipt(receipt), group_of(receipt))

    def _finish(self, started: float, failure: Exception | None, *, stopped: int | None) -> int:
        """Print the summary, and raise the failure; `stopped` is a signal's exit code."""
        runtime, kind, job, tally = self.runtime, self.kind, self.job, self.job.tally
        bug = failure and ExitCode.BUG
        ended = failure.exit_code if isinstance(failure, MedtrackError) else bug
        code = ended or stopped or tally.exit_code
        seconds = round(runtime.world.clock.monotonic() - started, 3)
        counted = {**{outcome.value: tally[outcome] for outcome in Outcome}, **tally.omitted}
        lag = {"lag_seconds": round(tally.lag, 3)} if tally.lag > LAG_SECONDS else {}
        numbers = {"total": tally.total, **counted, **lag, "seconds": seconds, "exit_code": code}
        sentence = f"{kind} {tally.total:,}: {listed(counted) or 'nothing'} ({seconds:.2f} s)"
        if lag:
            sentence += f"; up to {tally.lag:,.1f} s behind the recorded pace"
        names = {**({"run": job.name} if job.name else {}), **runtime.config.target._asdict()}
        runtime.printer.summary(kind, {**names, **numbers}, sentence)
        if tally.unwanted and code == ExitCode.VERDICT_NO:
            way_out = ", or with --allow-unroutable" if kind is Kind.PUBLISHED else ""
            runtime.printer.note(_NOBODY + way_out)
        if failure is not None:
            raise failure
        return code
