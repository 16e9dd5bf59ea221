"""The checks from the configuration to the vhost."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from medtrack_cli.core.certificate import Certificate
from medtrack_cli.core.connection_settings import Host
from medtrack_cli.core.doctor.facts import Facts
from medtrack_cli.core.doctor.results import Seen, Status, failed, ok, unknown, warning
from medtrack_cli.errors import MedtrackError, Untrusted
from medtrack_cli.plural import counted
from medtrack_cli.suggestions import did_you_mean

SOON = timedelta(days=21)
_NO_TLS = "plain AMQP was wanted"
_WIDEST = 40  # columns of a name in the table


def config(facts: Facts) -> Seen:
    """Read the files."""
    files = facts.given.files()
    return ok(", ".join(files) or "no configuration file; flags, environment and built-ins count")


def profile(facts: Facts) -> Seen:
    """Find the profile, and where it leads."""
    return ok(facts.given.profile())


def password_source(facts: Facts) -> Seen:
    """Fetch the password."""
    settings = facts.settings
    source, is_typed = facts.given.password_source()
    if is_typed:
        return warning(f"{source}: every user of this machine can read the command line")
    if settings.password.reveal() == "":
        return warning(f"{source}: the password is empty")
    return ok(f"{source}, for {settings.username}")


def dns(facts: Facts) -> Seen:
    """Look up every host."""

    def look_up(host: Host, seconds: float) -> str:
        addresses = facts.broker.addresses(host, seconds)
        if list(addresses) == [host.name]:
            return f"{host.name} is an address"
        return f"{host.name} is {', '.join(addresses)}"

    return facts.at_each_host(look_up)


def tcp(facts: Facts) -> Seen:
    """Connect to every address; one answer is enough."""
    return facts.at_each_host(lambda host, seconds: _reach(facts, host, seconds))


def _reach(facts: Facts, host: Host, seconds: float) -> str:
    addresses = facts.broker.addresses(host, seconds)
    reached, errors = [], {}
    for address in addresses:
        try:
            facts.broker.reach(host, address, seconds / len(addresses))
            reached.append(address)
        except MedtrackError as error:
            errors[address] = error
    if not reached:
        raise errors[addresses[0]]
    others = [f"; {address}: {error.what}" for address, error in errors.items()]
    return f"{', '.join(reached)} at port {host.port}{''.join(others)}"


def protocol(facts: Facts) -> Seen:
    """Ask every host for the wanted protocol."""
    seen = facts.at_each_host(facts.broker.greet)
    plain = [host for host in facts.hosts if facts.settings.tls is None and not host.is_loopback]
    if seen.status is Status.OK and plain:
        return warning(f"{seen.text}; without TLS, password and events can be read on the way")
    return seen


def tls_chain(facts: Facts) -> Seen:
    """Check who has signed every host's certificates, and show them as a table."""
    if facts.settings.tls is None:
        return unknown(_NO_TLS)
    if not facts.settings.tls.verify:
        return warning(
            "certificates are not checked (--insecure): any server that answers is trusted"
        )
    chains: list[Sequence[Certificate]] = []

    def check(host: Host, seconds: float) -> str:
        chain = facts.broker.trust(host, seconds, name=False, dates=False)
        chains.append(chain)
        signer = f" ({chain[-1].subject})" if chain else ""
        return f"signed by an authority that is trusted here{signer}"

    host = facts.hosts[0]
    try:
        seen = facts.at_each_host(check)
    except MedtrackError as error:
        chain = facts.broker.chain(host, facts.seconds())
        if isinstance(error, Untrusted) and chain:
            return _untrusted(error, chain)
        seen = failed(error.message, error.hint, error.exit_code)
        return seen._replace(table=tuple(_table(chain)))
    return seen._replace(table=tuple(_table(chains[0])))


def _table(chain: Sequence[Certificate]) -> Iterator[str]:
    """List a certificate chain link by link."""
    names = [(_cut(each.subject), _cut(each.signer)) for each in chain]
    rows = [("certificate of", "signed by"), *names] if chain else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    dates = ["until", *(f"{each.until:%Y-%m-%d}" for each in chain)]
    for number, (row, until) in enumerate(zip(rows, dates, strict=False)):
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield f"{number or ' '} {'  '.join(cells)}  {until}"


def _untrusted(error: Untrusted, chain: Sequence[Certificate]) -> Seen:
    """Name the missing link between the host's certificates and the trusted ones."""
    last, hint = chain[-1], error.hint
    if last.subject == last.signer:
        missing = f"missing here: trust in {last.subject}, which has signed itself"
    else:
        missing = f"missing: the certificate of {last.signer}, which has signed the last one"
        hint = ""  # it may also be the broker that should send one
    return failed(error.message, hint, error.exit_code)._replace(table=(*_table(chain), missing))


def _cut(name: str) -> str:
    return name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…"


def tls_name(facts: Facts) -> Seen:
    """Check that the certificates are for the names in use."""
    tls = facts.settings.tls
    if tls is None or not tls.verify:
        return unknown(_NO_TLS if tls is None else "not checked (--insecure)")

    def check(host: Host, seconds: float) -> str:
        try:
            facts.broker.trust(host, seconds, name=True, dates=False)
        except MedtrackError as error:
            shown = facts.broker.chain(host, facts.seconds())
            names = shown[0].names if shown else ()
            near = did_you_mean(tls.server_name or host.name, names, most=3)
            hint = f"{near} {error.hint}" if near else error.hint
            raise type(error)(error.what, error.subject, hint=hint) from None
        return f"the certificate is for {tls.server_name or host.name}"

    return facts.at_each_host(check)


def tls_expiry(facts: Facts) -> Seen:
    """Check that every certificate is valid today and in three weeks."""
    tls = facts.settings.tls
    if tls is None:
        return unknown(_NO_TLS)
    soonest: list[Certificate] = []

    def check(host: Host, seconds: float) -> str:
        if tls.verify:
            chain = facts.broker.trust(host, seconds, name=False, dates=True)
        else:
            chain = facts.broker.chain(host, seconds)
        if not chain:
            return "no certificate could be looked at"
        first = min(chain, key=lambda each: each.until)
        soonest.append(first)
        return f"valid until {first.until:%Y-%m-%d}"

    seen = facts.at_each_host(check)
    now = facts.clock.now()
    for each in soonest:
        days = (each.until - now).days
        if each.until < now + SOON:
            left = "has expired" if each.until < now else f"ends in {counted(days, 'day')}"
            return warning(f"the certificate of {each.subject} {left} ({each.validity})")
    return seen


def amqp(facts: Facts) -> Seen:
    """Read the broker's properties, and the negotiated values."""
    attempt = facts.attempt
    if attempt.error and not attempt.version:
        raise attempt.error
    said = f"{attempt.product} {attempt.version}"
    if attempt.heartbeat is None:
        return ok(f"{said}; heartbeat and frame size follow after the login")
    frames = f"frames of up to {attempt.frame_max:,} bytes"
    return ok(f"{said}, heartbeat {attempt.heartbeat} s, {frames}")


def login(facts: Facts) -> Seen:
    """Log in."""
    attempt = facts.attempt
    if attempt.heartbeat is None and attempt.error:
        raise attempt.error
    return ok(f"{facts.settings.username} at {attempt.host}")


def vhost(facts: Facts) -> Seen:
    """Open the vhost: it exists, is open to the user, and no limit keeps us out."""
    if facts.attempt.error:
        raise facts.attempt.error
    return ok(f"{facts.settings.username} may enter {facts.settings.vhost!r}")
