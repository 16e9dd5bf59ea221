"""What `medtrack simulate run` is expected to show: --assert and what goes with it."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medtrack_cli.commands.arguments import refuse_without
from medtrack_cli.commands.options import Panel, flag, option
from medtrack_cli.errors import ExitCode, UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medtrack_cli.core.ports import Stop
    from medtrack_cli.core.simulating.expectations import Expectations
    from medtrack_cli.wiring.expectations import Report
    from medtrack_cli.wiring.simulating import Happened


@dataclass(frozen=True)
class AssertOptions:
    """What is expected, until when, and where that is reported."""

    assert_: Path | None = option(
        Panel.END,
        "--assert FILE",
        "End when it is decided whether what this YAML file expects came: 0 yes, 1 no.",
    )
    within: float | None = option(
        Panel.END, "--within SECONDS", "With --assert, required: how long to wait for it."
    )
    junit: Path | None = option(
        Panel.END,
        "--junit FILE",
        "With --assert: write a JUnit report, with a test case for each expectation.",
    )
    reveal: bool = flag(Panel.END, "--reveal", "With --assert: show personal data where it fails.")

    @contextmanager
    def watching(self, runtime: Runtime, stop: "Stop") -> "Iterator[Watch | None]":
        """Give what watches a run, if anything is expected of it; the report is whole then."""
        if self.assert_ is None:
            given = {"--within": self.within, "--junit": self.junit, "--reveal": self.reveal}
            refuse_without("--assert", given, hint="add --assert FILE")
            yield None
            return
        if not self.within:
            hint = "--within 30s decides it after so long, at the latest"
            raise UsageError("--assert needs --within, and time for something to come", hint=hint)
        from medtrack_cli.wiring.expectations import expectations, junit

        expected = expectations(runtime, self.assert_)
        with junit(self.junit, self.assert_, reveal=self.reveal) as report:
            yield Watch(runtime, stop, expected, self.within, report, reveal=self.reveal)


@dataclass
class Watch:
    """Holds what happens against what is expected."""

    runtime: Runtime
    stop: "Stop"
    expected: "Expectations"
    within: float
    report: "Report"
    reveal: bool
    _is_ready: bool = False

    def __post_init__(self) -> None:
        from medtrack_cli.core.simulating.observing import Observer

        self._observer = Observer(self.expected, self.runtime.world.clock)

    @property
    def why_over(self) -> str | None:
        """Say why it is decided, once it is."""
        if self.expected.decided is not None:
            return "decided"
        is_late = self._is_ready and self._observer.seconds >= self.within
        return "time is up" if is_late else None

    def see(self, happened: "Happened") -> None:
        """Take what happened."""
        from medtrack_cli.core.ports import Interrupted
        from medtrack_cli.core.simulating.reactions import Handled
        from medtrack_cli.wiring.simulating import Published, Ready

        match happened:
            case Ready():
                self._observer.begin()
                self._is_ready = True
            case Published(event):
                self._observer.published(event)
            case Handled():
                self._observer.handled(happened)
            case Interrupted(reason=reason):
                self.expected.doubt = f"events may be missing: {reason}"
        self._observer.release()

    def end(self) -> int:
        """Return whether it is met, as the exit code."""
        from medtrack_cli.output.shown.expectations import ShownExpectations

        self._observer.release(is_over=True)
        if self.why_over is None:
            self.expected.doubt = "the run was stopped before it was decided"
        seconds = self._observer.seconds
        shown = ShownExpectations(self.expected, seconds, reveal=self.reveal)
        self.runtime.printer.tell(shown)
        self.report(self.expected, seconds)
        verdict = ExitCode.VERDICT_NO if self.expected.unmet else ExitCode.DONE
        return self.stop.exit_code or verdict
