"""One level of configuration: settings as written become typed values that know their source."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Generic, TypeVar

from medtrack_cli.config.keys import EXCLUSIVE, PASSWORD_KEYS, TLS_KEYS
from medtrack_cli.config.locations import expanded
from medtrack_cli.config.secrets import (
    PasswordCommand,
    PasswordFile,
    PasswordOrigin,
    UnsetVariable,
)
from medtrack_cli.config.url import parse_host, parse_port, parse_url, parse_web_address
from medtrack_cli.core.connection_settings import Secret, WebAddress
from medtrack_cli.errors import ConfigError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Level(IntEnum):
    """Who said it; a lower number wins."""

    FLAG = 0
    ENVIRONMENT = 1
    PROJECT = 2
    USER = 3  # the user's own file, or the explicit one
    BUILT_IN = 4
    DEFAULT = 5


@dataclass(frozen=True, slots=True)
class Value(Generic[T_co]):
    """A setting and where it came from: `flag --host`, `MEDTRACK_URL`, `/x/medtrack.yaml:7`."""

    value: T_co
    source: str
    level: Level = Level.DEFAULT


@dataclass(frozen=True, slots=True)
class Entry:
    """A setting as written: one text or a list's. Any text may be a password."""

    texts: tuple[Secret, ...]
    source: str

    @property
    def text(self) -> str:
        return self.texts[0].reveal()


@dataclass(frozen=True, slots=True)
class Password:
    """A password and whom it belongs to.

    `username` None means whoever connects. An `ambient` one was given beside no host
    (MEDTRACK_PASSWORD); any other belongs to the hosts of its own level. The text of a
    `borrowed` one is not that level's: it names a variable.
    """

    origin: PasswordOrigin
    username: str | None
    ambient: bool
    borrowed: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """What one level says about the connection; None where it is silent.

    A port or server name of None inside a value means: forget the levels below.
    """

    level: Level
    hosts: Value[tuple[tuple[str, int | None], ...]] | None = None
    port: Value[int | None] | None = None
    tls: Value[bool] | None = None
    vhost: Value[str] | None = None
    username: Value[str] | None = None
    password: Value[Password] | None = None
    exchange: Value[str] | None = None
    ca_file: Value[Path] | None = None
    cert_file: Value[Path] | None = None
    key_file: Value[Path] | None = None
    server_name: Value[str | None] | None = None
    management_url: Value[WebAddress] | None = None
    protected: Value[bool] | None = None
    heartbeat: Value[int] | None = None
    ignored: Value[tuple[str, ...]] | None = None


_LONGEST_NAME = 255  # bytes, by AMQP 0-9-1


def tls_files(layer: Layer) -> tuple[Value[Path] | None, ...]:
    """Give the files that a level names for TLS."""
    return layer.ca_file, layer.cert_file, layer.key_file


def build_layer(
    entries: Mapping[str, Entry], level: Level, folder: Path, environ: Mapping[str, str]
) -> Layer:
    """Type one level's settings; ConfigError, naming the source, where one can't be read.

    Within a level a URL is the more general: a key of its own beats the URL's part. A URL
    that names a host also makes the port and server name of lower levels void.
    Relative paths start at `folder`.
    """
    for keys in EXCLUSIVE:
        _refuse_together(entries, keys)
    settings = {**_url_parts(entries.get("url")), **entries}

    def value(key: str, read: Callable[[Entry], T]) -> Value[T] | None:
        entry = settings.get(key)
        return Value(read(entry), entry.source, level) if entry else None

    def path(entry: Entry) -> Path:
        return folder / expanded(_not_empty(entry))

    username = value("username", _text)
    return Layer(
        level=level,
        hosts=value("host" if "host" in entries else "hosts", _hosts),
        port=value(
            "port", lambda entry: parse_port(entry.text, entry.source) if entry.texts else None
        ),
        tls=_tls(entries, settings.get("url_tls"), level),
        vhost=value("vhost", _text),
        username=username,
        password=_password(settings, level, username, path, environ),
        exchange=value("exchange", _exchange),
        ca_file=value("ca_file", path),
        cert_file=value("cert_file", path),
        key_file=value("key_file", path),
        server_name=value("server_name", lambda entry: _not_empty(entry) if entry.texts else None),
        management_url=value("management_url", _management_url),
        protected=value("protected", _boolean),
        heartbeat=value("heartbeat", lambda entry: int(entry.text)),
        ignored=value("ignored", lambda entry: tuple(each.reveal() for each in entry.texts)),
    )


def _url_parts(written: Entry | None) -> dict[str, Entry]:
    """Spread a URL over the keys it stands for; an entry without a text voids lower levels."""
    if written is None:
        return {}
    url = parse_url(written.text, written.source)
    parts = {
        "hosts": url.host,
        "port": url.port,
        "vhost": url.vhost,
        "username": url.username,
        "url_password": url.password and url.password.reveal(),
        "url_tls": url.tls,
        "ca_file": url.ca_file,
        "cert_file": url.cert_file,
        "key_file": url.key_file,
        "server_name": url.server_name,
        "heartbeat": url.heartbeat,
    }
    void = dict.fromkeys(("port", "server_name"), Entry((), written.source)) if url.host else {}
    given = {key: part for key, part in parts.items() if part is not None}
    ignored = Entry(tuple(map(Secret, url.ignored)), written.source)
    return {
        **void,
        **{key: Entry((Secret(str(part)),), written.source) for key, part in given.items()},
        **({"ignored": ignored} if url.ignored else {}),
    }


def _refuse_together(entries: Mapping[str, Entry], keys: tuple[str, ...]) -> None:
    given = [key for key in keys if key in entries]
    if len(given) > 1:
        what = f"{given[0]} and {given[1]} exclude each other"
        raise ConfigError(what, entries[given[1]].source, hint="keep one of them")


def _text(entry: Entry) -> str:
    """Read a name that AMQP carries: at most 255 bytes of UTF-8."""
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
    return tuple(parse_host(text.reveal(), entry.source) for text in entry.texts)


def _boolean(entry: Entry) -> bool:
    if entry.text not in {"true", "false"}:
        raise ConfigError("not true or false", entry.source, hint="write true or false")
    return entry.text == "true"


def _management_url(entry: Entry) -> WebAddress:
    """Read a web address; it holds no password and is printed in full."""
    try:
        return parse_web_address(entry.text, entry.source)
    except ConfigError:
        hint = "write https://HOST:15671; the user name and password are the connection's own"
        raise ConfigError("not a management URL", entry.source, hint=hint) from None


def _tls(entries: Mapping[str, Entry], url_tls: Entry | None, level: Level) -> Value[bool] | None:
    asking = next((entries[key] for key in ("tls", *TLS_KEYS) if key in entries), None)
    if asking and url_tls and url_tls.text == "False":
        what = "TLS settings beside an amqp:// URL"
        raise ConfigError(what, asking.source, hint="write amqps:// for amqp://")
    if asking:
        return Value(value=True, source=asking.source, level=level)
    return Value(url_tls.text == "True", url_tls.source, level) if url_tls else None


def _password(
    settings: Mapping[str, Entry],
    level: Level,
    username: Value[str] | None,
    path: Callable[[Entry], Path],
    environ: Mapping[str, str],
) -> Value[Password] | None:
    key = next((key for key in (*PASSWORD_KEYS, "url_password") if key in settings), None)
    if key is None:
        return None
    entry = settings[key]
    source = entry.source if key in {"password", "url_password"} else f"{key}, {entry.source}"
    origin: PasswordOrigin = entry.texts[0]
    if key == "password_env":
        name = _not_empty(entry)
        origin = Secret(environ[name]) if environ.get(name) else UnsetVariable(name, source)
        source = f"{name}, {source}"
    elif key == "password_file":
        origin = PasswordFile(path(entry), source)
    elif key == "password_command":
        origin = PasswordCommand(_arguments(entry), source)
    owner = username.value if username else None
    beside_a_host = key == "url_password" and "hosts" in settings
    ambient = level is Level.ENVIRONMENT and not beside_a_host
    return Value(Password(origin, owner, ambient, key == "password_env"), source, level)


def _arguments(entry: Entry) -> tuple[str, ...]:
    """Split a command written as one text the way a shell would; a list is taken as it is."""
    texts = tuple(text.reveal() for text in entry.texts)
    try:
        arguments = texts if len(texts) > 1 else tuple(shlex.split(texts[0]))
    except ValueError:
        arguments = ()
    if not arguments or not arguments[0]:
        hint = "write it as a list: [pass, show, medtrack]"
        raise ConfigError("not a command", entry.source, hint=hint)
    return arguments
