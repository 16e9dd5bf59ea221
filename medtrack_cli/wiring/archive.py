"""Archives: created on a broker whose streams were tested first, and listed."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medtrack_cli.core.archive import (
    Archive,
    Fate,
    Fates,
    edge_of,
    left_over,
    probe_name,
    with_fate,
)
from medtrack_cli.core.ports import Stop, silent
from medtrack_cli.core.queues import NewQueue
from medtrack_cli.errors import BrokerUnreachable, ExitCode, MedtrackError, TopologyError
from medtrack_cli.output.shown.archives import ShownNewArchive
from medtrack_cli.runtime import Runtime
from medtrack_cli.wiring.queues import declare

if TYPE_CHECKING:
    from medtrack_cli.broker.amqp.stream_edges import Edges


def create(
    runtime: Runtime, stream: NewQueue, patterns: tuple[str, ...], *, accepts_loss: bool
) -> int:
    """Create an archive and report it.

    Not where publishers would suffer, unless that is accepted.
    """
    with runtime.world.stop_on_signals() as stop:
        try:
            fates = _probed(runtime, stop)
            closing = with_fate(fates, Fate.CLOSES, Fate.REFUSED)
            is_bound = accepts_loss or not closing
            if is_bound:
                declare(runtime, stream, patterns, stop)
        except BrokerUnreachable:
            if stop.exit_code is None:
                raise
            return stop.exit_code
    runtime.printer.show(ShownNewArchive(stream, patterns, fates, is_bound))
    if is_bound:
        return ExitCode.DONE
    runtime.printer.warning(
        f"archive {stream.name} is not bound, and nothing is declared: publishers of a header "
        f"of type {' or '.join(closing)} would lose the connection, or have the message refused; "
        "--accept-loss binds it all the same"
    )
    return ExitCode.VERDICT_NO


def _probed(runtime: Runtime, stop: Stop) -> Fates:
    """Test what becomes of headers, apart from real data.

    First delete an earlier test's remains.
    """
    from medtrack_cli.broker.amqp import stream_probe, taps
    from medtrack_cli.broker.management.client import names

    settings, now = runtime.connection, runtime.world.clock.now()
    if not taps.exchange_exists(settings, settings.exchange, runtime.printer.note, stop):
        what = f"exchange {settings.exchange!r} is missing"
        hint = "--exchange names another; `medtrack publish` says which are like it"
        raise TopologyError(what, settings.describe(), hint=hint)
    if settings.management_url:
        there = {*names(settings, "queues"), *names(settings, "exchanges")}
        if old := left_over(there, now):
            stream_probe.delete_probes(settings, old, silent, stop)
    return stream_probe.probe_stream(settings, probe_name(now, secrets.token_hex(8)), silent, stop)


def read_all(runtime: Runtime) -> Sequence[Archive]:
    """Read the vhost's streams, with their first and last messages where these can be read."""
    from medtrack_cli.broker.management.client import Unanswered
    from medtrack_cli.broker.management.topology import read_archives

    settings = runtime.connection
    with runtime.world.stop_on_signals() as stop:
        try:
            found = read_archives(settings, stop)
        except Unanswered as error:
            raise error.fatal(settings) from None
        return [_with_edges(runtime, each, stop) for each in sorted(found)]


def read_one(runtime: Runtime, name: str) -> Archive:
    """Read a stream; what only the management API tells is None without it, with a note."""
    from medtrack_cli.broker.amqp.stream_edges import read_edges
    from medtrack_cli.broker.management.client import Unanswered
    from medtrack_cli.broker.management.topology import read_archives

    settings, note = runtime.connection, runtime.printer.note
    with runtime.world.stop_on_signals() as stop:
        edges = read_edges(settings, name, note, stop)
        try:
            found = {each.name: each for each in read_archives(settings, stop)}.get(name)
        except Unanswered as error:
            found = None
            where = settings.management_url or "management API"
            note(f"bindings, bounds and replicas aren't known: {where} {error}")
    return _joined(found or Archive(name), edges)


def _with_edges(runtime: Runtime, archive: Archive, stop: Stop) -> Archive:
    from medtrack_cli.broker.amqp.stream_edges import read_edges

    try:
        return _joined(archive, read_edges(runtime.connection, archive.name, silent, stop))
    except MedtrackError as error:
        runtime.printer.note(f"what {archive.name} holds isn't known: {error.message}")
        return archive


def _joined(archive: Archive, edges: "Edges") -> Archive:
    if edges.first is None or edges.last is None:
        return archive._replace(messages=edges.counted)
    first, last = map(edge_of, (edges.first, edges.last))
    return archive._replace(messages=edges.counted or None, first=first, last=last)
