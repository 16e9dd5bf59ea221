"""The one gate through which untrusted text reaches a terminal."""

import re
from collections.abc import Iterator
from unicodedata import category

MOST_MARKS = 8
"""The most marks on one letter; no language writes more, and a pile of them covers other lines."""

# Letters and marks that show nothing, by Unicode's Default_Ignorable_Code_Point.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
# Visible format characters: Arabic's and others' signs that stand before a number or word.
_SEEN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
_JOINERS = frozenset("\u200c\u200d")
_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # choose a glyph's variant
_MARKS = frozenset({"Mn", "Me"})


def safe_text(text: str) -> str:
    r"""Escape what can't be shown: ESC becomes \x1b, U+202E becomes \u202e, a newline \n.

    The result is one line and holds no character that a terminal obeys or hides. Letters and marks
    of every language and emoji stay; applied twice, it changes nothing more.
    """
    if text.isascii() and text.isprintable():
        return text
    hidden = hidden_in(text)
    return "".join(
        _escape(c) if is_hidden else c for c, is_hidden in zip(text, hidden, strict=True)
    )


def hidden_in(text: str) -> Iterator[bool]:
    """Return for each character whether it must be escaped.

    Always: controls (C0, DEL, C1, direction of writing), zero-width spaces, line separators, tags,
    surrogate halves, private and unassigned characters. Depending on the context: marks after the
    eighth on a letter; a variation selector that isn't the first on its letter; a joiner,
    zero-width or not, except where Persian, Indic scripts and emoji have one, between visible
    characters beyond Latin, Greek and Hebrew.
    """
    before, marks = "", 0
    for index, char in enumerate(text):
        is_mark = category(char) in _MARKS
        marks = marks + 1 if is_mark else 0
        if char in _JOINERS:
            is_hidden = not (_may_be_joined(before) and _is_base(text[index + 1 : index + 2]))
        elif _SELECTOR.match(char):
            is_hidden = not before or category(before) in _MARKS
        else:
            is_hidden = marks > MOST_MARKS or is_invisible(char)
        before = "" if is_hidden or char in _JOINERS else char
        yield is_hidden


def is_invisible(char: str) -> bool:
    """Return whether a terminal obeys or hides a character, wherever it stands."""
    if char.isprintable():
        return char in _BLANK
    return char not in _SEEN and category(char) != "Zs"


def _may_be_joined(char: str) -> bool:
    return char > "\u05ff" and category(char)[0] in "LMS"


def _is_base(char: str) -> bool:
    return char > "\u05ff" and category(char)[0] in "LS" and not is_invisible(char)


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return {9: "\\t", 10: "\\n", 13: "\\r"}.get(code, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
