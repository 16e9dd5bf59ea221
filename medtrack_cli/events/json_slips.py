"""What JavaScript, Python or C would accept in JSON, but JSON doesn't."""

import re

COMMENT = re.compile(r"//|/\*|#")
_QUOTE = "put it in quotes if it is a text"
_NUL = ("this is NUL, as text in UTF-16 holds it", "save it as UTF-8")
NO_COMMENTS = ("JSON has no comments", "remove it")
NO_NUMBER = ("this is no number", _QUOTE)
GOES_ON = re.compile(r"[-+.\w]")
_KNOWN = [
    (
        re.compile(r"(?:True|TRUE|False|FALSE|None|Null|NULL|nil|undefined)\b"),
        "this word is not JSON",
        "JSON's words are true, false and null",
    ),
    (re.compile(r"(?:eyJ|ewo|ew0)[\w+/-]{9}"), "this is JSON in base64", "decode it first"),
    (re.compile(r"<[?!a-zA-Z]"), "this is XML or HTML, not JSON", "write JSON"),
    (re.compile(r"[-+]?0[0-9]"), "a number begins with 0", f"leave the zero out, or {_QUOTE}"),
    (re.compile(r"\+[0-9.]"), "a number has a plus sign", "leave it out"),
    (re.compile(r"-?\.[0-9]"), "a number begins with its point", "write a 0 before the point"),
    (
        re.compile(r"-?[0-9]+\.(?![0-9])"),
        "a number ends with its point",
        "leave the point out, or write a 0 after it",
    ),
    (re.compile(r"-?0[xXoObB][0-9a-fA-F]"), "a number is not decimal", "write decimal digits"),
    (re.compile(r"-?[0-9][0-9.]*_[0-9]"), "a number has underscores", "write its digits alone"),
    (re.compile(r"-?[0-9]"), *NO_NUMBER),
]
_IN_NUMBERS = "+-.0123456789eE"


def slip_at(text: str, offset: int, *, is_value: bool) -> tuple[str, str] | None:
    """Say what stops a reader at an offset, and what to do: a comment, NUL, a near-value.

    Where a value may begin (`is_value`) it begins there; elsewhere it is a number whose first
    digits were read as one.
    """
    if COMMENT.match(text, offset):
        return NO_COMMENTS
    if text.startswith("\0", offset):
        return _NUL
    start = offset
    if not is_value:
        start = len(text[:offset].rstrip(_IN_NUMBERS))
        if start == offset or not GOES_ON.match(text, offset):
            return None
    for pattern, message, suggestion in _KNOWN:
        if pattern.match(text, start):
            return message, suggestion
    return None
