"""From publish's options to its input, what is filled in, and its retries."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medtrack_cli.commands.arguments import MOST_BYTES, refuse_bytes, warn_of_damage
from medtrack_cli.commands.publish_options import Making, Sending
from medtrack_cli.core.ports import PublishPolicy
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medtrack_cli.core.publishing.plan import Read
    from medtrack_cli.core.validating.examine import Completion
    from medtrack_cli.wiring.inputs import Input, Journal, Source

SMALL = 20 * 2**20
"""Bytes of files that are held in memory, their lines or the events made of them, while they are
sent; larger ones are read twice.
"""


def refuse_texts(making: Making) -> None:
    """Refuse texts that AMQP or an event can't carry."""
    refuse_bytes("--set", *making.set_ or ())
    refuse_bytes("--header", *making.header or ())
    refuse_bytes("--property", *making.property_ or ())
    refuse_bytes("--service", making.service or "")
    refuse_bytes("--message-id", making.message_id or "", most=MOST_BYTES)


def filling(runtime: Runtime, making: Making) -> "Completion":
    """Determine what is added to events that lack it, and what is set in all."""
    from medtrack_cli.core.times import rfc3339
    from medtrack_cli.core.validating.examine import Completion
    from medtrack_cli.events.overrides import parse_all

    clock = runtime.world.clock
    return Completion(
        *(making.event_type, making.service, lambda: rfc3339(clock.now()), runtime.registry),
        parse_all(making.set_ or ()),
    )


def policy_of(runtime: Runtime, sending: Sending) -> PublishPolicy:
    """Determine retries and limits."""
    from medtrack_cli.core.publishing.pacing import read_ahead

    is_http = runtime.config.via_http
    window = sending.window or (1 if is_http else PublishPolicy().window)
    if is_http and window > 1:
        runtime.printer.note("with several requests in flight, events arrive in any order")
    ahead, timeout = read_ahead(sending.rate, window), sending.timeout
    return PublishPolicy(
        window=window, timeout=timeout, retry_for=sending.retry_for, read_ahead=ahead
    )


def open_checkpoint(
    runtime: Runtime, path: Path | None, source: "PublishInput", making: Making
) -> "Journal | None":
    """Open the checkpoint and say what it makes unnecessary."""
    if path is None:
        return None
    from medtrack_cli.wiring import inputs

    options = [making.event_type, making.service, making.data, making.set_, making.header]
    options += [making.message_id, *([making.property_] if making.property_ else [])]
    mark = inputs.checkpoint(runtime, path, source.sources, options)
    warn_of_damage(runtime, str(path), mark.damaged)
    if not mark.is_proved:
        runtime.printer.warning(
            f"{path}: an older version began it, and kept no digest of what it sent: only "
            "its size, start and end show that the input is the same"
        )
    if mark.was_done:
        with runtime.printer.progress(lambda: f"{mark.compared:,} events compared"):
            mark.verify(source.read(None))
        runtime.printer.note(f"{path}: {mark.was_done:,} events are done already")
    return mark


class PublishInput(NamedTuple):
    """Events to publish, whether they can be read twice, and their files."""

    read: "Read"
    can_be_read_again: bool
    is_small: bool = False
    sources: "Sequence[Source]" = ()
    refuse_changes: "Callable[[], None]" = lambda: None


def publish_input(runtime: Runtime, making: Making, given: "Callable[..., Input]") -> PublishInput:
    """Find what is to be published: files and typed events, or generated ones."""
    event_type, count, seed = making.event_type, making.count, making.seed
    if making.file or making.data:
        if count or seed is not None:
            raise UsageError("--count and --seed generate events", hint="leave out -f and -d")
        source = given(making.file or [], as_type=event_type, typed=making.data or [])
        source.require()
        is_small = source.size is not None and source.size <= SMALL
        if is_small and not making.data and (held := source.in_memory()):
            source, is_small = held, False
        return PublishInput(
            source.items, source.can_be_read_again, is_small, source.sources, source.refuse_changes
        )
    event_type = _type_to_make(runtime, event_type, is_asked=bool(count or making.set_))
    from medtrack_cli.wiring import inputs

    generated = inputs.generated(runtime, event_type, count or 1, seed, making.service)
    return PublishInput(lambda _skip: generated(), can_be_read_again=True)


def _type_to_make(runtime: Runtime, event_type: str | None, *, is_asked: bool) -> str:
    """Refuse a command line that names nothing to send."""
    from medtrack_cli.commands.slips import is_file, with_source, written

    if event_type and is_asked and not is_file(event_type):
        return event_type
    hint = written(with_source(runtime.typed, event_type, has_count=is_asked))
    if event_type is None:
        none = "nothing to publish: name a file with -f, JSON with -d, or an event type"
        raise UsageError("generated events need an event type" if is_asked else none, hint=hint)
    if is_file(event_type):
        raise UsageError("an event type stands first, and this is a file", event_type, hint=hint)
    name = runtime.registry.find(event_type).name
    raise UsageError(f"nothing to publish: how many events of {name}?", hint=hint)
