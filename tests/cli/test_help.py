"""What the tool says of itself: every help, at every width, with the colours that are wanted."""

import os
import pty
import re
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from medtrack_cli.app import tree
from medtrack_cli.config.loader import VARIABLES
from medtrack_cli.config.secrets import KEY_PASSPHRASE
from medtrack_cli.dispatch import run as run_in
from medtrack_cli.errors import ExitCode
from medtrack_cli.wiring.pseudonyms import KEY as PSEUDONYM_KEY
from medtrack_cli.world import World
from tests.running import run

ROOT_COMMAND: Any = tree()
GROUPS = [(), ("schema",), ("config",), ("broker",)]
IN_WORDS = re.compile(r"[A-Z][A-Z_.]*…?|[A-Z|=:\[\]]+|[a-z\d.]+(\|[a-z\d.]+)+|N\|max")


def commands(command: Any = ROOT_COMMAND, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give every command and group, with how it is typed."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *path, name)


def printed(*arguments: str, **environ: str) -> str:
    """Give what a command line that ends well prints, on stdout alone."""
    ran = run(*arguments, environ=environ)
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def on_terminal(columns: int, *arguments: str, **environ: str) -> str:
    """Give what a command line prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    seen = bytearray()

    def read() -> None:
        with suppress(OSError):  # Linux: the other side is closed
            while data := os.read(ours, 65536):
                seen.extend(data)

    reader = Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as out:
        assert run_in(World(stdout=out, environ=environ), arguments) == 0
    reader.join(10)
    os.close(ours)
    return seen.decode().replace("\r\n", "\n")


def test_every_help_opens_with_examples() -> None:
    """Each help has a sentence, then examples that name it; a command's has every shared option."""
    shared = ["--output", "--quiet", "--verbose", "--color", "--no-color", "--config", "--profile"]
    for path, command in commands():
        lines = printed(*path, "--help").splitlines()
        assert lines[1:3] == ["", "Examples:"], path
        assert f"medtrack {' '.join(path)}".strip() in lines[3]
        names = {word.strip(",") for line in lines for word in line.split()[:2]}
        wanted = ["--help"] if hasattr(command, "commands") else shared
        assert set(wanted) <= names, path


@pytest.mark.parametrize("group", [*GROUPS, ("-q",)], ids=" ".join)
def test_what_is_typed_alone_prints_its_help(group: tuple[str, ...]) -> None:
    """`medtrack` and each group alone print on stdout what `--help` prints, and end with 0."""
    alone = printed(*group)
    assert alone == printed(*group, "--help") == printed(*group, "-h")
    assert "\nnew here? medtrack demo\n" in alone
    assert "\nExamples:\n  medtrack " in alone


@pytest.mark.parametrize("path", [(), ("publish",), ("schema", "show")], ids=" ".join)
def test_help_is_a_command(path: tuple[str, ...]) -> None:
    """`medtrack help publish` prints what `medtrack publish --help` does."""
    assert printed("help", *path) == printed(*path, "--help")


def test_help_of_what_is_no_command() -> None:
    """Help of an unknown command is 2, names it, and prints nothing on stdout."""
    code, out, err = run("help", "nosuch")
    assert (code, out) == (2, "")
    assert "nosuch" in err


def test_every_argument_and_option_is_explained_in_words() -> None:
    """Each argument and option, of any command, has a sentence, and names its value in words."""
    unsaid = [
        (path, each.name)
        for path, command in commands()
        for each in command.params
        if not each.help
    ]
    assert unsaid == []
    for path, _ in commands():
        text = printed(*path, "--help")
        assert not re.search(r"<\w|\{[A-Z]|>=|\.\.\.", text.partition("\nUsage: ")[2]), path
        values = re.findall(r"^ {2,6}(?:-\w, )?--[\w-]+ (\S+)(?:  |$)", text, re.MULTILINE)
        assert [each for each in values if not IN_WORDS.fullmatch(each)] == [], path


def test_summaries_are_short() -> None:
    """What a command does is said in under 45 characters, whole, in the list of its group."""
    for path, command in commands():
        for name, inner in getattr(command, "commands", {}).items():
            summary = inner.help.partition("\n")[0]
            assert len(summary) < 45, name
            assert f"{name} {summary}" in " ".join(printed(*path).split())


def test_the_help_of_all_ends_with_codes_variables_and_docs() -> None:
    """Commands are grouped; every exit code, every variable and the docs' place come last."""
    text = printed()
    headings = re.findall(r"^(\S.*):$", text, re.MULTILINE)
    assert headings == [
        *("Examples", "Events", "Schemas", "Broker", "Set up", "General"),
        *("Exit codes", "Environment", "Docs"),
    ]
    codes = text.partition("\nExit codes:\n")[2].partition("\nEnvironment:")[0]
    assert {*map(int, ExitCode), 129} == {
        int(each) for each in re.findall(r"^  (\d+)", codes, re.MULTILINE)
    }
    variables = {f"MEDTRACK_{name.upper()}" for name in (*VARIABLES, "profile", "config")}
    variables |= {"MEDTRACK_SERVICE", KEY_PASSPHRASE, PSEUDONYM_KEY, "NO_COLOR", "FORCE_COLOR"}
    assert variables == set(re.findall(r"[A-Z]+_[A-Z_]+", text))


@pytest.mark.parametrize("columns", [40, 56, 80, 100, 120, 200])
def test_lines_fit_the_terminal(columns: int) -> None:
    """Help is as wide as the terminal, up to 100 columns, and no word of it is broken."""
    width = min(columns, 100)
    for path in ((), ("publish",), ("listen",), ("schema", "export")):
        text = on_terminal(columns, *path, "--help", TERM="dumb")
        assert text.split() == printed(*path, "--help").split()
        _, _, below = text.partition("\nUsage: ")
        lines = below.splitlines()
        assert max(map(len, lines)) <= width
        assert max(map(len, lines)) > min(width - 10, 80)


BOLD = "\x1b[1mExamples:\x1b[0m"
LOOKS: list[tuple[list[str], dict[str, str], bool, bool]] = [
    ([], {}, True, False),
    (["--no-color"], {}, False, False),
    (["--color", "never"], {}, False, False),
    (["--color=auto"], {}, True, False),
    (["--color", "always"], {}, True, True),
    (["--no-color", "--color", "always"], {}, True, True),
    (["--color", "always", "--no-color"], {}, False, False),
    (["--color", "always"], {"NO_COLOR": "1", "TERM": "dumb"}, True, True),
    (["--color", "never"], {"FORCE_COLOR": "1"}, False, False),
    ([], {"NO_COLOR": "1"}, False, False),
    ([], {"NO_COLOR": ""}, True, False),
    ([], {"TERM": "dumb"}, False, False),
    ([], {"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
    ([], {"FORCE_COLOR": ""}, True, False),
    ([], {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
]
"""What is typed and set, and whether a terminal and a pipe get colours."""


@pytest.mark.parametrize(("typed", "environ", "terminal", "pipe"), LOOKS)
def test_headings_are_bold_where_colours_are_wanted(
    typed: list[str], environ: dict[str, str], *, terminal: bool, pipe: bool
) -> None:
    """Before and after the command: flags, then NO_COLOR, FORCE_COLOR, TERM, then the stream."""
    for line in ([*typed, "listen", "--help"], ["listen", "--help", *typed], typed):
        assert (BOLD in on_terminal(80, *line, **environ)) is terminal
        assert ("\x1b" in printed(*line, **environ)) is pipe


def test_all_that_is_printed_has_the_same_colours(tmp_path: Path) -> None:
    """Findings, rows, errors and wrong command lines are coloured as help is; JSON never is."""
    bad, report = tmp_path / "bad.json", tmp_path / "report.txt"
    bad.write_text('{"event_type": "student.deleted"}\n')
    for line, code in (
        (("validate", str(bad)), 1),
        (("publish", "-f", str(bad)), 1),
        (("schema", "list"), 0),
        (("validate", "missing.json"), 66),
        (("publish", "--nobody-knows"), 2),
    ):
        forced = run(*line, environ={"FORCE_COLOR": "1"})
        assert forced.code == code
        assert "\x1b[" in forced.out + forced.err
        asked = run(*line, "--color", "always", environ={"NO_COLOR": "1"})
        assert "\x1b[" in asked.out + asked.err
        bare = run(*line, "--color", "never", environ={"FORCE_COLOR": "1"})
        assert "\x1b" not in bare.out + bare.err
    both = ("-o", "json", "-o", f"human={report}")
    ran = run("validate", bad, *both, environ={"FORCE_COLOR": "1"})
    assert "\x1b" not in ran.out + report.read_text()


def test_a_wrong_colour_is_refused() -> None:
    """--color takes its three words alone."""
    code, out, err = run("schema", "list", "--color", "pink")
    assert (code, out) == (2, "")
    assert "--color" in err
