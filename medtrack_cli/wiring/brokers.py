"""The broker in use: its name in recordings, and what it could do with an event."""

from collections.abc import Callable
from dataclasses import replace

from medtrack_cli.config.resolve import same_name
from medtrack_cli.core.connection_settings import Host
from medtrack_cli.core.messages import Message
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.errors import MedtrackError
from medtrack_cli.runtime import Runtime


def here(runtime: Runtime) -> Origin:
    """Name the broker in use; all names of this machine become localhost."""
    of = runtime.config.resolved
    hosts = (str(Host(same_name(host.name), host.port)) for host in of.hosts.value)
    return Origin(
        ", ".join(dict.fromkeys(hosts)), of.vhost.value, of.exchange.value, of.protected.value
    )


def reach(runtime: Runtime, timeout: float | None) -> Callable[[Message], list[str] | None]:
    """Return which queues messages would reach, from the management API; None: unknown.

    The topology is read once, if a URL and a password are known without asking a person.
    """
    from medtrack_cli.broker.management.client import SECONDS, Unanswered
    from medtrack_cli.broker.management.topology import read_topology
    from medtrack_cli.core.routing import foretell

    config = replace(runtime.config, prompt=None)
    url = config.resolved.management_url.value
    tell, why = (runtime.printer.note, "") if url else (runtime.trace, "management_url isn't set")
    try:
        if url:
            seconds = SECONDS if timeout is None else min(timeout, SECONDS)
            return foretell(read_topology(config.connection(), seconds), config.exchange)
    except Unanswered as error:
        why = f"{url} {error}"
    except MedtrackError as error:
        why = f"{url} isn't asked: {error.message}"
    if tell:
        tell(f"which queues would get them isn't known: {why}")
    return lambda _message: None


def reached(runtime: Runtime) -> list[str]:
    """List the queues that events of the known types reach, each with its types."""
    types: dict[str, list[str]] = {}
    tell = reach(runtime, None)
    for name in runtime.registry.names:
        for queue in tell(Message(1, "", 1, name, name, "", b"")) or ():
            types.setdefault(queue, []).append(name)
    return [f"{queue}: {', '.join(names)}" for queue, names in sorted(types.items())]


def sendable() -> Callable[[Message], str | None]:
    """Make what says why AMQP can't carry a message; None when it can."""
    from medtrack_cli.broker.amqp.frames import why_unsendable
    from medtrack_cli.broker.amqp.header_values import install

    install()  # a link does that, and there is none yet
    return lambda message: why_unsendable(message, "")
