"""Small files that would unfold into huge ones, and huge ones: soon answered, in little memory."""

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.builders import event
from tests.cli.tool import COMMAND, Tool

SECONDS = 10  # a second on a machine that does nothing else; a bomb that goes off takes minutes
MEMORY = 100 * 1024  # KiB above what validating one event takes


def laughs() -> str:
    """Make the billion laughs."""
    lines = ["a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"{n}: &{n} [{', '.join([f'*{b}'] * 9)}]" for b, n in pairwise("abcdefghi")]
    return "\n".join(lines)


def fields(name: str) -> str:
    """Make an event with 40,000 wrong fields."""
    rows = "\n".join(f"  {name}{number}: Amina" for number in range(40_000))
    return f"event_type: student.created\npayload:\n{rows}\n"


def shared(count: int) -> str:
    """Make a scenario whose one event is filled many times with a long text."""
    rows = "".join(f"    k{number}: x${{a}}\n" for number in range(count))
    return f"vars: {{a: {'x' * 25_000}}}\nevents:\n  -\n{rows}"


BOMBS: dict[str, tuple[Callable[[], str], set[str]]] = {
    "laughs.yaml": (laughs, {"yaml_syntax"}),
    "deep.yaml": (lambda: "[" * 2000 + "]" * 2000, {"too_deep"}),
    "deep_block.yaml": (lambda: "".join(f"{' ' * n}a:\n" for n in range(2000)), {"too_deep"}),
    "deep.json": (lambda: "[" * 2000 + "]" * 2000, {"too_deep"}),
    "object.yaml": (
        lambda: "!!python/object/apply:os.system [exit]",
        {"yaml_syntax", "not_an_event"},
    ),
    "fifty_megabytes.yaml": (lambda: f"payload: '{'a' * 50_000_000}'", {"too_large"}),
    "fifty_megabytes.json": (lambda: json.dumps("a" * 50_000_000), {"too_large"}),
    "far_fields.yaml": (lambda: fields("qzk"), {"missing_field", "unknown_field"}),
    "near_fields.yaml": (lambda: fields("first_nam"), {"missing_field", "unknown_field"}),
    "shared.yaml": (lambda: shared(2_000), {"too_large"}),
    "many_shared.yaml": (lambda: shared(20_000), {"too_large"}),
    "twice_in_each.yaml": (
        lambda: "vars: {}\nevents:\n" + "- {a: 1, a: 2}\n" * 5_000,
        {"duplicate_key", "not_an_event"},
    ),
    "twice.yaml": (lambda: "a: 1\n" * 40_000, {"duplicate_key", "not_an_event"}),
}


EVENT = (
    '{"kind":"event","received_at":"2025-01-15T10:00:00.000000Z","exchange":"","routing_key":"k"'
)
LONG_LINES = {  # what begins a line, what fills it, how often, what ends it
    "kind": ('{"kind":"', "a", 100_000_000, '"}'),
    "text": (f'{EVENT},"body":null,"body_text":"', "a", 100_000_000, '"}'),
    "many, not too long": (f'{EVENT},"x":[', "{},", 5_000_000, '1],"body_text":""}'),
    "many values": (f'{EVENT},"body":[', "{},", 10_000_000, '1],"body_text":"{}"}'),
}


MEASURING = """
import os, subprocess, sys
_, _, usage = os.wait4(subprocess.Popen(sys.argv[1:]).pid, 0)
print(usage.ru_maxrss, file=sys.stderr)
"""


def measured(tool: Tool, name: str) -> tuple[list[dict[str, Any]], int]:
    """Validate a file; give the records printed and the most memory the process had, in KiB.

    A small process starts it: what its parent has had counts as a process's own.
    """
    line = [sys.executable, "-c", MEASURING, *COMMAND, "validate", name, "-q", "-o", "json"]
    done = subprocess.run(line, capture_output=True, cwd=tool.folder, env=tool.environ, check=True)
    return [json.loads(each) for each in done.stdout.splitlines()], int(done.stderr)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Measure the memory of validating one event, in KiB."""
    with Tool(tmp_path_factory.mktemp("one")) as tool:
        tool.write("one.yaml", json.dumps(event()))
        return measured(tool, "one.yaml")[1]


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_finding(tool: Tool, base: int, name: str) -> None:
    """Each has the finding of its kind, within a second and 100 MiB."""
    make, rules = BOMBS[name]
    tool.write(name, make())
    (*found, summary), peak = measured(tool, name)
    assert {each["rule"] for each in found} & rules
    assert {each["rule"] for each in found} <= rules | {"missing_field"}
    assert peak - base < MEMORY
    assert summary["exit_code"] == 1
    assert summary["seconds"] < SECONDS


@pytest.mark.parametrize("name", LONG_LINES)
def test_a_long_record_is_a_finding(tool: Tool, base: int, name: str) -> None:
    """A line that begins as records do takes no more memory than others, and the next is read."""
    begin, fill, count, end = LONG_LINES[name]
    with (tool.folder / "long.ndjson").open("w") as file:  # this process must stay small, too
        file.write(begin)
        for _ in range(100):
            file.write(fill * (count // 100))
        file.write(f"{end}\n{json.dumps(event())}\n")
    (*found, summary), peak = measured(tool, "long.ndjson")
    assert [each["line"] for each in found] == [1]
    assert peak - base < MEMORY
    assert (summary["exit_code"], summary["errors"]) == (1, 1)
    assert summary["seconds"] < SECONDS


def test_yaml_means_what_it_says(tool: Tool) -> None:
    """Numbers with a leading zero, dates and times stay text; two documents are two events."""
    whole = event()
    payload = {**whole["payload"], "cin": "01234567"}
    rows = "\n".join(f"  {name}: {text}" for name, text in payload.items())
    envelope = "\n".join(
        f"{n}: {whole[n]}" for n in ("event_type", "service", "timestamp", "version")
    )
    document = f"{envelope}\npayload:\n{rows}\n"
    tool.write("two.yaml", f"{document}---\n{document}")
    ran = tool.run("publish", "-f", "two.yaml", "--dry-run", "-o", "json")
    sent = [json.loads(each["body_text"]) for each in ran.of_kind("message")]
    assert sent == [{**whole, "payload": payload}] * 2
