"""What completion answers: which words, where, and that it fails in silence."""

import json
from pathlib import Path

import pytest

from medtrack_cli.command_line import command_line
from medtrack_cli.core.choices import REPORTS
from medtrack_cli.core.explanations import EXPLAINED
from medtrack_cli.events.names import ENVELOPE_FIELDS
from medtrack_cli.events.registry import built_in
from tests.running import run

ROOM = {
    "type": "object",
    "properties": {"room_id": {"type": "string", "description": "which room"}, "seats": {}},
}
TYPES = {each.name for each in built_in()}


def answer(*words: str, folder: Path = Path("/"), **environ: str) -> tuple[str, list[str]]:
    """Give the kind of answer to a command line, and the words in it."""
    ran = run("completion", "zsh", "--", *words, folder=folder, environ=environ)
    assert (ran.code, ran.err) == (0, "")
    kind, *parts = ran.out.split("\0")
    return kind, parts[:-1:2]


def words(*typed: str, folder: Path = Path("/"), **environ: str) -> set[str]:
    """Give the words that a command line may go on with."""
    return set(answer(*typed, folder=folder, **environ)[1])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project's folder with a type of its own in two versions, and a recording."""
    (tmp_path / "medtrack.yaml").write_text(
        "schemas: [schemas]\nprofiles: {lab one: {host: localhost}}\n"
    )
    versions = tmp_path / "schemas" / "room.booked"
    versions.mkdir(parents=True)
    (versions / "1.2.json").write_text(json.dumps(ROOM))
    (versions / "1.10.yaml").write_text(json.dumps(ROOM))
    (versions / "draft.json").write_text("{}")
    keys = [{"kind": "recording"}, {"routing_key": "a.b"}, {"routing_key": "c d"}]
    (tmp_path / "morning.ndjson").write_text("".join(f"{json.dumps(each)}\n" for each in keys))
    return tmp_path


PARAMETERS = [
    each
    for command in command_line()["commands"]
    for each in (*command["arguments"], *command["options"])
]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_printed(shell: str) -> None:
    """`medtrack completion SHELL` prints the script that stands in the package."""
    ran = run("completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert f"medtrack completion {shell} -- " in ran.out


def test_there_is_one_way_to_install() -> None:
    """The options that Typer adds for its own scripts are not there."""
    assert not {"--install-completion", "--show-completion"} & words("--")
    assert run("--install-completion").code == 2


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["pub"], {"publish"}),
        (["schema", "e"], {"example", "export"}),
        (["--prof"], {"--profile"}),
        (["help", "broker", "sta"], {"start", "status"}),
        (["-q", "--profile", "local", "lis"], {"listen"}),
        (["--color=al"], {"--color=always"}),
        (["listen", "-o", ""], {"human", "json", "raw"}),
        (["listen", "-qo", "r"], {"raw"}),
        (["listen", "--queue-type=q"], {"--queue-type=quorum"}),
        (["publish", "--property", "pri"], {"priority="}),
        (["publish", "student.del"], {"student.deleted"}),
        (["publish", "student.deleted", ""], set()),
        (["publish", "student.created", "--set", "payload.e"], {"payload.email="}),
        (["publish", "--set", "s"], {"service="}),
        (["publish", "--", "--"], set()),
        (["listen", "user"], {"user.*", "user.created"}),
        (["schema", "show", "user.created", "--version", ""], {"1.0"}),
        (["schema", "diff", "user.created@"], {"user.created@1.0"}),
        (["validate", "-o", "sar"], {"sarif"}),
        (["explain", "75"], {"75"}),
        (["doctor", "--only", "tls_e"], {"tls_expiry"}),
        (["route", "user"], {"user.created"}),
        (["route", "x", "-o", "m"], {"mermaid"}),
        (["topology", "lint", "-o", "sar"], {"sarif"}),
        (["topology", "diff", "loc"], {"local"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
        (["nosuch", ""], set()),
        (["publish", "--nosuch", "x", "--prof"], {"--profile"}),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_words(typed: list[str], expected: set[str]) -> None:
    """Each place of a command line has its own words, and no others."""
    assert words(*typed) == expected


def test_an_option_is_offered_as_often_as_it_may_be_given() -> None:
    """What was given is not offered again, unless it is repeatable."""
    assert "--dry-run" not in words("publish", "--dry-run", "--")
    assert "--file" in words("publish", "-f", "x.json", "--")


def test_names_need_no_model() -> None:
    """Types and fields, found by the samples alone, are those that are built in."""
    assert words("publish", "") == TYPES
    for each in built_in():
        fields = {f"payload.{field.name}=" for field in each.fields}
        fields |= {f"{name}=" for name in ENVELOPE_FIELDS if name != "payload"}
        assert words("publish", each.name, "--set", "") == fields
    assert {each.version for each in built_in()} == {"1.0"}  # which is said without a look


def test_what_a_project_names(project: Path) -> None:
    """Its types with their versions and fields, its profiles, and keys of recordings are known."""
    assert "room.booked" in words("validate", "--as", "", folder=project)
    versions = answer("schema", "show", "room.booked", "--version", "", folder=project)[1]
    assert versions == ["1.10", "1.2"]
    fields = words("publish", "room.booked", "--set", "", folder=project)
    assert fields == {"payload.room_id=", "payload.seats="}
    assert "lab one" in words("--profile", "", folder=project)
    recording = str(project / "morning.ndjson")
    assert words("replay", recording, "--key", "", folder=project) == {"a.b", "a.*", "c d"}


def test_codes_come_whole() -> None:
    """All codes, rules and formats are offered, each with its whole meaning."""
    codes = {each.code for each in EXPLAINED}
    assert words("explain", "") == codes
    assert words("validate", "--explain", "") == {e.code for e in EXPLAINED if e.group == "rule"}
    assert words("validate", "-o", "") == set(REPORTS)
    shown = run("completion", "fish", "--", "explain", "").out.split("\0")
    assert set(shown) == {"words", "", *(f"{e.code}\t{e.about.summary}" for e in EXPLAINED)}


def test_files_are_left_to_the_shell() -> None:
    """Whatever takes a file says so where it is declared; what doesn't is never given files."""
    takes = {"FILE", "PATH…", "SOURCE…", "RECORDING…", "FOLDER", "FOLDER…", "REF|DIR"}
    for each in PARAMETERS:
        assert each["metavar"] not in takes or each["completed_by"] == "files", each
    assert answer("validate", "")[0] == answer("stats", "a", "b")[0] == "files"
    assert run("completion", "zsh", "--", "validate", "-o", "sarif=x").out == "files\x006\0"
    assert run("completion", "zsh", "--", "stats", "--html=x").out == "files\x007\0"
    assert answer("publish", "--service", "x") == ("", [])
    assert answer("--profile", "nosuch") == ("", [])


@pytest.mark.parametrize("kind", ["EVENT_TYPE", "TYPE", "TYPE[:N]", "PATTERN", "PATTERN…"])
def test_types_are_known_wherever_one_is_taken(kind: str) -> None:
    """No option or argument that takes a type or a pattern of one is without its words."""
    taking = [each for each in PARAMETERS if each["metavar"] == kind]
    assert taking
    assert all(each["completed_by"] for each in taking)


@pytest.mark.parametrize(
    "configuration", ["profiles: [", "schemas: [missing]", "nosuch: 1", "default_profile: nosuch"]
)
def test_failures_are_silent(tmp_path: Path, configuration: str) -> None:
    """A configuration with a mistake prints nothing; what needs none of it is still completed."""
    (tmp_path / "medtrack.yaml").write_text(configuration)
    answer("--profile", "", folder=tmp_path)
    answer("listen", "--queue", "", folder=tmp_path)
    assert words("publish", "user", folder=tmp_path) == {"user.created"}


@pytest.mark.parametrize(
    ("line", "word", "expected"),
    [
        ("medtrack validate > x.txt --str", "--str", ""),
        ("medtrack publish $'stu", "stu", "words\n"),
        ("medtrack publish 'student.cr", "student.cr", "words\nstudent.created\n"),
        ("medtrack --profile=loc", "loc", "words\nlocal\n"),
        ("medtrack publish --set payload.em", "payload.em", "parts\npayload.email=\n"),
    ],
)
def test_bash_is_given_what_it_replaces(line: str, word: str, expected: str) -> None:
    """Bash gets the end of each word, after the last of its own breaks; in doubt nothing."""
    assert run("completion", "bash", "--", line, word).out == expected
