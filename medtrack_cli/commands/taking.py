"""Asking before the messages of somebody's queue are taken."""

from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime


def confirm_taking(runtime: Runtime, queue: str, *, yes: bool) -> None:
    """Ask, with how many messages wait; in scripts --yes says it beforehand.

    UsageError without a yes; TopologyError when there is no such queue.
    """
    if yes:
        return
    address = runtime.config.address()
    target = f"{queue!r} on {address['broker']}, vhost {address['vhost']}"
    if not runtime.terminal.has_person:
        hint = "add --yes if these messages are yours to take; without --queue nobody's are taken"
        raise UsageError("taking a queue's messages needs a yes", target, hint=hint)
    note = runtime.printer.note
    waiting = runtime.world.count_waiting(runtime.connection, queue, note, Stop())
    told = [
        "listen --queue takes the messages out of a queue; its own consumers won't see them",
        *(f"  {name:<9} {text}" for name, text in address.items() if name != "exchange"),
        f"  queue     {queue}",
        f"  waiting   {'unknown' if waiting is None else f'{waiting:,} messages'}",
    ]
    if runtime.terminal.ask(told, "Take them? [y/N] ").lower() not in {"y", "yes"}:
        raise UsageError("not confirmed, so nothing was taken", target)
