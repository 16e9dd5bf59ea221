"""Whatever bytes a file holds, reading it ends in items, findings or one error."""

import gzip
import json
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from medtrack_cli.errors import HoldsNoEvents, InputMissing
from medtrack_cli.events.findings import Span
from medtrack_cli.events.json_text import examine
from tests.files.reads import bodies, read_file, read_stdin

PIECES = st.sampled_from(
    [
        *[
            b"{",
            b"}",
            b"[",
            b"]",
            b'"',
            b":",
            b": ",
            b",",
            b"\n",
            b"\r\n",
            b"\\",
            b"- ",
            b"  ",
            b"---\n",
        ],
        *[
            b"a",
            b"event_type",
            b"payload",
            b"vars: ",
            b"events:\n",
            b"${a}",
            b"1",
            b"~",
            b"'",
            b"#",
        ],
        *[
            b"&a ",
            b"*a",
            b"!!str ",
            b"? ",
            b"|\n",
            b">\n",
            b"\xef\xbb\xbf",
            b"\xff",
            "é😀".encode(),
        ],
        *[b'{"a": 1}', b"\x00", b"\t", b"\xe2\x80\xa8", b"\\ud800", b"NaN", b"1e999", b"\r", b"%"],
    ]
)
ANY_BYTES = st.lists(PIECES, max_size=30).map(b"".join) | st.binary(max_size=60)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029"))
EVENTS = st.fixed_dictionaries(
    {"event_type": st.sampled_from(["evaluation.created", "x"])},
    optional={
        "payload": st.dictionaries(
            st.sampled_from(["score", "no", "~", "1", "é😀"]),
            st.none() | st.booleans() | st.integers() | TEXTS | st.lists(TEXTS, max_size=3),
        ),
        "version": st.sampled_from(["1.0", "01", "null", "no", ".inf", "0x1", "+1", "1e5", ""]),
        "score": st.floats(allow_nan=False, allow_infinity=False),
    },
)


def check_span(span: Span, content: bytes) -> None:
    """Assert that a span lies inside a file."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.split("\n")
    assert 1 <= span.line <= len(lines)
    length = len(lines[span.line - 1].removesuffix("\r"))
    # A finding about one character at a line's end may point just after it.
    assert 1 <= span.column <= length + 2
    assert span.column <= span.end_column <= max(length + 1, span.column + 1)


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.yaml", "a.ndjson.gz", "-"])
@given(content=ANY_BYTES)
@example(content=b"[" * 2000)
@example(content=b'{"a":' * 2000)
def test_any_bytes(name: str, content: bytes) -> None:
    """Every file can be read, and every finding and problem lies inside it."""
    assume(not content.startswith(b"\x1f\x8b"))  # gzip, whatever its name: see below
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        if name == "-":
            items = read_stdin(content)
        else:
            path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
            try:
                items = read_file(path)
            except HoldsNoEvents:
                return  # it begins as what we write beside events does
    for item in items:
        assert item.body is not None or item.findings
        for finding in item.findings:
            check_span(finding.span, content)
        if item.body is not None:
            check_span(item.span(()), content) if examine(item.body)[0] is not None else None
            for problem in examine(item.body)[1]:
                check_span(item.span(problem.where, problem.at), content)


@given(content=ANY_BYTES)
def test_any_bytes_as_gzip(content: bytes) -> None:
    """What only claims to be gzip ends in the error for unreadable input."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.json.gz")
        path.write_bytes(content)
        try:
            items = read_file(path)
        except InputMissing as error:
            assert path.name in error.subject  # noqa: PT017 -- either end is right
        else:
            assert content == b""
            assert bodies(items) == [None]


@given(event=EVENTS, indent=st.sampled_from([None, 1]))
def test_one_event_in_every_syntax(event: dict[str, object], indent: int | None) -> None:
    """An event as JSON, as JSON in a YAML file, and as YAML, is the same event."""
    text = json.dumps(event, ensure_ascii=False, indent=indent)
    as_yaml = yaml.safe_dump(event, allow_unicode=True, indent=indent, sort_keys=False)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in [("a.json", text), ("b.yaml", text), ("c.yaml", as_yaml)]:
            path = Path(folder, name)
            path.write_bytes(content.encode())
            (item,) = read_file(path)
            assert item.findings == ()
            assert item.body is not None
            assert json.loads(item.body) == event
            if name.endswith("yaml"):
                assert next(iter(json.loads(item.body))) == "event_type"
