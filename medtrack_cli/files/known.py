"""Inputs that are recognised as no events by their first bytes, or that aren't UTF-8 text."""

import re

from medtrack_cli.events.findings import Rule

LOOKED_AT = 300
"""Bytes read to recognise them."""

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
_TABLE = rb"[\w\"'\x80-\xff][CELL]*(?:[,;\t][CELL]*)+(?:\r?\n(?!\s*[\[{])|\Z)"
_OTHER = [
    (re.compile(rb"\s*<[?!a-zA-Z]"), "XML or HTML"),
    (re.compile(_TABLE.replace(b"CELL", rb"\w\"' .\x80-\xff-")), "text or CSV"),
    (re.compile(rb"(?s)PK...{26}(?:\[Content_|_rels|docProps|xl/|mimetype)"), "an Office file"),
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb"PAR1|Obj\x01|ORC"), "a table of Parquet, Avro or ORC"),
    (re.compile(rb"SQLite format 3\0"), "a database of SQLite"),
]
_CONVERT = "events are JSON, NDJSON or YAML: `medtrack schema example student.created` prints one"
_TAR = slice(257, 262)
_COMMENTS = re.compile(rb"(?:[ \t]*(?:#[^\n]*|---[^\n]*|%[^\n]*)?\r?(?:\n|$))*")
_YAML = re.compile(rb"[ \t]*(?:- *)*(?:[\w.$-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*:(?:\s|$)")


def known(head: bytes) -> tuple[Rule, str, str] | None:
    """Say what an input is by its first bytes, and what to do; None if it may be events."""
    for pattern, name in _ENCODINGS:
        if pattern.match(head):
            hint = f"save it as UTF-8: iconv -f {name} -t UTF-8, or Out-File -Encoding utf8"
            return Rule.BAD_ENCODING, f"this is {name}, and events are UTF-8", hint
    other = next((name for pattern, name in _OTHER if pattern.match(head)), None)
    if other:
        return Rule.NOT_AN_EVENT, f"this is {other}", _CONVERT
    found = next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
    if head[_TAR] == b"ustar":
        found = "a tar archive"
    return (Rule.NOT_AN_EVENT, f"this is {found}", "unpack it first") if found else None


def without_comments(text: bytes) -> bytes:
    """Leave out a YAML file's first lines that have no content."""
    return _COMMENTS.sub(b"", text, count=1)


def is_yaml(text: bytes) -> bool:
    """Return whether a text that may begin with comments continues as a YAML mapping or list."""
    return _YAML.match(without_comments(text)) is not None
