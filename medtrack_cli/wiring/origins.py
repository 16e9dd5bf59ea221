"""The broker that a command talks to, as a recording's header names it."""

from medtrack_cli.config.resolve import same_name
from medtrack_cli.core.connection_settings import Host
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.runtime import Runtime


def here(runtime: Runtime) -> Origin:
    """Name it; all names of this machine become localhost."""
    of = runtime.config.resolved
    hosts = (str(Host(same_name(host.name), host.port)) for host in of.hosts.value)
    return Origin(
        ", ".join(dict.fromkeys(hosts)), of.vhost.value, of.exchange.value, of.protected.value
    )
