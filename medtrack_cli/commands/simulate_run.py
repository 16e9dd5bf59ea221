"""medtrack simulate run."""

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medtrack_cli.commands.numbers import number, whole
from medtrack_cli.commands.options import Panel, argument, command, flag, option
from medtrack_cli.commands.simulate_assert import AssertOptions
from medtrack_cli.errors import ExitCode, UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medtrack_cli.commands.simulate_assert import Watch
    from medtrack_cli.core.ports import Stop
    from medtrack_cli.core.simulating.reactions import Summary
    from medtrack_cli.core.simulating.trouble import Trouble
    from medtrack_cli.wiring.simulating import Happened

YES = flag(Panel.HOW, "--yes", "Don't ask beyond this machine, nor on a protected profile.")


EXAMPLES = (
    "medtrack simulate run",
    "medtrack simulate run comm auth --idle-timeout 30s -o json",
    "medtrack simulate run --emit --stage-ends-after 10s",
    "medtrack simulate run --fail-rate 0.2 --delay 500ms --seed 7",
    "medtrack simulate run --assert expect.yaml --within 30s --junit out.xml",
)


@dataclass(frozen=True)
class TroubleOptions:
    """Trouble made on purpose."""

    fail_rate: float = option(
        Panel.HOW,
        "--fail-rate PART",
        "Let this part of the tries fail, 0 to 1, so that the event comes again [0].",
        parser=number(0, 1),
        default=0.0,
    )
    delay: float = option(Panel.HOW, "--delay SECONDS", "Take so long for each event.", default=0.0)
    crash_after: int | None = option(
        Panel.HOW,
        "--crash-after N",
        "Be killed (SIGKILL) at the Nth event, when it is stored and not acknowledged.",
        parser=whole(1),
    )
    seed: int | None = option(
        Panel.HOW, "--seed N", "Let the same tries fail each time.", parser=whole(0)
    )

    def made(self) -> "Trouble":
        """Give the trouble."""
        from medtrack_cli.core.simulating.trouble import Trouble
        from medtrack_cli.wiring.simulating import kill_ourselves

        return Trouble(self.fail_rate, self.delay, self.crash_after, self.seed, kill_ourselves)


@command("run", *EXAMPLES, effect="write", connects=True)
def run(
    runtime: Runtime,
    services: list[str] | None = argument(
        "SERVICE…", "comm, auth, core, profile or eval [all].", default=None
    ),
    *,
    emit: bool = flag(
        Panel.WHAT,
        "--emit",
        "Send stage.completed for stages that end, and what `simulate complete` couldn't.",
    ),
    stage_ends_after: float | None = option(
        Panel.WHAT,
        "--stage-ends-after SECONDS",
        "With --emit: a stage ends so long after its first event [only by `simulate complete`].",
    ),
    timeout: float | None = option(
        Panel.END, "--timeout SECONDS", "End after so long: 30, 500ms, 5m, 1h."
    ),
    idle_timeout: float | None = option(
        Panel.END, "--idle-timeout SECONDS", "End when nothing came for so long."
    ),
    trouble: TroubleOptions,
    expected: AssertOptions,
    yes: bool = YES,
) -> int:
    """Stand in for services; show what they do.

    Each has a durable queue of its own, medtrack.simulated.comm and so on, bound to the events it
    reacts to. What it does is kept in a file, once for each event id, before the event is
    acknowledged. Invalid events become dead letters in medtrack.simulated.dead-letters, with the
    rules they break. A service stands in once at a time on a broker.
    """
    from medtrack_cli.commands.confirm import confirm
    from medtrack_cli.core.simulating.services import named
    from medtrack_cli.output.shown.reactions import ShownSimulated
    from medtrack_cli.wiring.simulating import simulate

    meant = named(services or ())
    if stage_ends_after is not None and not emit:
        raise UsageError("--stage-ends-after goes with --emit", hint="add --emit")
    if emit:
        refuse_protected(runtime, "--emit")
    told = {"services": ", ".join(meant)}
    confirm(runtime, "simulate run", told.items, yes=yes, beyond=True)
    with runtime.world.stop_on_signals() as stop, expected.watching(runtime, stop) as watch:
        happenings = simulate(
            *(runtime, meant, trouble.made(), stop),
            emits=emit,
            ends_after=stage_ends_after,
            watches=watch is not None,
        )
        with closing(happenings):
            limits = {"time is up": timeout, "nothing more came": idle_timeout}
            summary = _Showing(runtime, stop, limits, watch).all_of(happenings)
        if watch:
            summary.exit_code = watch.end()
    runtime.printer.tell(ShownSimulated(summary))
    return summary.exit_code


@dataclass
class _Showing:
    """Shows what happens until it is time to end."""

    runtime: Runtime
    stop: "Stop"
    limits: "Mapping[str, float | None]"  # of seconds, by why it is over then
    watch: "Watch | None"
    _since: "dict[str, float]" = field(default_factory=dict)  # the ready line, and the last event
    _away: int = 0

    def __post_init__(self) -> None:
        from medtrack_cli.core.simulating.reactions import Summary

        self.summary, self._now = Summary(), self.runtime.world.clock.monotonic
        self.stop.when(lambda: self._why_over() is not None)

    def all_of(self, happenings: "Iterator[Happened]") -> "Summary":
        """Show all, and sum up."""
        summary, began = self.summary, self._now()
        for each in happenings:
            self._show(each)
            if self.watch:
                self.watch.see(each)
        summary.seconds = self._now() - self._since.get("time is up", began)
        summary.exit_code = self.stop.exit_code or ExitCode.DONE
        summary.ended = "stopped" if self.stop.exit_code else self._why_over() or "stopped"
        return summary

    def _why_over(self) -> str | None:
        if self.watch and (why := self.watch.why_over):
            return why
        for why, limit in self.limits.items():
            if limit is not None and why in self._since and self._now() - self._since[why] >= limit:
                return why
        return None

    def _show(self, happened: "Happened") -> None:
        from medtrack_cli.core.ports import Interrupted, Resumed
        from medtrack_cli.core.simulating.reactions import Handled
        from medtrack_cli.output.shown.listening import ShownHappening
        from medtrack_cli.output.shown.reactions import ShownCompletion, ShownHandled, ShownReady
        from medtrack_cli.wiring.simulating import Emitted, Ready

        printer = self.runtime.printer
        match happened:
            case Ready(services):
                self._since = dict.fromkeys(self.limits, self._now())
                printer.tell(ShownReady(services))
            case Handled():
                self._since["nothing more came"] = self._now()
                self.summary.add(happened)
                printer.show(ShownHandled(happened))
                self.runtime.world.stdout.flush()
            case Emitted():
                self.summary.emitted += happened.made.sent_at is not None
                printer.show(ShownCompletion(happened.made, str(happened)))
                self.runtime.world.stdout.flush()
            case Interrupted():
                self.summary.interruptions += not self._away
                self._away += 1
                if self._away == 1:
                    printer.tell(ShownHappening(happened))
            case Resumed():
                self._away -= 1
                if self._away == 0:
                    printer.tell(ShownHappening(happened))


def refuse_protected(runtime: Runtime, action: str) -> None:
    """Raise UsageError where a made-up event could be taken for a real one."""
    if runtime.config.protector is not None:
        what = f"{action} is refused on a protected profile: the real services emit there"
        raise UsageError(what, runtime.config.protector, hint="use another broker")
