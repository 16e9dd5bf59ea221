"""Every table and page of text on terminals of several widths: no word is broken, none is lost."""

import fcntl
import io
import os
import pty
import re
import struct
import termios
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from medtrack_cli.commands.broker import _page
from medtrack_cli.core.archive import Archive, Edge
from medtrack_cli.core.publishing.runs import Run, State
from medtrack_cli.dispatch import run as run_in
from medtrack_cli.output.live.keyboard import HELP
from medtrack_cli.output.live.panes import help_lines
from medtrack_cli.output.shown.archives import ShownArchive, ShownArchives
from medtrack_cli.output.shown.runs import ShownRun, ShownRuns
from medtrack_cli.output.shown.shown import Sheet, Shown
from medtrack_cli.output.style import FULL, Style
from medtrack_cli.output.wrapping import aligned, columns
from medtrack_cli.private_broker import PrivateBroker
from medtrack_cli.world import World
from tests.running import run

WIDTHS = [56, 80, 120]

START = "2025-01-15T10:00:00Z"

COMMANDS = (
    "schema list",
    "schema show evaluation.created",
    "schema show room.booked --config medtrack.yaml",
    "schema diff schemas/room.booked/1.0.json schemas/room.booked/1.1.json",
    "schema diff student.created@1.0 user.created@1.0",
    "schema check schemas",
    "schema check broken",
    "config show",
    "config check",
    "validate --list-rules",
    "explain",
    "explain missing_field",
    "explain 75",
    "explain unroutable",
    "broker status",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the samples, a configuration, and schemas that can't be used."""
    made = tmp_path_factory.mktemp("t")
    assert run("samples", made).code == 0
    (made / "medtrack.yaml").write_text("schemas: [schemas]\n")
    broken = made / "broken/room.freed"
    broken.mkdir(parents=True)
    (broken / "1.0.json").write_text('{"type": "objekt", "properties": {"a": {"minimum": "x"}}}')
    return made


class Screen(io.StringIO):
    """A terminal of a width, whose text is kept."""

    encoding = "utf-8"

    def __init__(self, width: int) -> None:
        super().__init__()
        self._ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._theirs

    def leave(self) -> str:
        """Close it, and give what was written without its colours."""
        os.close(self._ours)
        os.close(self._theirs)
        return re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue())


def told(line: str, folder: Path, width: int) -> list[str]:
    """Run a command line on a terminal of a width; give the lines of its stdout."""
    screen, err = Screen(width), io.StringIO()
    environ = {"HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    world = World(stdin=io.BytesIO(), stdout=screen, stderr=err, environ=environ, cwd=folder)
    assert run_in(world, line.split()) in {0, 1, 65}, (line, err.getvalue())
    return screen.leave().splitlines()


def words(lines: list[str]) -> Counter[str]:
    """Count the words of lines."""
    return Counter(word for line in lines for word in line.split())


def too_wide(lines: list[str], width: int) -> Iterator[str]:
    """Give the lines that don't fit, save single words and what is to be copied as it is."""
    for line in lines:
        is_copied = line.startswith(("  export ", '      "'))
        if columns(line) > width and len(line.split()) > 1 and not is_copied:
            yield line


@pytest.mark.parametrize("line", COMMANDS)
def test_no_word_is_broken(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 56, 80 and 120 columns a table has the words that it has where there is room for all."""
    monkeypatch.chdir(folder)
    whole = words(told(line, folder, 1000))
    assert sum(whole.values()) > 1
    for width in WIDTHS:
        lines = told(line, folder, width)
        assert list(too_wide(lines, width)) == []
        assert words(lines) == whole, width


@pytest.mark.parametrize("width", WIDTHS)
def test_the_broker_that_runs_fits(width: int) -> None:
    """What `broker status` says of one that runs; its exports are never broken."""
    url = "amqp://medtrack:medtrack@127.0.0.1:45671/"
    folder = Path("/home/somebody/.local/state/medtrack/broker/default")
    broker = PrivateBroker(
        *(url, "http://a:b@127.0.0.1:45672/", 45671, 45672, 1, folder, "3.10.8"),
        already_running=False,
        ready=True,
    )
    page = _page("running", broker)
    sheet = Sheet(width, FULL, Style(on=False), is_terminal=True)
    lines = list(page.lines(sheet))
    assert list(too_wide(lines, width)) == []
    assert words(lines) == words(list(page.lines(sheet._replace(is_terminal=False))))
    assert f"  export MEDTRACK_URL={url}" in lines


def test_what_has_no_room_beside_stands_below() -> None:
    """Where the longest words don't fit side by side, cells follow each other, paths whole."""
    path = "/home/" + "long-name/" * 9 + "medtrack.yaml"
    rows = [["path", "belongs to"], [path, "the project here"]]
    assert list(aligned(rows, 56)) == [["path belongs to"], [path, "  the project here"]]
    assert next(aligned(rows, None))[0].startswith("path   ")


@pytest.mark.parametrize("width", [40, 56, 80])
def test_the_keys_of_the_live_view_are_told_whole(width: int) -> None:
    """No line of its help is wider than the window, and no word of it is left out."""
    lines = [line.plain for line in help_lines(width)]
    assert max(map(len, lines)) <= width
    told = Counter(" ".join(lines).split())
    assert told == Counter(" ".join(f"{keys} {words}" for keys, words in HELP).split())


LONG = "what-all-students-did-in-the-year"
ARCHIVES = ShownArchives(
    [
        Archive("a", 0, bindings=()),
        Archive(
            *(
                LONG,
                2_000_000,
                "30D",
                5_000_000_000,
                ("stage.*", "student.*", "user.created"),
                "node",
            ),
            first=Edge(9, "2025-01-15T10:00:00.123456Z"),
            last=Edge(2_000_008, "x" * 200),
        ),
    ]
)
RUNS = ShownRuns(
    [
        Run(name, State.INTERRUPTED, "killed", START, None, None, source, {}, {}, False, 20_000)  # noqa: FBT003
        for name, source in (
            ("a", ("a.ndjson", "b.ndjson")),
            (LONG, (f"/home/{LONG}/{LONG}.ndjson",)),
        )
    ]
)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("shown", [ARCHIVES, RUNS])
def test_columns_are_left_out_rather_than_broken(shown: Shown, width: int) -> None:
    """At each width cells stand below their titles; names are whole, and fields are in words."""
    sheet = Sheet(width, FULL, Style(on=False), is_terminal=True)
    title, *lines = shown.lines(sheet)
    assert [line for line in (title, *lines) if columns(line) > width] == []
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["a", LONG]
    begins = [found.start() for found in re.finditer(r"\S+( \S+)*", title)]
    assert len(begins) > 1
    for line, begin in product(lines, begins[1:]):
        assert line[begin - 2 : begin].strip() == "", line


@pytest.mark.parametrize("shown", [ShownArchive(ARCHIVES.archives[1]), ShownRun(RUNS.runs[0])])
def test_fields_stand_beside_their_names(shown: Shown) -> None:
    """What is broken goes on in the column of the fields."""
    lines = list(shown.lines(Sheet(56, FULL, Style(on=False), is_terminal=True)))
    begins = re.match(r"\w+ +", lines[0])
    assert begins
    assert {line[begins.end() - 1 : begins.end() + 1].strip() != "" for line in lines} == {True}
    assert {line[begins.end() - 1] for line in lines} == {" "}
    assert max(map(columns, lines)) <= 56
