"""From `-o` options to a report: by one reporter on stdout, and any number into files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from os.path import realpath
from pathlib import Path
from typing import NamedTuple, TextIO

from medtrack_cli.core.choices import REPORTS
from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing, UsageError
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.masking import masked_pointer
from medtrack_cli.output.new_file import report_file
from medtrack_cli.output.reporters.reporter import FilePlace, Reporter
from medtrack_cli.output.style import Style
from medtrack_cli.suggestions import did_you_mean


class Wanted(NamedTuple):
    """A format and where it is written; without a path to stdout."""

    format: str
    path: Path | None


class ReportOptions(NamedTuple):
    """How reports look, what fails, and where unreadable paths are reported.

    `command` names the command that reports.
    """

    wants_colour: Callable[[TextIO], bool]
    reveal: bool
    quiet: bool
    strict: bool
    file_place: FilePlace
    on_error: Callable[[InputMissing], None]
    command: str = "validate"


def parse_outputs(texts: Sequence[str], environ: Mapping[str, str]) -> list[Wanted]:
    """Read FORMAT and FORMAT=PATH; by default stdout gets human, on GitHub github.

    A path `-` is stdout.

    Raises UsageError for an unknown format and for two with one target.
    """
    wanted: list[Wanted] = []
    for text in texts:
        name, equals, path = text.partition("=")
        if name not in REPORTS:
            hint = did_you_mean(name, REPORTS) or f"formats: {', '.join(REPORTS)}"
            raise UsageError("no such output format", name, hint=hint)
        if equals and not path:
            raise UsageError("no path after the =", text, hint=f"-o {name} alone is stdout")
        place = Path(path) if path not in {"", "-"} else None
        if place and realpath(place) in [realpath(each.path) for each in wanted if each.path]:
            raise UsageError("two outputs can't share a file", path, hint="name two files")
        wanted.append(Wanted(name, place))
    on_stdout = [each.format for each in wanted if each.path is None]
    if len(on_stdout) > 1:
        hint = f"write one to a file: -o {on_stdout[1]}=PATH"
        raise UsageError("two outputs can't share stdout", " and ".join(on_stdout), hint=hint)
    if not on_stdout:
        on_github = environ.get("GITHUB_ACTIONS") == "true"
        wanted.insert(0, Wanted("github" if on_github else "human", None))
    return wanted


@contextmanager
def opened(
    wanted: Iterable[Wanted], stdout: TextIO, options: ReportOptions
) -> Iterator[list[Reporter]]:
    """Open the reporters. A file appears under its name only when its report is complete."""
    with ExitStack() as stack:
        reporters = []
        for each in wanted:
            out = stdout if each.path is None else stack.enter_context(report_file(each.path))
            reporters.append(_reporter(each, out, options))
        yield reporters


def _reporter(wanted: Wanted, out: TextIO, options: ReportOptions) -> Reporter:
    on_error = options.on_error if wanted.path is None else None
    if wanted.format == "human":
        from medtrack_cli.output.reporters.human import HumanReporter

        is_screen = wanted.path is None or out.isatty()
        style = Style(on=is_screen and options.wants_colour(out))
        return HumanReporter(out, style, on_error, reveal=options.reveal, quiet=options.quiet)
    if wanted.format == "json":
        from medtrack_cli.output.reporters.json_lines import JsonReporter

        return JsonReporter(out, on_error, ascii_only=out.isatty())
    if wanted.format == "github":
        from medtrack_cli.output.reporters.code_hosts import GithubReporter

        return GithubReporter(out, options.file_place)
    if wanted.format == "junit":
        from medtrack_cli.output.reporters.junit import JunitReporter

        return JunitReporter(out, options.command, strict=options.strict)
    if wanted.format == "gitlab":
        from medtrack_cli.output.reporters.code_hosts import GitlabReporter

        return GitlabReporter(out, options.file_place)
    from medtrack_cli.core.explanations import rules_of
    from medtrack_cli.output.reporters.sarif import SarifReporter

    return SarifReporter(out, options.file_place, rules_of(options.command))


class Report:
    """Passes what is found on to every reporter; see `Reporter`.

    `most` bounds the findings shown, by default 50 in human output; the rest are counted. Keys that
    are no names are masked in pointers unless `reveal`. `alone` keeps others off the terminal while
    a reporter writes.
    """

    def __init__(
        self,
        reporters: Sequence[Reporter],
        most: int | None,
        alone: Callable[[], AbstractContextManager[None]],
        *,
        reveal: bool,
    ) -> None:
        self._alone = alone
        self._reveal = reveal
        self._reporters = [(each, each.most if most is None else most) for each in reporters]
        self._count = 0

    def file(self, name: str) -> None:
        for reporter, _ in self._reporters:
            reporter.file(name)

    def finding(self, finding: Finding, lines: Callable[[int], str | None]) -> None:
        willing = [r for r, most in self._reporters if most is None or self._count < most]
        self._count += 1
        if not self._reveal:
            finding = replace(finding, pointer=masked_pointer(finding.pointer))
        if willing:
            with self._alone():
                for reporter in willing:
                    reporter.finding(finding, lambda: lines(finding.span.line))

    def unreadable(self, error: InputMissing) -> None:
        with self._alone():
            for reporter, _ in self._reporters:
                reporter.unreadable(error)

    def finish(self, verdict: Verdict) -> None:
        with self._alone():
            for reporter, most in self._reporters:
                verdict.hidden = 0 if most is None else max(0, self._count - most)
                reporter.finish(verdict)
