"""JSON and NDJSON files: the file's own bytes, exact places, flat memory."""

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from medtrack_cli.core.items import Item
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import At, Rule, Span
from medtrack_cli.files.reading.sources import Source
from medtrack_cli.files.reading.syntax import read
from tests.files.reads import bodies, places, read_file, read_stdin

SYNTAX = Rule.JSON_SYNTAX


def test_ndjson_gives_each_line_as_it_is(tmp_path: Path) -> None:
    """BOM, CRLF, blank lines and a missing last newline are no matter; spaces inside are kept."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a" : 1}\r\n\r\n \t\n  {"b":2}  \nnot json\n{"c":3}')
    items = read_file(path)
    assert bodies(items) == [b'{"a" : 1}', b'  {"b":2}', b"not json", b'{"c":3}']
    assert [item.line for item in items] == [1, 4, 5, 6]
    assert items[1].span(("b",), At.KEY) == Span(4, 4, 7)
    assert all(item.exact and item.file == str(path) and item.recorded is None for item in items)


def test_empty_files(tmp_path: Path) -> None:
    """What holds no event is one item that says so, whatever its syntax."""
    for name, content in [
        ("a.json", b""),
        ("b.json", b"\xef\xbb\xbf \n"),
        ("c.yaml", b"# nothing\n"),
        ("d.ndjson", b"\n"),
        ("e.json", b"[]"),
        ("f.yaml", b"[]"),
    ]:
        (tmp_path / name).write_bytes(content)
        assert places(read_file(tmp_path / name)) == [(Rule.EMPTY_INPUT, 1, 1)], name
    assert places(read_stdin(b"")) == [(Rule.EMPTY_INPUT, 1, 1)]


def test_arrays_give_each_element_with_its_place(tmp_path: Path) -> None:
    """An array's elements keep their bytes and their lines and columns, whatever they hold."""
    path = tmp_path / "a.json"
    path.write_text(
        '\ufeff[{"é😀": "]},{"}, {"x":\n  {"y": [1]}},\n"s", 12 , [{}], {"bad": nope}]', "utf-8"
    )
    items = read_file(path)
    assert bodies(items) == [
        '{"é😀": "]},{"}'.encode(),
        b'{"x":\n  {"y": [1]}}',
        *(b'"s"', b"12", b"[{}]", b'{"bad": nope}'),
    ]
    assert items[0].span(("é😀",)) == Span(1, 9, 15)
    assert items[1].span(()) == Span(1, 18, 23)
    assert items[1].span(("x", "y"), At.KEY) == Span(2, 4, 7)
    assert items[5].span(8) == Span(3, 25, 26)


@pytest.mark.parametrize(
    ("content", "whole", "found"),
    [
        (b'{"a": 1}\n{"b": 2}\n', 1, (SYNTAX, 2, 1)),
        (b'[{"a": 1},\n {"b": 2},\n]', 2, (SYNTAX, 2, 10)),
        (b'[{"a": 1}\n {"b": 2}]', 1, (SYNTAX, 2, 2)),
        (b'[{"a": 1},, {"b": 2}]', 1, (SYNTAX, 1, 11)),
        (b'[{"a": 1}, {"b": 2}', 2, (SYNTAX, 1, 20)),
        (b'[{"a": 1}] x', 1, (SYNTAX, 1, 12)),
        (b'[{"a": 1}, {"b": "open}]', 1, (SYNTAX, 1, 18)),
        (b'{"a": {"b": 1}', 0, (SYNTAX, 1, 15)),
    ],
)
def test_what_breaks_a_document_is_placed(
    tmp_path: Path, content: bytes, whole: int, found: tuple[Rule, int, int]
) -> None:
    """What is whole before the fault is given, then the fault, then nothing."""
    path = tmp_path / "a.json"
    path.write_bytes(content)
    items = read_file(path)
    assert places(items) == [found]
    assert [item.body is None for item in items] == [False] * whole + [True]


def test_ndjson_in_a_json_file_says_so(tmp_path: Path) -> None:
    """Several lines of JSON in a *.json file are told to be NDJSON."""
    (tmp_path / "a.json").write_bytes(b'{"a":1}\n{"b":2}\n')
    assert "*.ndjson" in read_file(tmp_path / "a.json")[1].findings[0].suggestion


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'\n{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1,}\n{"b":2}\n', [b'{"a":1,}', b'{"b":2}']),
        (b'{"a":"\n{"b":2}\n', [b'{"a":"', b'{"b":2}']),
        (b'{\n "a":\n1}', [b'{\n "a":\n1}']),
        (b'\xef\xbb\xbf{"a":\r\n1}', [b'{"a":\r\n1}']),
        (b'[{"a":1},\n2]', [b'{"a":1}', b"2"]),
        (b"a: 1\n---\nb: 2\n", [b'{"a":1}', b'{"b":2}']),
        (b"- 1\n- x\n", [b"1", b'"x"']),
    ],
)
def test_standard_input_is_told_by_its_first_line(content: bytes, expected: list[bytes]) -> None:
    """An object that its line leaves open is JSON, another is NDJSON, `[` an array, else YAML."""
    assert bodies(read_stdin(content)) == expected


def test_a_file_of_another_name_is_told_by_its_first_line(tmp_path: Path) -> None:
    """An explicitly named file of unknown extension is read, through gzip too."""
    (tmp_path / "events.log").write_bytes(b'{"a":1}\n{"b":2}\n')
    assert bodies(read_file(tmp_path / "events.log")) == [b'{"a":1}', b'{"b":2}']
    (tmp_path / "e.yaml.gz").write_bytes(gzip.compress(b"a: 1\n"))
    assert bodies(read_file(tmp_path / "e.yaml.gz")) == [b'{"a":1}']


def test_lines_of_a_pipe_come_at_once(tmp_path: Path) -> None:
    """Each line written to a FIFO is there before the next is written."""
    path = tmp_path / "f.ndjson"
    os.mkfifo(path)
    go_on = threading.Semaphore(1)
    waited = []

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            for number in range(3):
                waited.append(go_on.acquire(timeout=10))
                pipe.write(b'{"n":%d}\n' % number)

    writer = threading.Thread(target=write)
    writer.start()
    for number, item in enumerate(read_source(path)):
        assert item.body == b'{"n":%d}' % number
        go_on.release()
    writer.join()
    assert waited == [True] * 3


def read_source(path: Path) -> Iterator[Item]:
    """Read a path lazily."""
    source = Source(str(path), path)
    return read(source, wants_text=lambda *_: False, open_stdin=lambda: path.open("rb"))


def test_broken_gzip_ends_after_what_was_whole(tmp_path: Path) -> None:
    """A truncated gzip gives its whole lines, and any broken one an error that names it."""
    lines = b"".join(b'{"n":%d}\n' % number for number in range(50_000))
    packed = gzip.compress(lines)
    corrupt = packed[:9000] + bytes(100) + packed[9100:]
    for name, content, least in [("cut", packed[:-9000], 1), ("bad", corrupt, 0), ("no", b"x", 0)]:
        path = tmp_path / f"{name}.ndjson.gz"
        path.write_bytes(content)
        count = 0
        with pytest.raises(InputMissing, match=name) as caught:  # noqa: PT012 -- the loop raises
            for item in read_source(path):
                assert name == "bad" or item.body == b'{"n":%d}' % count
                count += 1
        assert caught.value.hint
        assert count >= least


def test_a_file_gone_since_is_an_error(tmp_path: Path) -> None:
    """A source that can't be opened any more is an error that names it."""
    with pytest.raises(InputMissing, match=r"gone\.json"):
        list(read_source(tmp_path / "gone.json"))


MEASURE = """
import resource, sys
from pathlib import Path
from medtrack_cli.files.reading.syntax import read
from medtrack_cli.files.reading.sources import Source
path = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = 0
for item in read(Source(str(path), path), wants_text=lambda *_: False, open_stdin=None):
    count += 1
    told = [finding.rule.value for finding in item.findings]
    if told: print(*told)
print(count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(
    ("name", "findings", "count", "most"),
    [
        ("long.ndjson", ["too_large"], 2, 70),
        ("array.json", [], 300_000, 10),
        ("huge.json", ["too_large"], 1, 130),
        ("scalar.yaml", ["too_large"], 1, 400),
        ("list.yaml", [], 20_000, 20),
    ],
)
def test_memory_stays_flat(
    tmp_path: Path, name: str, findings: list[str], count: int, most: int
) -> None:
    """A 100 MB line, element or scalar isn't loaded whole, nor is a long array or list."""
    path = tmp_path / name
    element = '{"event_type": "student.created", "payload": {"cin": "AB123456"}}'
    with path.open("w") as file:
        match name:
            case "long.ndjson":
                file.writelines(['{"a": "', *["x" * 10**6] * 100, '"}\n{"b": 2}\n'])
            case "array.json":
                file.writelines(["[", *[f"{element},\n"] * 299_999, element, "]"])
            case "huge.json":
                file.writelines(['[{"a": "', *["x" * 10**6] * 100, '"}]'])
            case "scalar.yaml":
                file.writelines(['a: "', *["x" * 99 + "\n "] * 10**6, '"'])
            case "list.yaml":
                file.writelines([f"- {element}\n"] * 20_000)
    command = [sys.executable, "-c", MEASURE, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    *told, last = run.stdout.splitlines()
    seen, megabytes = map(int, last.split())
    assert (told, seen) == (findings, count)
    assert megabytes < most
