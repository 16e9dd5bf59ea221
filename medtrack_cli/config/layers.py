"""One level of configuration: settings as written become typed values that know their source."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Generic, Required, TypedDict, TypeVar, cast

from medtrack_cli.config.keys import EXCLUSIVE, PASSWORD_KEYS, TLS_KEYS
from medtrack_cli.config.locations import expanded
from medtrack_cli.config.secrets import PasswordCommand, PasswordFile, PasswordOrigin, UnsetVariable
from medtrack_cli.config.url import ParsedUrl, parse_host, parse_port, parse_url, parse_web_address
from medtrack_cli.core.connection_settings import Secret, WebAddress
from medtrack_cli.errors import ConfigError

T_co = TypeVar("T_co", covariant=True)


class Level(IntEnum):
    """The origin of a setting; a lower number wins."""

    FLAG = 0
    ENVIRONMENT = 1
    PROJECT = 2
    USER = 3  # the user's own file, or the explicit one
    BUILT_IN = 4
    DEFAULT = 5


@dataclass(frozen=True, slots=True)
class Value(Generic[T_co]):
    """A setting and its source: `flag --host`, `MEDTRACK_URL`, `/x/medtrack.yaml:7`."""

    value: T_co
    source: str
    level: Level = Level.DEFAULT


@dataclass(frozen=True, slots=True)
class Entry:
    """A setting as written: a text or a list of them. Each may be a password by mistake."""

    texts: tuple[str, ...] = field(repr=False)
    source: str

    @property
    def text(self) -> str:
        return self.texts[0]


@dataclass(frozen=True)
class Written:
    """The settings of one level as written, by key; `source` is where they begin."""

    entries: Mapping[str, Entry]
    source: str = ""

    @cached_property
    def url(self) -> ParsedUrl | None:
        """The parsed URL; ConfigError when it isn't one."""
        entry = self.entries.get("url")
        return parse_url(entry.text, entry.source) if entry else None


@dataclass(frozen=True, slots=True)
class Password:
    """A password and the user name and hosts it belongs to.

    `username` None means any user. With `any_host` it was given without a host (MEDTRACK_PASSWORD);
    otherwise it belongs to the hosts of its own level. With `from_variable` the text is not that
    level's: it names a variable.
    """

    origin: PasswordOrigin
    username: str | None
    any_host: bool
    from_variable: bool


class Layer(TypedDict, total=False):
    """What one level says about the connection; a key is absent where it says nothing.

    A port or server name of None inside a value means: ignore the levels below.
    """

    level: Required[Level]
    hosts: Value[tuple[tuple[str, int | None], ...]]
    port: Value[int | None]
    tls: Value[bool]
    vhost: Value[str]
    username: Value[str]
    password: Value[Password]
    exchange: Value[str]
    ca_file: Value[Path]
    cert_file: Value[Path]
    key_file: Value[Path]
    server_name: Value[str | None]
    management_url: Value[WebAddress]
    protected: Value[bool]
    heartbeat: Value[int]
    ignored: Value[tuple[str, ...]]


_LONGEST_NAME = 255  # bytes, by AMQP 0-9-1
_TEXTS_OF_A_URL = ("vhost", "username", "ca_file", "cert_file", "key_file", "server_name")


def build_layer(written: Written, level: Level, folder: Path, environ: Mapping[str, str]) -> Layer:
    """Type one level's settings; ConfigError, naming the source, where one can't be read.

    Within a level a URL is more general: a key of its own overrides the URL's part. A URL that
    names a host also hides the port and server name of lower levels. Relative paths start at
    `folder`.
    """
    layer: Layer = {"level": level}
    if not written.entries:
        return layer
    for keys in EXCLUSIVE:
        _refuse_together(written.entries, keys)

    def path(entry: Entry) -> Path:
        return folder / expanded(_not_empty(entry))

    readers: dict[str, Callable[[Entry], object]] = {
        "host": _hosts,
        "hosts": _hosts,
        "port": _port,
        "vhost": _text,
        "username": _text,
        "exchange": _exchange,
        "ca_file": path,
        "cert_file": path,
        "key_file": path,
        "server_name": _not_empty,
        "management_url": _management_url,
        "protected": _boolean,
    }
    texts = written.entries
    if url := written.url:
        source = written.entries["url"].source
        layer |= _url_values(url, source, level)
        parts = {key: getattr(url, key) for key in _TEXTS_OF_A_URL}
        said = {key: Entry((text,), source) for key, text in parts.items() if text is not None}
        texts = {**said, **texts}
    typed = {
        "hosts" if key == "host" else key: Value(read(texts[key]), texts[key].source, level)
        for key, read in readers.items()
        if key in texts
    }
    layer |= cast("Layer", typed)  # the readers return the types of Layer
    if tls := _tls(written, level):
        layer["tls"] = tls
    owner = layer["username"].value if "username" in layer else None
    if password := _password(written, level, owner, path, environ):
        layer["password"] = password
    return layer


def _url_values(url: ParsedUrl, source: str, level: Level) -> Layer:
    """Give the values that the URL parser has already typed."""
    layer: Layer = {"level": level, "tls": Value(url.tls, source, level)}
    if url.host:
        layer["hosts"] = Value(((url.host, None),), source, level)
        layer["server_name"] = Value(None, source, level)
    if url.host or url.port:
        layer["port"] = Value(url.port, source, level)
    if url.heartbeat:
        layer["heartbeat"] = Value(url.heartbeat, source, level)
    if url.ignored:
        layer["ignored"] = Value(url.ignored, source, level)
    return layer


def _refuse_together(entries: Mapping[str, Entry], keys: tuple[str, ...]) -> None:
    given = [key for key in keys if key in entries]
    if len(given) > 1:
        what = f"{given[0]} and {given[1]} exclude each other"
        raise ConfigError(what, entries[given[1]].source, hint="keep one of them")


def _text(entry: Entry) -> str:
    """Read a name that AMQP can carry: at most 255 bytes of UTF-8."""
    try:
        size = len(entry.text.encode())
    except UnicodeEncodeError:
        raise ConfigError("not UTF-8", entry.source, hint="check the terminal's locale") from None
    if size > _LONGEST_NAME:
        raise ConfigError(f"longer than {_LONGEST_NAME} bytes", entry.source, hint="shorten it")
    return entry.text


def _not_empty(entry: Entry) -> str:
    if not entry.text:
        raise ConfigError("an empty value", entry.source, hint="give it a value or leave it out")
    return entry.text


def _exchange(entry: Entry) -> str:
    """Read an exchange's name; AMQP's nameless one takes no bindings."""
    _not_empty(entry)
    return _text(entry)


def _hosts(entry: Entry) -> tuple[tuple[str, int | None], ...]:
    return tuple(parse_host(text, entry.source) for text in entry.texts)


def _port(entry: Entry) -> int:
    return parse_port(entry.text, entry.source)


def _boolean(entry: Entry) -> bool:
    if entry.text not in {"true", "false"}:
        raise ConfigError("not true or false", entry.source, hint="write true or false")
    return entry.text == "true"


def _management_url(entry: Entry) -> WebAddress:
    """Read a web address; it contains no password and is printed in full."""
    try:
        return parse_web_address(entry.text, entry.source)
    except ConfigError:
        hint = "write https://HOST:15671; the user name and password are the connection's own"
        raise ConfigError("not a management URL", entry.source, hint=hint) from None


def _tls(written: Written, level: Level) -> Value[bool] | None:
    """Turn TLS on where a key requires it."""
    asking = [written.entries[key] for key in ("tls", *TLS_KEYS) if key in written.entries]
    if not asking:
        return None
    if written.url and not written.url.tls:
        what = "TLS settings beside an amqp:// URL"
        raise ConfigError(what, asking[0].source, hint="write amqps:// for amqp://")
    return Value(value=True, source=asking[0].source, level=level)


def _password(
    written: Written,
    level: Level,
    username: str | None,
    path: Callable[[Entry], Path],
    environ: Mapping[str, str],
) -> Value[Password] | None:
    """Find a level's password; the URL's comes last."""
    url = written.url
    key = next((key for key in PASSWORD_KEYS if key in written.entries), "url")
    entry = written.entries.get(key)
    if entry is None:
        return None
    source = f"{key}, {entry.source}"
    origin: PasswordOrigin | None = url.password if url else None
    if key == "password_env":
        name = _not_empty(entry)
        origin = Secret(environ[name]) if environ.get(name) else UnsetVariable(name, source)
        source = f"{name}, {source}"
    elif key == "password_file":
        origin = PasswordFile(path(entry), source)
    elif key == "password_command":
        origin = PasswordCommand(_arguments(entry), source)
    else:
        origin = Secret(entry.text) if key == "password" else origin
        source = entry.source
    if origin is None:
        return None
    beside_a_host = key == "url" and url is not None and url.host is not None
    any_host = level is Level.ENVIRONMENT and not beside_a_host
    return Value(Password(origin, username, any_host, key == "password_env"), source, level)


def _arguments(entry: Entry) -> tuple[str, ...]:
    """Split a command written as one text as a shell would; a list is used as it is."""
    try:
        arguments = entry.texts if len(entry.texts) > 1 else tuple(shlex.split(entry.text))
    except ValueError:
        arguments = ()
    if not arguments or not arguments[0]:
        hint = "write it as a list: [pass, show, medtrack]"
        raise ConfigError("not a command", entry.source, hint=hint)
    return arguments
