"""From listen's options to its source, its format, its recording."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from medtrack_cli.commands.arguments import (
    MOST_BYTES,
    refuse_bytes,
    refuse_queue_name,
    refuse_without,
)
from medtrack_cli.commands.forms import Output
from medtrack_cli.commands.listen_options import Form, FromStream, Taking, Writing
from medtrack_cli.commands.times import window_of
from medtrack_cli.core.listening.sources import Queue, QueueType, Source, Stream, Tap
from medtrack_cli.core.times import EVER, TimeRange
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from medtrack_cli.core.delivery import Delivery
    from medtrack_cli.core.listening.listen import Sink
    from medtrack_cli.wiring.recordings import Recorder

EXAMPLES = (
    "medtrack listen",
    "medtrack listen 'student.*' 'user.#'",
    "medtrack listen --record today.ndjson --timeout 10m",
    "medtrack listen --durable my-tap -o json >> events.ndjson",
    "medtrack listen --queue student-service.dead --yes --record dead.ndjson",
    "medtrack listen --from-stream medtrack.archive --since -2h",
    "medtrack listen --expect student.created:3 --timeout 1m",
    "medtrack listen --format '{received_at:%H:%M:%S} {routing_key} {service}'",
)


def event_lines_of(runtime: Runtime, writing: Writing) -> "AbstractContextManager[Sink] | None":
    """Make the sink that writes bodies or templates; None when the printer knows the format."""
    output, template = writing.output, writing.template
    _refuse_what_does_nothing(writing)
    if template is not None and output not in {None, Form.HUMAN}:
        raise UsageError("--format goes without -o", f"{output}", hint="leave out one of them")
    if template is None and output is not Form.RAW:
        return None
    from medtrack_cli.wiring.recordings import event_lines

    reveal, local_time = writing.reveal, writing.local_time
    return nullcontext(event_lines(runtime, template, reveal=reveal, local_time=local_time))


def _refuse_what_does_nothing(writing: Writing) -> None:
    """Refuse options for people with a format that ignores them."""
    ignored = {"--body": writing.body, "--clipboard": writing.clipboard}
    if writing.template is not None:
        form = "--format"
    elif writing.output in {Form.JSON, Form.RAW}:
        form = f"-o {writing.output}"
        ignored |= {"--reveal": writing.reveal, "--local-time": writing.local_time}
    else:
        return
    if option := next((name for name, given in ignored.items() if given), None):
        hint = "leave it out" if option == "--clipboard" else f"{form} is exact as it is"
        if writing.template is not None and option == "--body":
            hint = "{body} in the template"
        raise UsageError(f"{option} does nothing with {form}", hint=hint)


def warn_of_losses(runtime: Runtime, source: Source, choosing: Mapping[str, object]) -> None:
    """Warn of messages that are taken from a queue and then left out."""
    for name in (name for name, given in choosing.items() if given):
        runtime.printer.warning(
            f"what {name} leaves out is taken from {source.name} too, and written nowhere"
        )


def keep(runtime: Runtime, since: "Delivery | None", *, include_replays: bool) -> "Recorder":
    """Begin a recording with what the live view has kept."""
    from medtrack_cli.wiring.recordings import kept_recording

    return kept_recording(runtime, since, include_replays=include_replays)


def recorder_of(runtime: Runtime, writing: Writing) -> "Recorder | None":
    """Open the requested recording; UsageError for options that need one."""
    rotate, include_replays = writing.rotate, writing.include_replays
    if writing.record is not None:
        from medtrack_cli.wiring.recordings import recorder

        return recorder(
            *(runtime, writing.record),
            rotate=rotate,
            include_replays=include_replays,
            pseudonymize=writing.pseudonymize,
        )
    asked = {
        "--rotate": rotate is not None,
        "--include-replays": include_replays,
        "--pseudonymize": writing.pseudonymize,
    }
    refuse_without("--record", asked, hint="--record FILE")
    return None


def source_of(patterns: Sequence[str], taking: Taking, most: int | None) -> Source:
    """Choose where deliveries come from; no more is taken from a queue than may be wanted."""
    durable, queue = taking.durable, taking.queue
    refuse_queue_name("--durable", durable)
    refuse_queue_name("--queue", queue)
    refuse_bytes("a pattern", *patterns, most=MOST_BYTES)
    if taking.queue_type is not None and durable is None:
        what = "--queue-type goes with --durable"
        raise UsageError(what, taking.queue_type, hint="--durable NAME")
    if queue is None:
        return Tap(tuple(patterns) or ("#",), durable, taking.queue_type or QueueType.CLASSIC)
    if patterns or durable is not None:
        other = "--durable" if durable is not None else "patterns"
        hint = "a queue has its own bindings; --where filters what it holds"
        raise UsageError(f"--queue goes without {other}", queue, hint=hint)
    return Queue(queue, most=most)


class Part(NamedTuple):
    """A source, the last wanted offset (None: any), and which keys and times."""

    source: Stream | None = None
    end: int | None = None
    wanted: tuple[tuple[str, ...], TimeRange] = ((), EVER)


def part_of(runtime: Runtime, stream: FromStream, keys: Sequence[str], taking: Taking) -> Part:
    """Determine what is read of a stream.

    UsageError for options that need a stream, or exclude each other.
    """
    from medtrack_cli.wiring.streams import stretch

    refuse_queue_name("--from-stream", stream.from_stream)
    if stream.from_stream is None:
        typed = {f"--{name}": getattr(stream, name) for name in ("since", "until", "offset")}
        given = {name: value is not None for name, value in typed.items()}
        hint = "--from-stream NAME reads what an archive holds; --timeout 10m ends any listen"
        refuse_without("--from-stream", given, hint=hint)
        return Part()
    if taking.durable or taking.queue or taking.queue_type:
        what = "--from-stream goes without --durable, --queue and --queue-type"
        raise UsageError(what, hint="a stream is read as it is, and keeps all")
    if stream.offset is not None and stream.since is not None:
        raise UsageError("--offset and --since exclude each other", hint="leave out one of them")
    window = window_of(stream.since, stream.until, runtime.world.clock.now())
    follows = stream.until is None
    offset = stream.offset or "first"
    found = stretch(runtime, stream.from_stream, offset, window, follows=follows)
    if found.gone:
        raise found.error(hint="--offset first reads what is left")
    return Part(found.source, None if follows else found.end, (tuple(keys), window))


def piped(options: Mapping[str, Any]) -> Output:
    """Choose the format of notes, too: a template is for people."""
    return Output.HUMAN if options["template"] is not None else Output.JSON
