"""A number without an end is 2 and words, wherever one is taken; none reaches a timer."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medtrack_cli.app import tree
from tests.builders import numbered
from tests.cli.tool import Tool
from tests.contracts.fakes import MemoryBroker
from tests.running import run

TIMES = ["inf", "-inf", "nan", "1e400", "1e18", "-1", "", "1e308d", "s", "1 2", "infs"]
WHOLE = ["inf", "nan", "1e3", "1.5", "-1", "1000000001", "9" * 30, "9" * 5000, "", "٣", "1_0"]
OPTIONS = {
    "publish -f e.ndjson --dry-run --rate": ["0", *TIMES],
    "publish -f e.ndjson --dry-run --timeout": TIMES,
    "publish -f e.ndjson --dry-run --retry-for": TIMES,
    "publish -f e.ndjson --dry-run --window": ["0", *WHOLE],
    "publish user.created --dry-run --count": ["0", *WHOLE],
    "publish user.created --dry-run --count 1 --seed": ["inf", "1e400", "9" * 5000],
    "replay e.ndjson --dry-run --retry-for": TIMES,
    "replay e.ndjson --dry-run --speed": ["0", "1e-320", *TIMES],
    "listen --count": ["0", *WHOLE],
    "listen --timeout": TIMES,
    "listen --idle-timeout": TIMES,
    "listen --retry-for": TIMES,
    "listen --expect": [f"user.created:{number}" for number in ("0", *WHOLE)],
    "listen --record r.ndjson --rotate": ["inf", "1e9s", "infMB", "9999999999d", "0MB"],
    "validate e.ndjson --jobs": ["0", *WHOLE],
    "validate e.ndjson --max-findings": WHOLE,
}
"""What takes a number, and what is none that it takes."""

CASES = [(command, number) for command, numbers in OPTIONS.items() for number in numbers]


def say(folder: Path, command: str, *more: str, **environ: str) -> tuple[int, str]:
    """Run a command line beside a file with an event; the exit code, and what stderr says."""
    (folder / "e.ndjson").write_bytes(next(numbered(1)))
    arguments = command.replace("e.ndjson", str(folder / "e.ndjson")).split()
    ran = run(
        *arguments, *more, folder=folder, broker=MemoryBroker(wants_all=True), environ=environ
    )
    return ran.code, ran.err


@pytest.mark.parametrize(("command", "number"), CASES, ids=lambda each: each[:60])
def test_a_number_without_an_end_is_a_wrong_command_line(
    tmp_path: Path, command: str, number: str
) -> None:
    """2, an error that names the option, and nothing is begun."""
    code, said = say(tmp_path, command, number)
    assert code == 2, said
    assert command.rsplit(maxsplit=1)[-1] in said.partition("\n")[0]
    assert "connecting" not in said
    assert not Path("r.ndjson").exists()


@pytest.mark.parametrize(
    ("command", "number"),
    [
        ("publish -f e.ndjson --timeout", "1e9"),
        ("publish -f e.ndjson --timeout", "1d"),
        ("publish -f e.ndjson --retry-for", "500ms"),
        ("publish -f e.ndjson --rate", "1e9"),
        ("publish -f e.ndjson --window", "1000000000"),
        ("replay e.ndjson --speed", "1e9"),
        ("replay e.ndjson --retry-for", "1e9"),
        ("validate e.ndjson --max-findings", "0"),
        ("validate e.ndjson --jobs", "1000000000"),
        ("listen --idle-timeout 0.1 --timeout", "11574d"),
        ("listen --timeout", "100ms"),
    ],
)
def test_the_greatest_numbers_can_be_used(tmp_path: Path, command: str, number: str) -> None:
    """No timer and no counter runs over; a time may have its unit."""
    code, said = say(tmp_path, command, number)
    assert code == 0, said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MEDTRACK_PORT", "inf"),
        ("MEDTRACK_PORT", "1e3"),
        ("MEDTRACK_PORT", "9" * 5000),
        ("MEDTRACK_URL", "amqp://h:99999999999"),
        ("MEDTRACK_URL", "amqp://h?heartbeat=inf"),
        ("MEDTRACK_URL", "amqp://h?heartbeat=1e400"),
        ("MEDTRACK_URL", f"amqp://h?heartbeat={'9' * 5000}"),
        ("MEDTRACK_MANAGEMENT_URL", "http://h:inf"),
    ],
)
def test_a_number_of_the_configuration_has_an_end(tmp_path: Path, name: str, text: str) -> None:
    """78 and the variable's name; a file's and a flag's are read by the same."""
    code, said = say(tmp_path, "config show", **{name: text})
    assert (code, name in said) == (78, True)
    key = name.removeprefix("MEDTRACK_").lower()
    (tmp_path / "medtrack.yaml").write_text(f"profiles: {{x: {{{key}: '{text}'}}}}")
    code, said = say(tmp_path, "config show --profile x")
    assert (code, "medtrack.yaml:1" in said) == (78, True)


def test_the_greatest_numbers_are_taken_by_a_real_connection(connected: Tool) -> None:
    """Nothing between the command line and the broker runs over."""
    connected.write("e.ndjson", next(numbered(1)))
    times = ("--timeout", "1e9", "--retry-for", "1e9")
    listener = connected.listen("--count", "1000000000", *times, "--idle-timeout", "1e9")
    rest = ("--window", "1000000000", "--rate", "1e9", "-o", "json")
    published = connected.run("publish", "-f", "e.ndjson", *times, *rest)
    listener.await_text('"event"', stream="out")
    listener.signal(signal.SIGINT)
    received = listener.end()
    assert (published.code, published.summary["confirmed"]) == (0, 1), published.err
    assert (received.code, len(received.records)) == (130, 1), received.err


def test_every_option_that_takes_a_number_bounds_it() -> None:
    """No option reads a number by itself: a new one has to come into the table above."""
    bare = {
        f"{command} {option.name}"
        for command, options in commands(tree())
        for option in options
        if option.type.name.split()[0] in {"int", "float"} and not getattr(option, "count", False)
    }
    assert bare == {"publish seed"}, "any number is one"


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Walk the commands with their options."""
    for name, each in getattr(group, "commands", {}).items():
        yield from commands(each, f"{path} {name}".strip())
    yield path, group.params
