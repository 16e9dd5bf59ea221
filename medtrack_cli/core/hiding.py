"""Hiding our password in foreign text: a server may repeat what it was sent."""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

from medtrack_cli.core.connection_settings import ConnectionSettings, Secret

HIDDEN = "***"
# In every tutorial, and the defaults of RabbitMQ and of medtrack: nothing to hide, and ordinary
# words in a server's messages.
WELL_KNOWN = frozenset({"guest", "password"})
_SHORT = 4  # characters: shorter ones are hidden only as whole words
_LEAST_ENCODED = 6  # characters of base64 that are no coincidence


def without_secrets(text: str | bytes, settings: ConnectionSettings) -> str:
    """Hide the password in foreign text, plain or encoded; bytes are escaped UTF-8."""
    shown = plain(text)
    pattern = _pattern(settings.username, settings.password)
    return pattern.sub(HIDDEN, shown) if pattern else shown


def plain(text: str | bytes) -> str:
    """Read an AMQP text, which may not be UTF-8."""
    return text if isinstance(text, str) else text.decode("utf-8", "backslashreplace")


@lru_cache(maxsize=4)
def _pattern(username: str, secret: Secret) -> re.Pattern[str] | None:
    password = secret.reveal()
    if not password or password in WELL_KNOWN:
        return None
    forms = sorted({*_written(password), *_encoded(username, password)}, key=len, reverse=True)
    return re.compile("|".join(map(_found, forms)), re.IGNORECASE)


def _found(form: str) -> str:
    """Match a form; a short one only as a whole word."""
    escaped = re.escape(form)
    return rf"(?<!\w){escaped}(?!\w)" if len(form) < _SHORT else escaped


def _written(password: str) -> Iterator[str]:
    """Give the ways to write a password inside a text."""
    yield password
    yield from (quote(password), quote(password, safe=""), quote_plus(password))
    yield from (json.dumps(password)[1:-1], json.dumps(password, ensure_ascii=False)[1:-1])
    yield from (repr(password)[1:-1], ascii(password)[1:-1], repr(password.encode())[2:-1])
    yield html.escape(password)


def _encoded(username: str, password: str) -> Iterator[str]:
    """Give the encodings of a password, and of a login in HTTP and in AMQP."""
    secret = password.encode("utf-8", "surrogateescape")
    user = username.encode("utf-8", "surrogateescape")
    yield secret.hex()
    for login in (secret, user + b":" + secret, b"\0" + user + b"\0" + secret):
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(login).decode().rstrip("=")
    yield from (each for each in inside_base64(secret) if len(each) >= _LEAST_ENCODED)


def inside_base64(data: bytes) -> Iterator[str]:
    """Give what base64 of a longer text has of this data, by where in its groups that begins."""
    for before in range(3):  # bytes of another text that share its groups of 24 bits
        encoded = b64encode(bytes(before) + data).decode()
        yield encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
