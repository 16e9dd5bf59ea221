"""From `-o` options to reporters: one on stdout, any number into files."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from medtrack_cli.errors import CannotCreate, InputMissing, UsageError
from medtrack_cli.events.suggestions import did_you_mean
from medtrack_cli.output.reporters.reporter import Reporter
from medtrack_cli.output.style import Style

FORMATS = ("human", "json", "github", "junit", "sarif")


class Wanted(NamedTuple):
    """A format and where it goes; no path is stdout."""

    format: str
    path: Path | None


class Look(NamedTuple):
    """How reports for people look, and where their errors are said."""

    colour: bool
    reveal: bool
    quiet: bool
    on_error: Callable[[InputMissing], None]


def parse_outputs(texts: Sequence[str], environ: Mapping[str, str]) -> list[Wanted]:
    """Read FORMAT and FORMAT=PATH; without a format for stdout it is human, on GitHub github.

    Raises UsageError for an unknown format and for two on stdout.
    """
    wanted = []
    for text in texts:
        name, _, path = text.partition("=")
        if name not in FORMATS:
            hint = did_you_mean(name, FORMATS) or f"formats: {', '.join(FORMATS)}"
            raise UsageError("no such output format", name, hint=hint)
        wanted.append(Wanted(name, Path(path) if path else None))
    on_stdout = [each.format for each in wanted if each.path is None]
    if len(on_stdout) > 1:
        hint = f"write one to a file: -o {on_stdout[1]}=PATH"
        raise UsageError("two outputs can't share stdout", " and ".join(on_stdout), hint=hint)
    if not on_stdout:
        on_github = environ.get("GITHUB_ACTIONS") == "true"
        wanted.insert(0, Wanted("github" if on_github else "human", None))
    return wanted


@contextmanager
def opened(wanted: Iterable[Wanted], stdout: TextIO, look: Look) -> Iterator[list[Reporter]]:
    """Open the reporters. A file takes its name only when the report in it is whole."""
    with ExitStack() as stack:
        reporters = []
        for each in wanted:
            out = stdout if each.path is None else stack.enter_context(_file(each.path))
            reporters.append(_reporter(each, out, look))
        yield reporters


def _reporter(wanted: Wanted, out: TextIO, look: Look) -> Reporter:
    if wanted.format == "human":
        from medtrack_cli.output.reporters.human import HumanReporter

        style = Style(on=look.colour and out.isatty())
        on_error = look.on_error if wanted.path is None else _nothing
        return HumanReporter(out, style, on_error, reveal=look.reveal, quiet=look.quiet)
    if wanted.format == "json":
        from medtrack_cli.output.reporters.json_lines import JsonReporter

        on_error = look.on_error if wanted.path is None else _nothing
        return JsonReporter(out, on_error, ascii_only=out.isatty())
    if wanted.format == "github":
        from medtrack_cli.output.reporters.github import GithubReporter

        return GithubReporter(out)
    if wanted.format == "junit":
        from medtrack_cli.output.reporters.junit import JunitReporter

        return JunitReporter(out)
    from medtrack_cli.output.reporters.sarif import SarifReporter

    return SarifReporter(out)


def _nothing(_error: InputMissing) -> None:
    """Stdout's reporter has said it."""


@contextmanager
def _file(path: Path) -> Iterator[TextIO]:
    # A device or a pipe is written to; only a regular file is put in place whole.
    is_special = path.exists() and not path.is_file()
    partial = path if is_special else path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        out = partial.open("w" if is_special else "x", encoding="utf-8", newline="\n")
    except OSError as error:
        hint = "does the folder exist, and may you write to it?"
        what = f"report can't be created ({error.strerror})"
        raise CannotCreate(what, str(path), hint=hint) from None
    try:
        with out:
            yield out
        if not is_special:
            partial.replace(path)
    finally:
        if not is_special:
            partial.unlink(missing_ok=True)
