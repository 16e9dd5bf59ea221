"""What is read: files, pipes, typed JSON, generated events, and how far a run has got."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medtrack_cli.errors import UsageError
from medtrack_cli.files.reading.input import FROM_THE_START, Beginning, Input, Span, gather
from medtrack_cli.files.reading.sources import Source
from medtrack_cli.files.samples import sample, sample_folder, write_samples
from medtrack_cli.files.written import Written, descriptor
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.items import Item
    from medtrack_cli.events.event_type import EventType
    from medtrack_cli.files.state.journal import Journal as Journal  # noqa: PLC0414 -- passed on

__all__ = [
    "FROM_THE_START",
    "Beginning",
    "Input",
    "Source",
    "Span",
    "checkpoint",
    "example",
    "gathered",
    "generated",
    "sample_folder",
    "shown_example",
    "write_samples",
]


def gathered(  # noqa: PLR0913 -- one parameter an option
    runtime: Runtime,
    paths: Sequence[str],
    *,
    as_type: str | None = None,
    typed: Sequence[str] = (),
    outputs: "Sequence[tuple[Path, str]]" = (),
    allows_empty: bool = False,
) -> "Input":
    """Find what paths name, without reading it. `typed` is JSON from the command line.

    `outputs` are the files that the run writes, each with its purpose; CannotCreate where one, or
    stdout, is an input, or would replace events.
    """
    if as_type is not None:
        runtime.registry.find(as_type)  # an unknown type is a typo: report it first
    source = gather(
        paths,
        lambda: runtime.world.stdin,
        registry=runtime.registry,
        as_type=as_type,
        typed=typed,
        written=Written(outputs, descriptor(runtime.world.stdout)),
        note=runtime.printer.note,
        warn=runtime.printer.warning,
        allows_empty=allows_empty,
    )
    for name in source.missing_parts():
        runtime.printer.warning(f"a part of the recording is missing: {name}")
    return source


def checkpoint(
    runtime: Runtime, path: Path, sources: "Sequence[Source]", options: Sequence[object]
) -> "Journal":
    """Open a checkpoint for these sources, sent with these options to this broker."""
    from medtrack_cli.files.state.identity import identify
    from medtrack_cli.files.state.journal import open_checkpoint

    if not sources:
        raise UsageError("--checkpoint needs files", hint="-f FILE")
    broker = runtime.config.resolved
    target = [broker.exchange.value, broker.vhost.value, *sorted(map(str, broker.hosts.value))]
    return open_checkpoint(path, identify(sources, [*options, *target]))


def example(runtime: Runtime, event_type: "EventType") -> dict[str, Any] | None:
    """Give one complete event: a built-in type's sample, or an added one's first example."""
    if event_type.document is None:
        return sample(event_type.name)
    from medtrack_cli.events.schemas.documents import example_event

    return example_event(event_type, runtime.config.service or "my-service")


def shown_example(runtime: Runtime, event_type: "EventType") -> dict[str, Any]:
    """Give one complete event; UsageError where an added type shows none."""
    event = example(runtime, event_type)
    if event is None:
        hint = "add `examples` to its schema: a list of payloads"
        name = f"{event_type.name} {event_type.version}"
        raise UsageError("no example is known", name, hint=hint)
    return event


def generated(
    runtime: Runtime, event_type: str, count: int, seed: int | None, service: str | None
) -> "Callable[[], Iterator[Item]]":
    """Make events of a type, the same on each call.

    An added type's events are all its first example.
    """
    import random
    from itertools import islice

    from medtrack_cli.core.publishing.plan import generated_items
    from medtrack_cli.events import generate

    known = runtime.registry.find(event_type)
    event = shown_example(runtime, known)
    del event["timestamp"]
    if service:
        event["service"] = service
    chosen = random.randrange(2**32) if seed is None else seed  # noqa: S311 -- made up
    if seed is None and runtime.trace:
        runtime.trace(f"--seed {chosen} generates the same events again")
    return lambda: generated_items(islice(generate.generated(known, event, chosen), count))
