"""medtrack route."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from medtrack_cli.commands.arguments import MOST_BYTES, refuse_bytes
from medtrack_cli.commands.options import Panel, argument, command, flag, option
from medtrack_cli.commands.shared_options import DEFINITIONS
from medtrack_cli.errors import ExitCode, UsageError
from medtrack_cli.runtime import Runtime

EXAMPLES = (
    "medtrack route student.created",
    "medtrack route --all-types --definitions definitions.json -o json",
    "medtrack route -f sample-events --definitions definitions.json -o mermaid",
)


class RouteForm(StrEnum):
    """The formats of a route."""

    HUMAN = "human"
    JSON = "json"
    DOT = "dot"
    MERMAID = "mermaid"


@command("route", *EXAMPLES, effect="read", panel=Panel.BROKER, connects=True)
def route(
    runtime: Runtime,
    keys: list[str] | None = argument("KEY…", "Routing keys; an event type is one.", default=None),
    *,
    all_types: bool = flag(Panel.WHAT, "--all-types", "Every event type that is known."),
    file: list[str] | None = option(
        Panel.WHAT, "--file, -f FILE", "The routing keys of the events in it; repeatable."
    ),
    header: list[str] | None = option(
        Panel.HOW,
        "--header, -H KEY=VALUE",
        "A header of the event; CC=KEY,KEY adds routing keys; repeatable.",
    ),
    definitions: str | None = DEFINITIONS,
    output: RouteForm | None = option(
        Panel.OUTPUT, "--output, -o", "Text, JSON lines, or a graph."
    ),
) -> int:
    """Say which queues an event would reach.

    Shows the exchanges and bindings on the way, backlogs and consumers, and where dead letters go.
    Uses the management API, or a definitions file; sends nothing. Exit code 1: a key reaches no
    queue, or perhaps none.
    """
    from medtrack_cli.core.topology.route import route as followed
    from medtrack_cli.output.shown.routes import ShownRoute
    from medtrack_cli.wiring.topology import draw, exchange_of, read

    headers = _headers(header or ())
    wanted = list(dict.fromkeys(_keys(runtime, keys or (), file or (), all_types=all_types)))
    topology = read(runtime, definitions).topology
    exchange = exchange_of(runtime, topology)
    newest = runtime.registry.newest
    routes = [followed(topology, exchange, key, headers, newest(key)) for key in wanted]
    if output in {RouteForm.DOT, RouteForm.MERMAID}:
        draw(runtime, output, routes)
    else:
        for each in routes:
            runtime.printer.show(ShownRoute(each))
    return ExitCode.DONE if all(each.reaches_queue for each in routes) else ExitCode.VERDICT_NO


def _keys(
    runtime: Runtime, typed: Sequence[str], files: Sequence[str], *, all_types: bool
) -> Iterator[str]:
    """Give the requested keys, in order."""
    if not (typed or files or all_types):
        raise UsageError("no routing key", hint="name one, or --all-types, or --file F")
    refuse_bytes("the routing key", *typed, most=MOST_BYTES)
    yield from typed
    if all_types:
        yield from runtime.registry.names
    if files:
        yield from _keys_of_files(runtime, files)


def _keys_of_files(runtime: Runtime, paths: Sequence[str]) -> Iterator[str]:
    """Give the keys of events: a delivery's own, else an event's type."""
    from medtrack_cli.core.delivery import Delivery
    from medtrack_cli.core.publishing.plan import named_type
    from medtrack_cli.wiring.inputs import gathered

    source = gathered(runtime, paths)
    source.require()
    nameless = 0
    for item in source.items():
        recorded = item.recorded
        key = recorded.published_key if isinstance(recorded, Delivery) else named_type(item.body)
        if key is None:
            nameless += 1
        else:
            yield key
    if nameless:
        runtime.printer.warning(f"{nameless:,} of the events name no event type: medtrack validate")


def _headers(texts: Sequence[str]) -> dict[str, object]:
    """Read headers; CC and BCC are lists of keys."""
    from medtrack_cli.core.publishing.extras import headers_of

    refuse_bytes("--header", *texts)
    return {
        name: value.split(",") if name in {"CC", "BCC"} else value
        for name, value in headers_of(texts).items()
    }
