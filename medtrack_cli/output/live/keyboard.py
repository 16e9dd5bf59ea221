"""The keys of a terminal: what it sends for them, and what they do."""

import re

HINTS = (
    ("space", "pause"),
    ("q", "quit"),
    ("{arrows}", "look"),
    ("/", "search"),
    ("f", "filter"),
    ("b", "bodies"),
    ("c", "clear"),
    ("?", "help"),
)
"""For the view that scrolls."""

LIST_HINTS = (
    ("{arrows}", "select"),
    ("enter", "whole"),
    ("esc", "go on"),
    ("/", "search"),
    ("n N", "next"),
    ("f", "filter"),
    ("y", "copy id"),
    ("?", "help"),
)
EVENT_HINTS = (
    ("{arrows}", "scroll"),
    ("esc", "back"),
    ("n N", "next"),
    ("y", "copy id"),
    ("?", "help"),
)
PROMPT_HINTS = (("enter", "search"), ("esc", "back"))

HELP = (
    ("space, p", "stop drawing, and go on; what arrives is counted, and waits"),
    ("up, down", "select one of the last 1,000 events; the scroll is held"),
    ("PgUp, PgDn, Home", "the same, a page at a time; the oldest"),
    ("enter", "the selected event whole; while nothing is selected, an empty line"),
    ("esc, q", "one step back"),
    ("End", "to what arrives"),
    ("/", "search keys, types, services, ids and rules"),
    ("n, N", "the next older and the next newer one that is found"),
    ("f, F", "show all, invalid ones only, or one type: forwards, backwards"),
    ("i", "invalid ones only, and all"),
    ("1 … 9, 0", "one type by its number; all"),
    ("w", "write what is kept to medtrack-TIME.ndjson, and go on recording"),
    ("y", "copy the id: to the clipboard (--clipboard), or printed at the end"),
    ("b", "JSON bodies below their lines"),
    ("c, Ctrl-L", "clear the screen; the numbers stay"),
    ("q, Ctrl-C", "end; Ctrl-Z suspends"),
)

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.|[^\[O\x1b])")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-9;?]*[ -/]*|O)?\Z|[\xc2-\xf4][\x80-\xbf]{0,2}\Z")
_NAMED = {
    "A": "up",
    "B": "down",
    "F": "end",
    "H": "home",
    "1~": "home",
    "4~": "end",
    "5~": "pgup",
    "6~": "pgdn",
    "7~": "home",
    "8~": "end",
}
_SINGLE = {"\r": "enter", "\n": "enter", "\x7f": "backspace", "\b": "backspace", "\x1b": "esc"}


def keys_of(typed: bytes) -> list[str]:
    """Name the keys in what a terminal has sent, leaving out unknown sequences.

    A character is its own name.
    """
    text, keys, at = typed.decode("utf-8", "ignore"), [], 0
    while at < len(text):
        if found := _SEQUENCE.match(text, at):
            keys.append(_NAMED.get(found[0].lstrip("\x1b[O"), ""))
            at = found.end()
        else:
            keys.append(_SINGLE.get(text[at], text[at]))
            at += 1
    return [key for key in keys if key]


def is_unfinished(typed: bytes) -> bool:
    """Return whether more of the last key may follow; if nothing does, it was Esc."""
    return _UNFINISHED.search(typed) is not None
