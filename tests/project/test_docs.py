"""The documents say what is so: their commands are run, their links and names looked up."""

import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from signal import SIGHUP
from xml.etree import ElementTree as ET

import pytest

from medtrack_cli import pytest_plugin
from medtrack_cli.core.messages import Outcome
from medtrack_cli.core.simulating.reactions import REACTIONS
from medtrack_cli.errors import ExitCode
from tests.conftest import Broker
from tests.project.pages import ROOT, blocks
from tests.project.playing import Terminal, environment_of_a_reader, shape

PAGES = [*ROOT.glob("*.md"), *ROOT.glob(".github/*.md"), *ROOT.glob("docs/**/*.md")]
PICTURE = ROOT / "docs/images/demo.svg"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a working folder like the one the pages speak of."""
    shutil.copytree(ROOT / "sample-events", tmp_path / "sample-events")
    return tmp_path


@pytest.fixture
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make an environment in which `medtrack` is this checkout, with nobody's configuration."""
    return environment_of_a_reader(tmp_path_factory.mktemp("home"))


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
    terminal = Terminal(command, folder, environ)
    printed, ended = terminal.end()

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


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("delivery.md", set(Outcome)),
        ("simulate.md", {each.id for each in REACTIONS}),
        ("testing.md", {name for name in vars(pytest_plugin) if name.startswith("medtrack_")}),
    ],
)
def test_a_table_has_all_that_there_is(page: str, names: set[str]) -> None:
    """Outcomes, reactions and fixtures stand in the tables of their pages, none is missing."""
    lines = (ROOT / "docs" / page).read_text().splitlines()
    named = {
        name for line in lines if line.startswith("| ") for name in re.findall(r"`([\w.]+)", line)
    }

    assert len(names) > 3
    assert names - named == set()


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
