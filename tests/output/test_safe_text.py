"""The gate to the terminal: what is escaped, and what stays as it is."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from medtrack_cli.output.safe_text import MOST_MARKS, safe_text
from tests.security.hostile import FRIENDLY, HOSTILE, steered


@pytest.mark.parametrize("text", FRIENDLY)
def test_text_stays(text: str) -> None:
    """Text of any language, emoji, and what would be markup elsewhere, stay as they are."""
    assert safe_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\tb\r\nc", "a\\tb\\r\\nc"),
        ("\x9b\x7f", "\\x9b\\x7f"),
        ("u\u202et", "u\\u202et"),
        ("ad\u200dmin", "ad\\u200dmin"),
        ("\u0645\u200c", "\u0645\\u200c"),
        ("\U000e0041\udc9b", "\\U000e0041\\udc9b"),
        ("a\u0301\u0301", "a\u0301\u0301"),
        ("a" + "\u0301" * 9, "a" + "\u0301" * 8 + "\\u0301"),
        ("\u2764\ufe0f\ufe0f", "\u2764\ufe0f\\ufe0f"),
    ],
)
def test_what_steers_or_hides_is_escaped(text: str, shown: str) -> None:
    """Controls, what changes direction or has no width, and piled marks become visible."""
    assert safe_text(text) == shown


ANY_TEXT = st.text() | st.lists(
    st.sampled_from([*HOSTILE, *FRIENDLY, "\u200c", "\u200d", "\u0301", "\ufe0f", "\u0645", "a"])
).map("".join)


@given(ANY_TEXT | st.text(st.characters(exclude_categories=["L", "N", "P", "Z"])))
@example("\u061c\u200d\u0645")
@example("\u0645" + "\u0301" * 8 + "\u200d\u0645" + "\u0301" * 9)
def test_any_text_becomes_harmless(text: str) -> None:
    """Nothing is left that a terminal obeys or hides; twice is once; printable ASCII stays."""
    shown = safe_text(text)
    assert steered(shown.encode()) == []
    assert "\n" not in shown
    assert safe_text(shown) == shown
    assert len(shown) >= len(text)
    assert "a" + "\u0301" * (MOST_MARKS + 1) not in shown
