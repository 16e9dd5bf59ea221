"""A topology: of the broker in use, or from a definitions file."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medtrack_cli.core.topology.model import Topology
from medtrack_cli.errors import NotDefinitions, TopologyError, UsageError
from medtrack_cli.events.findings import NOWHERE, Finding
from medtrack_cli.runtime import Runtime
from medtrack_cli.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medtrack_cli.core.topology.diff import Side
    from medtrack_cli.core.topology.lint import Fault
    from medtrack_cli.core.topology.route import Route
    from medtrack_cli.files.definitions import Definitions
    from medtrack_cli.output.reporters.opening import Wanted

SECONDS = 20.0  # for all answers of the management API


class Read(NamedTuple):
    """A topology, its name, and the file it was read from, if any."""

    topology: Topology
    name: str
    definitions: "Definitions | None" = None

    def finding(self, fault: "Fault") -> Finding:
        """Place a problem: in the file, or at the thing itself."""
        rule, thing, place, message, suggestion = fault
        if self.definitions is None:
            return Finding(rule, thing, NOWHERE, "", message, suggestion)
        span = self.definitions.span(place)
        return Finding(rule, self.name, span, place, f"{thing} {message}", suggestion)


def read(runtime: Runtime, definitions: str | None) -> Read:
    """Read the topology of the broker in use or, if given, of a definitions file."""
    if definitions is not None:
        return _of_file(runtime, definitions)
    from medtrack_cli.broker.management.client import Unanswered
    from medtrack_cli.broker.management.topology import read_topology

    settings = runtime.connection
    try:
        found = read_topology(settings, SECONDS, with_queues=True)
        return Read(found, str(settings.management_url))
    except Unanswered as error:
        raise error.fatal(settings) from None


def _of_file(runtime: Runtime, path: str) -> Read:
    from medtrack_cli.core.topology.rows import topology_of
    from medtrack_cli.files.definitions import read_definitions

    found = read_definitions(path, lambda: runtime.world.stdin)
    vhost = _vhost(runtime, found)
    try:
        return Read(topology_of(found.rows(vhost)), found.file, found)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        hint = "is it whole, as a broker wrote it?"
        what = f"definitions that RabbitMQ doesn't write ({type(error).__name__})"
        raise NotDefinitions(what, found.file, hint=hint) from None


def _vhost(runtime: Runtime, definitions: "Definitions") -> str:
    """Choose the vhost: the configured one, or the only one if none was typed."""
    wanted = runtime.config.resolved.vhost.value
    known = definitions.vhosts()
    if known is None or wanted in known:
        return wanted
    if len(known) == 1 and not {"vhost", "url"} & runtime.flags.keys():
        (only,) = known
        runtime.printer.note(f"its only vhost is looked at: {only}")
        return only
    hint = did_you_mean(wanted, known) or f"--vhost {' or '.join(sorted(known)[:5])}"
    raise TopologyError("no such vhost in the definitions", wanted, hint=hint)


def exchange_of(runtime: Runtime, topology: Topology) -> str:
    """Name the exchange that events go through; TopologyError if it doesn't exist."""
    name = runtime.config.exchange
    if name in topology.exchanges:
        return name
    hint = did_you_mean(name, filter(None, topology.exchanges))
    raise TopologyError("no such exchange", name, hint=hint or "--exchange NAME names another")


def draw(runtime: Runtime, language: str, routes: "Sequence[Route]") -> None:
    """Print routes as one graph, in a language that `graphs` knows."""
    from medtrack_cli.output.graphs import DRAW

    runtime.world.stdout.writelines(f"{line}\n" for line in DRAW[language](routes))


def refuse_outputs(runtime: Runtime, wanted: "Sequence[Wanted]", definitions: str | None) -> None:
    """Raise CannotCreate where a report would replace the definitions, or events."""
    from medtrack_cli.files.written import Written, descriptor

    outputs = [(each.path, "report") for each in wanted if each.path]
    inputs = [] if definitions in {None, "-"} else [str(definitions)]
    Written(outputs, descriptor(runtime.world.stdout)).refuse(inputs)


def side(runtime: Runtime, operand: str) -> "Side":
    """Read the topology of a file or of a profile's broker."""
    from medtrack_cli.core.topology.diff import Side

    flags = runtime.flags
    path = Path(operand)
    if operand == "-" or path.is_file() or path.suffix in {".json", ".gz"} or len(path.parts) > 1:
        found = read(runtime, operand).topology
        return Side(found, exchange_of(runtime, found))
    if typed := [name for name in ("url", "host", "port", "profile") if name in flags]:
        hint = "leave it out: A and B name profiles, or files"
        raise UsageError(f"--{typed[0]} leads elsewhere than", operand, hint=hint)
    there = replace(runtime, flags={**flags, "profile": operand})
    there.tell_what_is_set_aside()
    found = read(there, None).topology
    return Side(found, exchange_of(there, found))
