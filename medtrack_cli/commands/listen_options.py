"""The options of listen, in groups: the command gets each group as one value."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.options import Panel, flag, option
from medtrack_cli.commands.shared_options import OFFSET, REVEAL, SHOW_BODY, STREAM_SINCE, WHERE
from medtrack_cli.core.listening.sources import QueueType


class Form(StrEnum):
    """The formats of output that listen has."""

    HUMAN = "human"
    JSON = "json"
    RAW = "raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """Which deliveries are shown and recorded."""

    exclude_key: list[str] | None = option(
        Panel.WHAT, "--exclude-key PATTERN", "Leave these routing keys out; repeatable."
    )
    where: str | None = WHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """When it is over."""

    count: int | None = option(
        Panel.END, "--count N", "End after N events that pass --where.", parser=whole(1)
    )
    timeout: float | None = option(
        Panel.END, "--timeout SECONDS", "End after this time: 30, 500ms, 5m, 1h."
    )
    idle_timeout: float | None = option(
        Panel.END, "--idle-timeout SECONDS", "End when nothing came for this time."
    )
    expect: list[str] | None = option(
        Panel.END, "--expect TYPE[:N]", "End when N valid events of this type came; repeatable."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Where deliveries go, and how they look there."""

    output: Form | None = option(
        Panel.OUTPUT, "--output, -o", "Rows for people, JSON lines, or each body alone."
    )
    template: str | None = option(
        Panel.OUTPUT, "--format TEMPLATE", "A line of your own: '{routing_key} {payload.cin}'."
    )
    record: Path | None = option(
        Panel.OUTPUT, "--record FILE", "Record what arrives; added to a recording that is there."
    )
    rotate: str | None = option(
        Panel.OUTPUT,
        "--rotate SIZE|TIME",
        "Record in parts of 100MB, 1h …: FILE.000001.ndjson and so on.",
    )
    include_replays: bool = flag(
        Panel.OUTPUT, "--include-replays", "Record what medtrack replay sent, too."
    )
    pseudonymize: bool = flag(
        Panel.OUTPUT,
        "--pseudonymize",
        "Record made-up persons in place of real ones; what is printed stays as it is.",
    )
    body: bool = SHOW_BODY
    reveal: bool = REVEAL
    local_time: bool = flag(
        Panel.OUTPUT, "--local-time", "Show the time of this machine's zone, not UTC."
    )
    clipboard: bool = flag(
        Panel.OUTPUT, "--clipboard", "Let the key y copy, by the terminal (OSC 52)."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """The queue that deliveries come through."""

    durable: str | None = option(
        Panel.HOW,
        "--durable NAME",
        "Listen through a queue of this name, which goes on collecting for 10 minutes without us.",
    )
    queue_type: QueueType | None = option(
        Panel.HOW,
        "--queue-type",
        "Of --durable: on one node of a cluster, or replicated [classic].",
    )
    queue: str | None = option(
        Panel.HOW, "--queue NAME", "Take the messages of an existing queue.", autocompletion=queues
    )
    yes: bool = flag(Panel.HOW, "--yes", "Don't ask before taking from --queue.")
    retry_for: float | None = option(
        Panel.CONNECTION,
        "--retry-for SECONDS",
        "How long to try for the first connection [one try]; a lost one is tried for without end.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FromStream:
    """A stream, and the part of it that is read."""

    from_stream: str | None = option(
        Panel.WHAT,
        "--from-stream NAME",
        "Read what a stream keeps, removing nothing, then what comes.",
        autocompletion=queues,
    )
    since: str | None = STREAM_SINCE
    until: str | None = option(
        Panel.END,
        "--until TIME",
        "Of a stream, only events before; ends where the stream ends now.",
    )
    offset: str | None = OFFSET
