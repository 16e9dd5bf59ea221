"""Inputs that are known at sight for what they are, and are no text in UTF-8."""

import re

from medtrack_cli.events.findings import Rule

LOOKED_AT = 300
"""Bytes by which they are known."""

GZIP = b"\x1f\x8b"

_ENCODINGS = [
    (re.compile(rb"\xff\xfe\0\0|\0\0\xfe\xff|[^\0]\0\0\0|\0\0\0[^\0]"), "UTF-32"),
    (re.compile(rb"\xff\xfe|\xfe\xff|[^\0]\0[^\0]\0|\0[^\0]\0[^\0]"), "UTF-16"),
]
_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\0": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    GZIP: "a gzip file in another one",
}
_TAR = slice(257, 262)
_COMMENTS = re.compile(rb"(?:[ \t]*(?:#[^\n]*|---[^\n]*|%[^\n]*)?\r?(?:\n|$))*")
_YAML = re.compile(rb"[ \t]*(?:- *)*(?:[\w.$-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*:(?:\s|$)")


def known(head: bytes) -> tuple[Rule, str, str] | None:
    """Say of an input's first bytes what they are, and what to do; None for what may be events."""
    for pattern, name in _ENCODINGS:
        if pattern.match(head):
            hint = f"save it as UTF-8: iconv -f {name} -t UTF-8, or Out-File -Encoding utf8"
            return Rule.BAD_ENCODING, f"this is {name}, and events are UTF-8", hint
    found = next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
    if head[_TAR] == b"ustar":
        found = "a tar archive"
    return (Rule.NOT_AN_EVENT, f"this is {found}", "unpack it first") if found else None


def without_comments(text: bytes) -> bytes:
    """Leave out a YAML file's first lines, as far as they say nothing."""
    return _COMMENTS.sub(b"", text, count=1)


def is_yaml(text: bytes) -> bool:
    """Return whether a text, that may begin with comments, goes on as a YAML mapping or list."""
    return _YAML.match(without_comments(text)) is not None
