"""The documents say what is so: their commands are run, their links and names looked up."""

import os
import pty
import re
import shutil
import subprocess
import sys
import termios
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, pairwise
from pathlib import Path
from signal import SIGHUP
from typing import NamedTuple, Protocol
from xml.etree import ElementTree as ET

import pyte
import pytest

from medtrack_cli.commands.options import CONNECTION_OPTIONS
from medtrack_cli.config.keys import CONNECTION_KEYS, TOP_KEYS
from medtrack_cli.config.loader import _VARIABLES
from medtrack_cli.config.secrets import KEY_PASSPHRASE
from medtrack_cli.errors import ExitCode
from tests.project.pages import README, ROOT, blocks

PAGES = [*ROOT.glob("*.md"), *ROOT.glob(".github/*.md"), *ROOT.glob("docs/**/*.md")]
PICTURE = ROOT / "docs/images/demo.svg"

# What differs from run to run, and what stands for it when two outputs are compared.
VARYING = (
    (r"\breplay-\d{8}T\d{6}-[0-9a-f]{8}\b", "RUN"),
    (r"\b[0-9a-f]{8}(?:-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})?\b", "ID"),
    (r"\d\d:\d\d:\d\d\.\d{3}Z?", "TIME"),
    (r"[\d-]{10} [\d:]{8}(?: to [\d-]{10} [\d:]{8})? UTC", "SPAN"),
    (r"\blocalhost:\d+,", "HOST"),
    (r"\d+\.\d+ ?s\b", "SECONDS"),
    (r"amqp://admin@[\w.]+:\d+/%2F", "BROKER"),
)


class Broker(Protocol):
    """What the session's broker says of itself."""

    @property
    def amqp_url(self) -> str: ...


class Step(NamedTuple):
    """A command of a `console` block and what the page says it prints."""

    command: str
    printed: str
    in_background: bool


class Terminal:
    """A command that runs in a terminal of its own."""

    def __init__(self, command: str, folder: Path, environ: Mapping[str, str]) -> None:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (50, 100))
        self._screen = ours
        self._printed = b""
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def read_until(self, word: bytes | None) -> None:
        """Read on until a word was printed; None: to the end."""
        with suppress(OSError):  # Linux says so when the last writer has gone
            while word is None or word not in self._printed:
                self._printed += os.read(self._screen, 4096)

    def end(self) -> tuple[str, int]:
        """Wait for the end; what was printed, and the exit code."""
        self.read_until(None)
        os.close(self._screen)
        return left_on_screen(self._printed), self._process.wait()


def left_on_screen(printed: bytes) -> str:
    """Give what a terminal shows in the end of all that was written to it."""
    if b"\x1b[?2026h" not in printed:  # nothing was drawn over
        return printed.decode().replace("\r\n", "\n")
    screen = pyte.Screen(1_000, 100)
    pyte.ByteStream(screen).feed(printed)
    return "\n".join(row.rstrip() for row in screen.display).rstrip("\n") + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a working folder like the one the pages speak of."""
    shutil.copytree(ROOT / "sample-events", tmp_path / "sample-events")
    for name, text in blocks(README.read_text(), "yaml"):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make an environment in which `medtrack` is this checkout, with nobody's configuration."""
    home = tmp_path_factory.mktemp("home")
    program = home / "bin/medtrack"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m medtrack_cli "$@"\n')
    program.chmod(0o755)
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MEDTRACK_")}
    return kept | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "XDG_CONFIG_HOME": str(home),
        "XDG_STATE_HOME": str(home),
        "NO_COLOR": "1",
    }


def steps(page: Path) -> Iterator[Step]:
    """Read the commands of a page's `console` blocks, with what is printed below each."""
    for manner, text in blocks(page.read_text(), "console"):
        for lines in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, printed = lines.partition("\n")
            yield Step(command, printed, manner == "background")


def play(
    script: Iterable[Step], folder: Path, environ: Mapping[str, str]
) -> Iterator[tuple[Step, str, int]]:
    """Run each step in its turn; one in the background ends after the step that follows it."""
    behind: tuple[Step, Terminal] | None = None
    code = 0
    for step in script:
        terminal = Terminal(f"(exit {code}); {step.command}", folder, environ)
        if step.in_background:
            terminal.read_until(b"listening")
            behind = step, terminal
            continue
        printed, code = terminal.end()
        yield step, printed, code
        if behind:
            yield behind[0], *behind[1].end()
            behind = None


def shape(text: str) -> str:
    """Replace what differs from run to run."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return text


def test_readme_shows_what_its_commands_print(
    folder: Path, environ: dict[str, str], broker: Broker
) -> None:
    """Each command of the README prints what is shown below it, and fails only where said."""
    environ["MEDTRACK_URL"] = broker.amqp_url
    script = list(steps(README))
    explained = [before for before, step in pairwise(script) if step.command == "echo $?"]

    assert {"validate", "listen", "publish", "replay"} <= {
        word for step in script for word in step.command.split()
    }
    for step, printed, code in play(script, folder, environ):
        assert shape(printed) == shape(step.printed), step.command
        assert code == 0 or step in explained, step.command


def test_readme_profile_can_be_used(folder: Path, environ: dict[str, str]) -> None:
    """The README's medtrack.yaml makes a protected profile with a password from the variable."""
    environ["MEDTRACK_PROD_PASSWORD"] = "x"
    terminal = Terminal("medtrack config show --profile production", folder, environ)
    printed, code = terminal.end()

    assert code == 0
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines()}
    assert rows["protected"][0] == "yes"
    assert "MEDTRACK_PROD_PASSWORD," in rows["password"]


@pytest.mark.long
def test_picture_shows_what_the_demo_prints(tmp_path: Path, environ: dict[str, str]) -> None:
    """The picture in the README holds the text that the demo prints today."""
    drawn = tmp_path / "demo.svg"
    del environ["NO_COLOR"]
    script = ROOT / "scripts/make_picture.py"
    subprocess.run([sys.executable, script, drawn], check=True, env=environ, timeout=110)

    assert shape(text_of(PICTURE)) == shape(text_of(drawn))


def text_of(picture: Path) -> str:
    """Join the texts of a picture, whatever space is between them."""
    return " ".join(" ".join(ET.parse(picture).getroot().itertext()).split())


def test_exit_codes_are_all_documented() -> None:
    """docs/exit-codes.md has one row for each exit code there is, in their order."""
    codes = [*map(int, ExitCode), 128 + SIGHUP]
    assert [code for code, _ in exit_code_rows()] == sorted(codes)


def exit_code_rows() -> list[tuple[int, str]]:
    """Read the table: each code and the command that shows it, empty where there is none."""
    text = (ROOT / "docs/exit-codes.md").read_text()
    rows = re.findall(r"^\| (\d+) \|.*?\| (?:`(.+)`)? *\|$", text, re.MULTILINE)
    return [(int(code), command.replace(r"\|", "|")) for code, command in rows]


@pytest.mark.parametrize(
    ("code", "command"),
    [pytest.param(*row, id=str(row[0])) for row in exit_code_rows() if row[1]],
)
def test_exit_code_is_what_its_command_shows(
    code: int, command: str, folder: Path, environ: dict[str, str], broker: Broker
) -> None:
    """The command beside an exit code ends with it."""
    (folder / "notes.txt").write_text("no event\n")
    environ["MEDTRACK_URL"] = broker.amqp_url
    printed, ended = Terminal(command, folder, environ).end()

    assert ended == code, printed


@pytest.mark.parametrize(("publishes", "code"), [(True, 0), (False, 1)])
def test_recipe_for_ci_tells_whether_the_event_came(
    folder: Path, environ: dict[str, str], broker: Broker, *, publishes: bool, code: int
) -> None:
    """The script of docs/listen.md ends with 0 when the event is published, else with 1."""
    ((_, script),) = blocks((ROOT / "docs/listen.md").read_text(), "bash")
    environ["MEDTRACK_URL"] = broker.amqp_url
    if not publishes:
        script = script.replace("medtrack publish", ": medtrack publish")
        script = script.replace("--timeout 30", "--timeout 1")
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environ, check=False, timeout=60)

    assert done.returncode == code
    seen = (folder / "seen.ndjson").read_text().splitlines()
    assert len(seen) == publishes


def test_every_setting_is_documented() -> None:
    """docs/configuration.md has each key of a file, and each variable and flag of a setting."""
    page = (ROOT / "docs/configuration.md").read_text()
    table = "\n".join(line for line in page.splitlines() if line.startswith("| "))
    variables = [f"MEDTRACK_{key.upper()}" for key in (*_VARIABLES, "profile", "service", "config")]
    flags = [f"--{name.replace('_', '-')}" for name in CONNECTION_OPTIONS]
    wanted = {*TOP_KEYS, *CONNECTION_KEYS, *variables, *flags, KEY_PASSPHRASE}

    assert wanted - set(re.findall(r"[\w-]+", table)) == set()


def test_every_page_is_found_on_the_site() -> None:
    """The site's navigation has each page of docs/ once, and the home page first."""
    nav = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
    parts = [
        [value] if isinstance(value, str) else value for each in nav for value in each.values()
    ]
    places = [
        part if isinstance(part, str) else next(iter(part.values())) for part in chain(*parts)
    ]
    pages = [str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")]

    assert places[0] == "index.md"
    assert sorted(places) == sorted(
        [*pages, "index.md", "changelog.md", "contributing.md", "security.md"]
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page, and every path of ours that it names, exists."""
    text = re.sub(r"^```(.*\n)*?```$", "", page.read_text(), flags=re.MULTILINE)
    links = [page.parent / link for link in re.findall(r"\]\((?!https?:)([^)#\s]+)", text)]
    named = re.findall(r"`((?:medtrack_cli|scripts|tests|docs)/[\w./-]+)`", text)
    paths = [*links, *(ROOT / name for name in named)]

    assert [str(path) for path in paths if not path.exists()] == []
