"""Words of a shell's command line: read as far as they are typed, and quoted."""

import re
from collections.abc import Callable
from typing import NamedTuple

_PLAIN = re.compile(r"[\w@%+=:,./-]")
_IN_DOUBLE_QUOTES = frozenset('"\\$`')
_PIECE = re.compile(
    r"(?P<blank>[ \t\n]+)|(?P<operator>[|&;()<>`])|(?P<plain>\\.?)"
    r"|(?P<single>'[^']*)'?|(?P<double>\"(?:\\.?|[^\"\\])*)\"?|(?P<ansi>\$'(?:\\.?|[^'\\])*)'?"
    r"|(?P<letter>.)",
    re.DOTALL,
)
"""A piece of a line; the group of a quoted one ends before the closing mark."""

_OPENING = {"single": "'", "double": '"', "ansi": "$'"}
_MEANT = {
    "plain": re.compile(r"\\(.?)", re.DOTALL),
    "double": re.compile(r'\\(["\\$`])'),
    "ansi": re.compile(r"\\(.)", re.DOTALL),
}
"""Pieces whose meaning is their first group."""

_AS_IT_IS = re.compile("(?!)()")


class Typed(NamedTuple):
    """A command line up to the cursor.

    `raw` is its last word as typed, `last` its meaning, `quote` the quotation mark that is still
    open in it.
    """

    words: list[str]
    last: str
    raw: str
    quote: str


def read(line: str) -> Typed:
    """Read a line as bash does, without expanding anything; ValueError for more than words."""
    words: list[str] = []
    last, start, quote = "", 0, ""
    for piece in _PIECE.finditer(line):
        kind = piece.lastgroup or ""
        text = piece[kind]
        if kind == "operator":
            raise ValueError(text)
        if kind == "blank":
            if start < piece.start():
                words.append(last)
            last, start, quote = "", piece.end(), ""
            continue
        opening = _OPENING.get(kind, "")
        quote = opening if piece.end() == piece.end(kind) else ""
        last += _MEANT.get(kind, _AS_IT_IS).sub(r"\1", text.removeprefix(opening))
    return Typed(words, last, line[start:], quote)


def written(text: str, quote: str, is_hidden: Callable[[str], bool]) -> str:
    """Quote a text for bash, after an open quotation mark if there is one.

    bash reads it as exactly this text, whatever it contains. What a terminal would obey or hide, by
    `is_hidden`, is written in ASCII.
    """
    word = "".join(_char(char, quote, is_hidden) for char in text)
    # bash closes the mark itself, except where it takes the following text for a closed one.
    return f"{word}{quote}" if quote and word.endswith(quote) else word


def _char(char: str, quote: str, is_hidden: Callable[[str], bool]) -> str:
    if is_hidden(char):
        code = "".join(f"\\x{byte:02x}" for byte in char.encode())
        return f"{quote}$'{code}'{quote}"
    if quote == "'":
        return r"'\''" if char == "'" else char
    if quote == '"':
        # Within double quotes only other quotes keep ! from bash's history.
        return "\"'!'\"" if char == "!" else f"\\{char}" if char in _IN_DOUBLE_QUOTES else char
    return char if _PLAIN.match(char) or not char.isascii() else f"\\{char}"
