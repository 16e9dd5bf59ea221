"""What the body of a delivery contains: decompressed if its content_encoding says how."""

import zlib
from typing import NamedTuple

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.events.findings import Problem, Rule
from medtrack_cli.events.json_text import MAX_BODY

# Programs put the character set there, too; whether it is UTF-8 shows in the body's check.
_PLAIN = frozenset({"", "identity", "utf-8", "utf8", "us-ascii", "ascii", "binary", "8bit"})
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_FORMATS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _RAW)}


class Content(NamedTuple):
    """A body from which text can be made. With an error in `problem` it is as received."""

    body: bytes
    problem: Problem | None = None


def content_of(delivery: Delivery) -> Content:
    """Decompress a body by its content_encoding, up to the largest size of an event."""
    named = delivery.properties.get("content_encoding")
    if named is None:
        return Content(delivery.body)
    name = named.strip().lower() if isinstance(named, str) else ""
    if name in _PLAIN:
        return Content(delivery.body)
    if name not in _FORMATS:
        message = "the body's content_encoding isn't one that is read: it is checked as it came"
        return Content(delivery.body, Problem(Rule.UNREAD_ENCODING, (), message))
    for form in _FORMATS[name]:
        try:
            body = _decompressed(delivery.body, form)
        except zlib.error:
            continue
        if len(body) > MAX_BODY:
            message = f"the event is larger than {MAX_BODY} bytes when decompressed"
            return Content(delivery.body, Problem(Rule.TOO_LARGE, 0, message))
        return Content(body)
    message = f"the body can't be read as {name}, which its content_encoding says it is"
    return Content(delivery.body, Problem(Rule.BAD_ENCODING, 0, message))


def _decompressed(body: bytes, form: int) -> bytes:
    """Decompress all members, at most one byte beyond the limit; zlib.error when damaged."""
    whole = bytearray()
    rest = body
    while len(whole) <= MAX_BODY:
        reader = zlib.decompressobj(form)
        whole += reader.decompress(rest, MAX_BODY + 1 - len(whole))
        if len(whole) > MAX_BODY:
            break
        if not reader.eof:
            raise zlib.error("cut off")
        if not (rest := reader.unused_data):
            break
        if form != _GZIP:
            raise zlib.error("something follows")
    return bytes(whole)
