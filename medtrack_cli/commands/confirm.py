"""Asking before events are sent to a protected broker, or messages of a queue are taken."""

import re
from collections.abc import Callable, Iterable, Iterator

from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

Outgoing = Iterable[Message | Receipt]
_UNCOUNTED = "as they come, so they are not counted"
PROTECTED = "the broker is protected"
_BEYOND = "the broker is beyond this machine"
_SHORT_ID = re.compile("[0-9a-f]{8}", re.IGNORECASE)  # of a UUID; other ids may say anything


def confirm(
    runtime: Runtime,
    action: str,
    told: Callable[[], Iterable[tuple[str, str]]],
    *,
    yes: bool,
    beyond: bool = False,
) -> None:
    """Ask before acting on a protected broker; in scripts --yes answers beforehand.

    With `beyond` it asks for any broker beyond this machine, too. `told` gives what would be done,
    by names of nine letters at most. UsageError without a yes. No password is fetched before.
    """
    config = runtime.config
    is_beyond = beyond and not all(host.is_loopback for host in config.resolved.hosts.value)
    if (config.protector is None and not is_beyond) or yes:
        return
    why = PROTECTED if config.protector is not None else _BEYOND
    if not runtime.terminal.has_person:
        raise needs_yes(runtime, action, why)
    lines = [*config.address().items(), *told()]
    asked = [f"{action}: {why}" if is_beyond else f"{action} on a protected broker"]
    asked += [f"  {name:<9} {text}" for name, text in lines]
    ask(runtime, action, asked)


def ask(runtime: Runtime, action: str, told: Iterable[str]) -> None:
    """Ask for the name of the profile that protects the broker, or for a plain yes."""
    protector = runtime.config.protector
    if protector is None:
        is_yes = runtime.terminal.ask(told, "Sure? [y/N] ").lower() in {"y", "yes"}
    else:
        question = f"Type the profile's name, {protector}, to {action}: "
        is_yes = runtime.terminal.ask(told, question) == protector
    if not is_yes:
        raise UsageError("not confirmed, so nothing was done", _target(runtime))


def needs_yes(runtime: Runtime, action: str, why: str) -> UsageError:
    """Make the error that nobody can be asked, and that --yes would answer."""
    hint = "add --yes if that is the broker you mean"
    return UsageError(f"{action} needs a yes: {why}", _target(runtime), hint=hint)


def _target(runtime: Runtime) -> str:
    address, protector = runtime.config.address(), runtime.config.protector
    profile = protector or runtime.config.profile
    return f"{address['broker']}, vhost {address['vhost']} (profile {profile})"


def told_of(runtime: Runtime, outgoing: Callable[[], Outgoing] | None) -> Iterator[tuple[str, str]]:
    """Say what would be sent, counted; None when it can be read only once."""
    yield "events", _events(outgoing(), runtime) if outgoing else _UNCOUNTED


def _events(outgoing: Outgoing, runtime: Runtime) -> str:
    """Count what would be sent, and name the first and the last by what is not personal."""
    count, first, last = 0, None, None
    for each in outgoing:
        if isinstance(each, Message):
            count, first, last = count + 1, first or each, each
    if first is None or last is None:
        return "none"
    if count == 1:
        return f"1: {_name(first, runtime)}"
    return f"{count:,}: the first {_name(first, runtime)}, the last {_name(last, runtime)}"


def _name(message: Message, runtime: Runtime) -> str:
    is_known = message.event_type in runtime.registry.names
    short_id = _SHORT_ID.match(message.message_id)
    kind = message.event_type if is_known else "of an unknown type"
    return f"{kind} {short_id.group()}" if short_id else f"{kind}"


def confirm_consuming(runtime: Runtime, queue: str, *, yes: bool) -> None:
    """Ask, giving the number of waiting messages; in scripts --yes answers beforehand.

    UsageError without a yes; TopologyError when there is no such queue.
    """
    if yes:
        return
    address = runtime.config.address()
    target = f"{queue!r} on {address['broker']}, vhost {address['vhost']}"
    if not runtime.terminal.has_person:
        hint = "add --yes if these messages are yours to take; without --queue none are taken"
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
