"""Our own parser of AMQP URLs, so that no message ever quotes a piece of one.

By https://www.rabbitmq.com/docs/uri-spec and https://www.rabbitmq.com/docs/uri-query-parameters.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote

from medtrack_cli.core.connection_settings import Host, Secret, WebAddress
from medtrack_cli.errors import ConfigError
from medtrack_cli.suggestions import nearest_or_all

_ENCODE = "percent-encode / # @ : ? % [ ] in a user name, password or vhost: @ is %40, / is %2F"
_SHAPE = "write amqp://HOST:5672/%2F, or amqps://HOST:5671/%2F with TLS"
_BAD_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\x9f\s]")
_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^\[\]:]*))(?::(?P<port>[0-9]*))?")
_WEB = re.compile(r"(?ai)(?P<scheme>https?)://(?P<address>[^/]+)(?P<path>/[a-z0-9._~/-]*)?")
_HOST_NAME = re.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
_TLS_PARAMETERS = ("cacertfile", "certfile", "keyfile", "server_name_indication")
_PARAMETERS = (*_TLS_PARAMETERS, "verify", "heartbeat", "auth_mechanism")
_UNSUPPORTED = ("depth", "fail_if_no_peer_cert", "ssl_options")  # values that would weaken TLS
# Parameters that tune RabbitMQ's own clients, and pika.
_IGNORED = frozenset(
    [
        "channel_max",
        "connection_timeout",
        "frame_max",
        "locale",
        "blocked_connection_timeout",
        "socket_timeout",
        "stack_timeout",
        "connection_attempts",
        "retry_delay",
        "tcp_options",
    ]
)


@dataclass(frozen=True, slots=True)
class ParsedUrl:
    """The parts a URL names; None where a part is absent, "" where it is empty.

    `amqp://h` has no vhost, `amqp://h/` the vhost "", `amqp://h/%2F` the vhost "/".
    """

    tls: bool
    host: str | None = None
    port: int | None = None
    username: str | None = None
    password: Secret | None = None
    vhost: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None
    heartbeat: int | None = None
    ignored: tuple[str, ...] = ()  # names of parameters


def parse_url(text: str, source: str = "URL") -> ParsedUrl:
    """Read an AMQP URL; ConfigError, naming only `source`, when it isn't one."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in {"amqp", "amqps"}:
        raise ConfigError("not an AMQP URL", source, hint=_SHAPE)
    _refuse_raw(rest, source)
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    userinfo, has_user, address = authority.rpartition("@")
    username, has_password, password = userinfo.partition(":")
    if userinfo.count(":") > 1 or "[" in userinfo or "]" in userinfo:
        raise ConfigError("a reserved character stands raw in the URL", source, hint=_ENCODE)
    if "/" in path:
        raise ConfigError("the URL's vhost holds a raw /", source, hint="the vhost / is %2F")
    host, port = _split_address(_decode(address, source), source)
    tls = scheme.lower() == "amqps"
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    ignored = tuple(dict.fromkeys(key for key, _ in pairs if key in _IGNORED))
    wanted = [(key, value) for key, value in pairs if key not in _IGNORED]
    parameters = _parameters(wanted, source, tls=tls)
    return ParsedUrl(
        tls=tls,
        host=host or None,
        port=port,
        username=_decode(username, source) if has_user else None,
        password=Secret(_decode(password, source)) if has_password else None,
        vhost=_decode(path, source) if slash else None,
        ca_file=parameters.get("cacertfile"),
        cert_file=parameters.get("certfile"),
        key_file=parameters.get("keyfile"),
        server_name=parameters.get("server_name_indication"),
        heartbeat=_heartbeat(parameters.get("heartbeat"), source),
        ignored=ignored,
    )


def parse_host(text: str, source: str) -> tuple[str, int | None]:
    """Read a host as typed: `name`, `name:port`, `::1`, `[::1]:5672`."""
    if _is_ipv6(text):
        return text, None
    if "://" in text or "@" in text:
        hint = "a URL goes to --url, MEDTRACK_URL or `url:`"
        raise ConfigError("a URL stands where a host name is wanted", source, hint=hint)
    host, port = _split_address(text, source)
    if not host:
        raise ConfigError("the host is empty", source, hint="give a host name or address")
    return host, port


def parse_web_address(text: str, source: str) -> WebAddress:
    """Read http[s]://HOST[:PORT][/PATH], so strictly that all readers find the same host.

    It may not contain a user name, query, fragment, backslash, percent sign or letter beyond ASCII.
    """
    match = _WEB.fullmatch(text)
    if match is None or "%" in match["address"]:
        raise ConfigError("not a web address", source, hint="write https://HOST:PORT")
    host, port = _split_address(match["address"], source)
    if not host:
        raise ConfigError("the host is empty", source, hint="give a host name or address")
    path = (match["path"] or "").rstrip("/")
    return WebAddress(match["scheme"].lower() == "https", host, port, path)


def parse_port(text: str, source: str) -> int:
    """Read a TCP port, 1 to 65535."""
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ConfigError("not a port number", source, hint="ports go from 1 to 65535")
    return int(text)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, without asking the network."""
    return Host(host, 0).is_loopback


def _refuse_raw(rest: str, source: str) -> None:
    """Refuse what shows that a user name or password was not percent-encoded.

    An @ after the first / or ? is always refused: the part before it may be half a password, and
    the host read from there would be printed everywhere.
    """
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    if "#" in rest or rest.count("@") > 1 or rest.count("@") > authority.count("@"):
        raise ConfigError("a reserved character stands raw in the URL", source, hint=_ENCODE)
    if _BAD_PERCENT.search(rest):
        raise ConfigError("a raw % stands in the URL", source, hint="a percent sign is %25")
    if _INVISIBLE.search(rest):
        raise ConfigError("the URL holds a space or control character", source, hint=_ENCODE)


def _split_address(text: str, source: str) -> tuple[str, int | None]:
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ConfigError("not a host and port", source, hint=f"{_SHAPE}; {_ENCODE}")
    address, name, port = match["v6"], match["name"], match["port"]
    if (address and not _is_ipv6(address)) or (name and not _HOST_NAME.fullmatch(name)):
        raise ConfigError("not a host name or address", source, hint=f"{_SHAPE}; {_ENCODE}")
    return address or name, parse_port(port, source) if port else None


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _decode(text: str, source: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        pass  # its message quotes the bytes: they may be a password's
    raise ConfigError("the URL's percent-encoding isn't UTF-8", source, hint=_ENCODE)


def _parameters(pairs: Iterable[tuple[str, str]], source: str, *, tls: bool) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for key, value in pairs:
        if key not in _PARAMETERS:
            _refuse_parameter(key, source)
        if key in parameters:
            raise ConfigError(f"the URL gives {key} twice", source, hint="keep one of them")
        if key in _TLS_PARAMETERS and not tls:
            raise ConfigError(f"{key} needs TLS", source, hint="write amqps:// for amqp://")
        parameters[key] = _decode(value, source)
    # RabbitMQ's own client reads the name `disable` as: don't compare the host's.
    unchecked = parameters.get("server_name_indication") == "disable"
    if unchecked or parameters.get("verify", "verify_peer") != "verify_peer":
        what = "certificate checks can't be switched off by a URL or a file"
        hint = "name the broker's certificate authority with cacertfile=, --ca-file or tls.ca_file"
        raise ConfigError(what, source, hint=hint)
    if parameters.get("auth_mechanism", "plain").lower() != "plain":
        raise ConfigError("auth_mechanism is only plain here", source, hint="leave it out")
    return parameters


def _refuse_parameter(key: str, source: str) -> NoReturn:
    if key in _UNSUPPORTED:
        hint = f"leave it out; known: {', '.join(_PARAMETERS)}"
        raise ConfigError(f"the URL parameter {key} isn't supported", source, hint=hint)
    raise ConfigError("unknown URL parameter", source, hint=nearest_or_all(key, _PARAMETERS))


def _heartbeat(text: str | None, source: str) -> int | None:
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        hint = "seconds from 1 to 65535"
        raise ConfigError("heartbeat is not a number of seconds", source, hint=hint)
    return int(text)
