"""The line with a caret: whatever stands in it, the caret is below what it is about."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.events.findings import Span
from medtrack_cli.output.snippet import snippet


def columns(text: str) -> int:
    """Count the columns a terminal gives a text."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def marked(text: str, caret: str) -> str:
    """Read off what stands above the caret."""
    start = caret.index("^")
    position, found = 0, ""
    for char in text:
        if start <= position < len(caret):
            found += char
        position += columns(char)
    return found


@pytest.mark.parametrize(
    ("line", "start", "end", "above"),
    [
        ('{"score": 101}', 11, 14, "101"),
        ('\t\t"score": 101', 12, 15, "101"),
        ('"名前": "日本", "x": 1', 18, 19, "1"),
        ('"e\u0301": 5', 7, 8, "5"),
        ("\x1b[31m: 7", 8, 9, "7"),
        ("\u202e\u200b: 7", 5, 6, "7"),
        ("x" * 500 + "HERE" + "x" * 500, 501, 505, "HERE"),
        ("日" * 300 + "HERE" + "日" * 300, 301, 305, "HERE"),
        ("HERE" + "x" * 500, 1, 5, "HERE"),
        ("x" * 500 + "HERE", 501, 505, "HERE"),
    ],
)
def test_caret_is_below(line: str, start: int, end: int, above: str) -> None:
    """The caret stands below the place, after tabs, wide and invisible characters, and in cuts."""
    shown = snippet(line, Span(1, start, end), 60, reveal=True)
    assert marked(shown.text, shown.caret) == above
    assert columns(shown.text) <= 60


def test_a_missing_name_is_shown() -> None:
    """A scenario's `${name}` stays as it is in a value that is masked."""
    line = "    last_name: Mr ${family_name} O'Hara ${Not a name}"
    shown = snippet(line, Span(1, 16, 20), 80, reveal=False)
    assert shown.text == "    last_name: xx ${family_name} x'xxxx ${xxx x xxxx}"


def test_nothing_steers_the_terminal() -> None:
    """A control or invisible character is one dot; a tab is one space."""
    shown = snippet("\x1b]0;x\x07\u202e\t\u200d\x9b1", Span(1, 1, 2), 60, reveal=True)
    assert shown.text == "·]0;x·· ··1"


def test_end_of_line() -> None:
    """A place just after the line's end has its caret there."""
    assert snippet('{"a": ', Span(1, 7, 8), 60, reveal=True) == ('{"a": ', "      ^")
    assert snippet("", Span(1, 1, 2), 60, reveal=True) == ("", "^")


@given(
    line=st.text(st.sampled_from('ab:"{, \t日\u0301\x1b\u202e'), max_size=300),
    column=st.integers(1, 310),
    length=st.integers(0, 310),
    width=st.integers(20, 120),
)
def test_any_line_fits(line: str, column: int, length: int, width: int) -> None:
    """Any line, cut around any place, fits its width, and a caret is always to be seen."""
    shown = snippet(line, Span(1, column, column + length), width, reveal=False)
    assert columns(shown.text) <= width
    assert shown.caret.strip("^ ") == ""
    assert "^" in shown.caret
    assert len(shown.caret) <= columns(shown.text) + 1
    assert "\x1b" not in shown.text
