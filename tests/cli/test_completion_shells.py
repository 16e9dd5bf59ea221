"""Completion in the shells themselves, each on a terminal, by its own key."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from medtrack_cli.core.explanations import EXPLAINED
from tests.cli.shells import WAYS, Shell

SHELLS = ["bash", "zsh", "fish"]
# All in one: what would run, what a shell takes apart, what a terminal obeys.
HOSTILE = (
    "$(touch ran)`touch ran`;touch ran\ntouch ran\n"
    " a  b'c\"d\\e:f=g!h!!*?[i]{j,k}~#%s\x1b]0;owned\x07"
)
FOOLING = "abc\u202e\x9b2J"
STEERING = (b"\x1b]0;owned", "\u202e".encode(), "\x9b".encode())


@pytest.fixture(params=WAYS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    """Give a fresh shell, in a folder with a recording whose keys are made to do harm."""
    keys = [f"one{HOSTILE}", f"two{FOOLING}", "student.created"]
    lines = (json.dumps({"routing_key": key}) for key in keys)
    (tmp_path / "morning.ndjson").write_text("".join(f"{line}\n" for line in lines))
    with Shell(WAYS[request.param], tmp_path) as made:
        yield made


def test_the_first_key_completes(shell: Shell) -> None:
    """In a fresh shell commands, values and files are completed, each as one word."""
    assert shell.given("medtrack --profile=lo\tpublish student.cr\t-f mor\t") == [
        *("--profile=local", "publish", "student.created"),
        *("-f", "morning.ndjson"),
    ]


@pytest.mark.parametrize("shell", SHELLS, indirect=True)
def test_hostile_values_are_only_words(shell: Shell) -> None:
    """A value is completed to a word that is that value, runs nothing and steers no terminal."""
    words = shell.given("medtrack replay morning.ndjson --key one\t")
    assert words == ["replay", "morning.ndjson", "--key", f"one{HOSTILE}"]
    start = len(shell.seen)
    shell.type("medtrack replay morning.ndjson --key \t\t")
    shell.await_text("student.created", start)
    assert not (shell.home / "ran").exists()
    assert [each for each in STEERING if each in shell.seen] == []


@pytest.mark.long
@pytest.mark.parametrize("shell", ["bash", "zsh"], indirect=True)
def test_hostile_values_in_quotes_are_only_words(shell: Shell) -> None:
    """After an open quotation mark, too; fish would paint these, so they are left out there."""
    for mark in ("'", '"'):
        words = shell.given(f"medtrack replay morning.ndjson --key {mark}one\t")
        assert words[-1] == f"one{HOSTILE}", mark
    assert shell.given("medtrack replay morning.ndjson --key two\t")[-1] == f"two{FOOLING}"
    assert not (shell.home / "ran").exists()
    assert [each for each in STEERING if each in shell.seen] == []


@pytest.mark.long
@pytest.mark.parametrize("shell", SHELLS, indirect=True)
def test_words_with_an_equals_sign(shell: Shell) -> None:
    """Options, fields and formats are completed on both sides of their `=`, in quotes, too."""
    assert shell.given("medtrack publish --set payload.em\tx") == [
        *("publish", "--set", "payload.email=x")
    ]
    assert shell.given("medtrack --profile=lo\texpl\t'bad_form\t") == [
        *("--profile=local", "explain", "bad_format")
    ]
    assert shell.given("medtrack validate -o sarif=mor\t--config=mor\t") == [
        *("validate", "-o", "sarif=morning.ndjson", "--config=morning.ndjson")
    ]


@pytest.mark.long
@pytest.mark.parametrize("shell", ["zsh", "fish"], indirect=True)
def test_meanings_are_shown_whole(shell: Shell) -> None:
    """Zsh and fish show beside each word what it means."""
    shell.type("medtrack explain un\t")
    for each in EXPLAINED:
        if each.code.startswith("un"):
            shell.await_text(each.about.summary)
