"""Strict JSON: what is refused, and where it is said to stand."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.events.findings import At, Rule
from medtrack_cli.events.json_places import line_column, locate, span_of
from medtrack_cli.events.json_text import examine, value_of

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "rule", "offset"),
    [
        (b"", Rule.JSON_SYNTAX, 0),
        (b'{"a": 1,}', Rule.JSON_SYNTAX, 7),
        (b"[1, ]", Rule.JSON_SYNTAX, 2),
        (b'{"a": 1 "b": 2}', Rule.JSON_SYNTAX, 8),
        (b"{'a': 1}", Rule.JSON_SYNTAX, 1),
        (b'{"a" 1}', Rule.JSON_SYNTAX, 5),
        (b'{"a": 1} 2', Rule.JSON_SYNTAX, 9),
        (b'{"a": ', Rule.JSON_SYNTAX, 6),
        (b'{"a": NaN}', Rule.JSON_SYNTAX, 6),
        (b'["NaN", Infinity]', Rule.JSON_SYNTAX, 8),
        (b"[-Infinity]", Rule.JSON_SYNTAX, 1),
        (b"[1, 1e999x]", Rule.JSON_SYNTAX, 4),
        (b"[True]", Rule.JSON_SYNTAX, 1),
        (b"[01]", Rule.JSON_SYNTAX, 2),
        (b'["a\tb"]', Rule.JSON_SYNTAX, 3),
        (b'["\\x41"]', Rule.JSON_SYNTAX, 2),
        (b'["\\u12"]', Rule.JSON_SYNTAX, 2),
        (b'["open', Rule.JSON_SYNTAX, 1),
        (b"[" + b"1" * 4301 + b"]", Rule.JSON_SYNTAX, 1),
        ('{"é😀": "'.encode() + b'\xff"}', Rule.BAD_ENCODING, 8),
        (b'{"a": "\\ud800"}', Rule.BAD_ENCODING, 6),
        (b'{"a": "\\udc00\\ud800"}', Rule.BAD_ENCODING, 6),
        (b"[" * 65 + b"]" * 65, Rule.TOO_DEEP, 64),
    ],
)
def test_broken_text_is_placed(body: bytes, rule: Rule, offset: int) -> None:
    """Each fault of a text has its rule and the offset where a reader would look for it."""
    value, problems = examine(body)
    assert value is None
    assert [(each.rule, each.where) for each in problems] == [(rule, offset)]
    assert problems[0].message


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf {"a": "\\ud83d\\ude00"}\r\n',
        b'{"a": "[[[' + b"[" * 100 + b'"}',
        b"[" * 64 + b"]" * 64,
        b"[" + b"1" * 4300 + b"]",
        b"[1." + b"1" * 5000 + b"]",
        b"[" + b"[],{}," * 100 + b"0]",
    ],
)
def test_odd_but_valid_text_passes(body: bytes) -> None:
    """BOM, CRLF, surrogate pairs, 64 levels and long fractions are JSON."""
    value, problems = examine(body)
    assert problems == []
    assert value == json.loads(body.decode("utf-8-sig"))


def test_duplicates_are_found_at_every_depth() -> None:
    """Every key that stands twice is told once, with its path, and the value is still there."""
    text = '{"a": {"x": 1, "x": 2}, "b": [{"y": 1, "y": 2, "y": 3}], "a": {"z": 4}}'
    value, problems = examine(text.encode())
    assert value == {"a": {"z": 4}, "b": [{"y": 3}]}
    assert {each.rule for each in problems} == {Rule.DUPLICATE_KEY}
    assert [each.where for each in problems] == [("a", "x"), ("b", 0, "y"), ("a",)]
    offsets = [locate(text, ("b", 0, "y"), At.KEY), locate(text, ("a",), At.KEY)]
    assert offsets == [(39, 42), (57, 60)]


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b"x" * 10**8,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"1" * 10**6 + b"}",
        b'["' + b'\\"' * 10**6,
        b"[" + b'"\\ud800",' * 10**5 + b"1]",
    ],
    ids=["100 MB", "lists", "objects", "digits", "escapes", "surrogates"],
)
def test_hostile_text_is_refused_quickly(body: bytes) -> None:
    """Neither size, depth nor digits cost more than a second."""
    start = time.perf_counter()
    _, problems = examine(body)
    assert problems
    assert len(problems) <= 1000
    assert time.perf_counter() - start < 1


TEXT = '{"e": "t",\n "p": {"é": [1, {"k": "😀v"}], "k": 1, "k": {"in": 2}}}'


@pytest.mark.parametrize(
    ("path", "at", "found"),
    [
        ((), At.VALUE, TEXT),
        (("e",), At.VALUE, '"t"'),
        (("e",), At.KEY, '"e"'),
        (("p", "é", 1, "k"), At.VALUE, '"😀v"'),
        (("p", "é", 0), At.VALUE, "1"),
        (("p", "k", "in"), At.VALUE, "2"),
        (("p", "k"), At.VALUE, '{"in": 2}'),
        (("p", "é", 1, "lost"), At.OPENING, "{"),
        (("e", "lost", 3), At.VALUE, '"t"'),
        (("p", "é", 9), At.VALUE, '[1, {"k": "😀v"}]'),
        (("p", "é", -1), At.KEY, '[1, {"k": "😀v"}]'),
    ],
)
def test_paths_are_located(path: tuple[str | int, ...], at: At, found: str) -> None:
    """A path leads to its value, its key or its object's bracket; else to the nearest parent."""
    start, end = locate(TEXT, path, at)
    assert TEXT[start:end] == found


def test_lines_end_as_in_editors() -> None:
    r"""\n and \r\n end a line; columns count code points, and a span stays on its line."""
    text = '{"😀":\r\n "a\u2028b",\r"c": {\r\n}}'
    assert line_column(text, text.index('"a')) == (2, 2)
    assert line_column(text, text.index('"c')) == (2, 9)
    start = text.index("{\r")
    span = span_of(text, start, len(text))
    assert (span.line, span.column, span.end_column) == (2, 14, 15)
    shifted = span_of(text, 1, 4, line=7, column=10)
    assert (shifted.line, shifted.column, shifted.end_column) == (7, 11, 14)


@given(JSON_VALUES, st.sampled_from([None, 1]))
def test_all_json_is_read_as_it_is(value: object, indent: int | None) -> None:
    """Whatever Python writes as JSON comes back equal, without a problem."""
    body = json.dumps(value, ensure_ascii=False, indent=indent).encode()
    assert examine(body) == (value, [])


@given(st.text(st.sampled_from('{}[]",:\\ue0123d8-.truefalsnN aI\n\t')) | st.text())
def test_verdict_agrees_with_the_library(text: str) -> None:
    """A text has a syntax problem exactly when Python's own reader, made strict, refuses it."""

    def refuse(word: str) -> object:
        raise ValueError(word)

    try:
        json.loads(text.removeprefix("\ufeff"), parse_constant=refuse)
        is_json = True
    except ValueError:
        is_json = False
    body = text.encode("utf-8", "surrogatepass")
    value, problems = examine(body)
    assert repr(value_of(body)) == repr(value)
    broken = [each for each in problems if each.rule is not Rule.DUPLICATE_KEY]
    if is_json:
        assert {each.rule for each in broken} <= {Rule.BAD_ENCODING, Rule.JSON_SYNTAX}
    else:
        assert broken
    for each in problems:
        where = each.where
        offset = where if isinstance(where, int) else locate(text, where, each.at)[0]
        assert 0 <= offset <= len(text)
