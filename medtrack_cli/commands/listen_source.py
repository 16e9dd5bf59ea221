"""From listen's options to its source, its format, its recording."""

from collections.abc import Mapping
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medtrack_cli.commands.arguments import MOST_BYTES, refuse_bytes, refuse_queue_name
from medtrack_cli.commands.forms import Output
from medtrack_cli.core.listening.sources import Queue, QueueType, Source, Tap
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


class Form(StrEnum):
    """The formats of output that listen has."""

    HUMAN = "human"
    JSON = "json"
    RAW = "raw"


def event_lines_of(
    runtime: Runtime,
    output: Form | None,
    template: str | None,
    *,
    reveal: bool,
    local_time: bool,
) -> "AbstractContextManager[Sink] | None":
    """Make the sink that writes bodies or templates; None when the printer knows the format."""
    if template is not None and output not in {None, Form.HUMAN}:
        raise UsageError("--format goes without -o", f"{output}", hint="leave out one of them")
    if template is None and output is not Form.RAW:
        return None
    from medtrack_cli.wiring.recordings import event_lines

    return nullcontext(event_lines(runtime, template, reveal=reveal, local_time=local_time))


def refuse_what_does_nothing(
    output: Form | None, template: str | None, shown: Mapping[str, bool]
) -> None:
    """Refuse options for people with a format that ignores them."""
    ignored = {f"--{name.replace('_', '-')}": given for name, given in shown.items()}
    if template is not None:
        form, ignored = "--format", {name: ignored[name] for name in ("--body", "--clipboard")}
    elif output is Form.JSON:
        form = "-o json"
    elif output is Form.RAW:
        form = "-o raw"
    else:
        return
    if option := next((name for name, given in ignored.items() if given), None):
        hint = "leave it out" if option == "--clipboard" else f"{form} is exact as it is"
        if template is not None and option == "--body":
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


def recorder_of(
    runtime: Runtime,
    record: Path | None,
    rotate: str | None,
    *,
    include_replays: bool,
    pseudonymize: bool,
) -> "Recorder | None":
    """Open the requested recording; UsageError for options that need one."""
    if record is not None:
        from medtrack_cli.wiring.recordings import recorder

        return recorder(
            *(runtime, record),
            rotate=rotate,
            include_replays=include_replays,
            pseudonymize=pseudonymize,
        )
    asked = {
        "--rotate": rotate is not None,
        "--include-replays": include_replays,
        "--pseudonymize": pseudonymize,
    }
    for option in (name for name, given in asked.items() if given):
        raise UsageError(f"{option} goes with --record", hint="--record FILE")
    return None


def source_of(
    patterns: list[str] | None,
    durable: str | None,
    queue_type: QueueType | None,
    queue: str | None,
    count: int | None,
) -> Source:
    """Choose where deliveries come from; no more is taken from a queue than may be wanted."""
    refuse_queue_name("--durable", durable)
    refuse_queue_name("--queue", queue)
    refuse_bytes("a pattern", *patterns or (), most=MOST_BYTES)
    if queue_type is not None and durable is None:
        raise UsageError("--queue-type goes with --durable", queue_type, hint="--durable NAME")
    if queue is None:
        return Tap(tuple(patterns or ["#"]), durable, queue_type or QueueType.CLASSIC)
    if patterns or durable is not None:
        other = "--durable" if durable is not None else "patterns"
        hint = "a queue has its own bindings; --where filters what it holds"
        raise UsageError(f"--queue goes without {other}", queue, hint=hint)
    return Queue(queue, most=count)


def piped(options: Mapping[str, Any]) -> Output:
    """Choose the format of notes, too: a template is for people."""
    return Output.HUMAN if options["template"] is not None else Output.JSON
