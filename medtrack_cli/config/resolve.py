"""From levels to one connection: which value wins, and which password may be sent where."""

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from medtrack_cli.config.layers import Layer, Level, Value
from medtrack_cli.config.secrets import Missing, PasswordOrigin
from medtrack_cli.config.url import is_loopback
from medtrack_cli.core.connection_settings import Host, WebAddress

_GIVE_ONE = (
    "set MEDTRACK_PASSWORD, or give the profile a password_env, password_file or password_command"
)
_OTHER_USER = Missing("held back, it is another user's", _GIVE_ONE)
_OTHER_URL = Missing("held back, it belongs to the URL's host", _GIVE_ONE)
_OTHER_HOST = Missing(
    "held back, it belongs to the profile's host",
    "set MEDTRACK_PASSWORD, or give --profile and --host to send the profile's password there",
)
_PROJECT_HOST = Missing(
    "held back, a project file chose the profile and its host",
    "choose the profile by --profile or MEDTRACK_PROFILE if you trust it with your password",
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Every connection setting with its source."""

    hosts: Value[tuple[Host, ...]]
    port: Value[int]
    vhost: Value[str]
    username: Value[str]
    password: Value[PasswordOrigin | Missing]
    exchange: Value[str]
    tls: Value[bool]
    ca_file: Value[Path] | Value[None]
    cert_file: Value[Path] | Value[None]
    key_file: Value[Path] | Value[None]
    server_name: Value[str | None] | Value[None]
    management_url: Value[WebAddress] | Value[None]
    protected: Value[bool]
    heartbeat: Value[int]
    ignored: Value[tuple[str, ...]] | Value[None]


def resolve(layers: Sequence[Layer], *, profile_is_chosen: bool) -> Resolved:
    """Let the first layer win, setting by setting; the last ones are the defaults.

    `profile_is_chosen`: by --profile or MEDTRACK_PROFILE, not by a file's default_profile.
    """
    won = merged(layers)
    hosts, port, tls = _address(won)
    management = _management_url(layers, hosts.value)
    nothing: Value[None] = Value(None, "not set")
    unsaid: Value[None] = nothing if tls.value else Value(None, tls.source, tls.level)
    of_tls = _of_tls(layers, hosts.level, profile_is_chosen=profile_is_chosen) if tls.value else ()
    trusted = merged(of_tls)
    return Resolved(
        hosts=hosts,
        port=port,
        vhost=won["vhost"],
        username=won["username"],
        password=_password(
            layers,
            _names(hosts.value),
            won["username"].value,
            project_reaches_out=_project_reaches_out(hosts, management),
            profile_is_chosen=profile_is_chosen,
        ),
        exchange=won["exchange"],
        tls=tls,
        ca_file=trusted.get("ca_file", unsaid),
        cert_file=trusted.get("cert_file", unsaid),
        key_file=trusted.get("key_file", unsaid),
        server_name=trusted.get("server_name", unsaid),
        management_url=management or nothing,
        protected=won["protected"],
        heartbeat=won["heartbeat"],
        ignored=won.get("ignored", nothing),
    )


def merged(layers: Sequence[Layer]) -> Layer:
    """Let the first layer win, setting by setting."""
    won: Layer = {"level": Level.DEFAULT}
    for layer in reversed(layers):
        won.update(layer)
    return won


def _of_tls(
    layers: Sequence[Layer], hosts_level: Level, *, profile_is_chosen: bool
) -> Sequence[Layer]:
    """Choose the levels that decide whom to trust and which certificate is ours.

    A project file decides that for its own hosts, but not for one of a flag or variable, where it
    could vouch for a man in the middle; unless a person chose its profile.
    """
    if profile_is_chosen or hosts_level >= Level.PROJECT:
        return layers
    return [layer for layer in layers if layer["level"] is not Level.PROJECT]


def hosts_of(whole: Layer) -> tuple[Host, ...]:
    """Give the hosts of a complete layer."""
    return _address(whole)[0].value


def brokers(hosts: Iterable[Host]) -> set[str]:
    """Name the brokers at hosts: one for each host, whatever the port; on this machine one a port.

    A port of this machine may be a tunnel to anywhere.
    """
    names = [(same_name(host.name), host.port) for host in hosts]
    return {f"{name}:{port}" if name == "localhost" else name for name, port in names}


def same_name(host: str) -> str:
    """Normalise a host's name for comparison, without looking it up.

    Addresses may be written as resolvers accept them: 127.1, 0x7f000001, ::ffff:127.0.0.1.
    """
    address = _numeric(host)
    if is_loopback(host) or (address and (address.is_loopback or address.is_unspecified)):
        return "localhost"
    return str(address or host.lower().rstrip("."))


def _numeric(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        pass
    try:
        address = IPv6Address(host)
    except ValueError:
        return None
    return address.ipv4_mapped or address


def _names(hosts: Iterable[Host]) -> set[str]:
    return {same_name(host.name) for host in hosts}


def _address(whole: Layer) -> tuple[Value[tuple[Host, ...]], Value[int], Value[bool]]:
    """Find hosts, port and TLS. A host's own port yields only to a `port` of a higher level."""
    named, tls, given = whole["hosts"], whole["tls"], whole["port"]
    number = given.value or (5671 if tls.value else 5672)
    overrules = given.value is not None and given.level < named.level
    hosts = tuple(
        Host(name, number if own is None or overrules else own) for name, own in named.value
    )
    port = Value(number, given.source if given.value else tls.source, given.level)
    return Value(hosts, named.source, named.level), port, tls


def _management_url(layers: Sequence[Layer], hosts: Iterable[Host]) -> Value[WebAddress] | None:
    """Find the management API of these hosts.

    One given at a lower level than the host is another broker's, unless the addresses agree; so is
    one on this machine that remains in the environment, where the broker is elsewhere: it would get
    a login that isn't its own.
    """
    at = next((at for at, layer in enumerate(layers) if "management_url" in layer), None)
    if at is None:
        return None
    found = layers[at]["management_url"]
    theirs = {(same_name(host.name), host.port) for host in hosts_of(merged(layers[at:]))}
    ours = {(same_name(host.name), host.port) for host in hosts}
    is_left_over = (
        found.level is Level.ENVIRONMENT
        and is_loopback(found.value.host)
        and not any(is_loopback(name) for name, _ in ours)
    )
    return found if ours <= theirs and not is_left_over else None


def _project_reaches_out(
    hosts: Value[tuple[Host, ...]], management: Value[WebAddress] | None
) -> bool:
    """Return whether a project file names an address beyond this machine that will be used."""
    reached = [host.name for host in hosts.value] if hosts.level is Level.PROJECT else []
    if management and management.level is Level.PROJECT:
        reached.append(management.value.host)
    return not all(map(is_loopback, reached))


def _password(
    layers: Sequence[Layer],
    hosts: set[str],
    username: str,
    *,
    project_reaches_out: bool,
    profile_is_chosen: bool,
) -> Value[PasswordOrigin | Missing]:
    """Find the highest password that belongs to this user name and these hosts.

    - A password given beside a user name is never sent with another name.
    - A password given beside a host (in a URL, in a profile) is sent to that URL's or profile's
      hosts only; all names of this machine are one host. A profile's goes to another host of a
      flag or variable if the profile was chosen by --profile or MEDTRACK_PROFILE: then a person
      combined the two.
    - MEDTRACK_PASSWORD belongs to no host: it goes where flags, variables and the user's own
      files lead; below a typed profile, whose own password wins.
    - No password from outside a project file, or of a variable that it names, goes to an
      address beyond this machine that the project file names, unless the profile was chosen so.

    If none is left, the value says why the first was held back.
    """
    missing: Value[Missing] = Value(Missing("", _GIVE_ONE), "not set")
    for at, layer in enumerate(layers):
        if "password" not in layer:
            continue
        level, source = layer["level"], layer["password"].source
        password = layer["password"].value
        of_profile = level in {Level.PROJECT, Level.USER, Level.BUILT_IN}
        if password.username not in {None, username}:
            reason = _OTHER_USER
        elif not (
            password.any_host
            or hosts <= _names(hosts_of(merged(layers[at:])))
            or (of_profile and profile_is_chosen)
        ):
            reason = _OTHER_HOST if of_profile else _OTHER_URL
        elif (
            project_reaches_out
            and not profile_is_chosen
            and (password.from_variable or level is not Level.PROJECT)
        ):
            reason = _PROJECT_HOST
        else:
            return Value(password.origin, source, level)
        if not missing.value.reason and level is not Level.DEFAULT:
            missing = Value(reason, f"{source}: {reason.reason}", level)
    return missing
