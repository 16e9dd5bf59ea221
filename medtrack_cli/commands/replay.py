"""medtrack replay."""

import re
import shlex
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from medtrack_cli.commands.numbers import LEAST, MOST, as_float, seconds
from medtrack_cli.commands.options import command
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.ports import Invalid, PublishPolicy, To
from medtrack_cli.core.times import from_rfc3339
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medtrack_cli.core.messages import Message, Receipt
    from medtrack_cli.core.pacing import Pace
    from medtrack_cli.core.ports import Publisher, Stop
    from medtrack_cli.core.replay import Replay
    from medtrack_cli.files.inputs import Input

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

EXAMPLES = (
    "medtrack replay morning.ndjson --dry-run",
    "medtrack replay morning.ndjson --speed 10",
    "medtrack replay morning.ndjson --speed max --key 'student.*' --yes",
    "medtrack replay morning.ndjson --where 'event.payload.score < 10' --dry-run",
    "medtrack replay dead.ndjson --to queue --dry-run",
    "medtrack replay morning.ndjson --since 2025-01-15T10:00:00Z --until 2025-01-15T10:05:00Z",
)


def _speed(text: str) -> float | None:
    """Read --speed: a factor, or max for no pace at all."""
    if text == "max":
        return None
    speed = as_float(text)
    if not LEAST <= speed <= MOST:
        hint = "--speed 2 is twice as fast"
        raise UsageError(f"--speed is a number from {LEAST} to {MOST:,}, or max", text, hint=hint)
    return speed


def _time(option: str, text: str | None) -> datetime | None:
    """Read a time of the command line; one without an offset is UTC."""
    try:
        return from_rfc3339(text) if text else None
    except ValueError:
        hint = f"{option} 2025-01-15T10:00:00Z"
        raise UsageError(f"{option} is a time", str(text), hint=hint) from None


def _name(text: str | None) -> str | None:
    """Read --name, which is a file's name, too."""
    if text is not None and not _NAME.fullmatch(text):
        hint = "letters, digits, dots, dashes and underscores, 64 at the most"
        raise UsageError("--name is no name of a run", text, hint=hint)
    return text


def replay(
    runtime: Runtime,
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE…", help="Recording, folder, glob, or -.")
    ],
    *,
    speed: Annotated[
        str, typer.Option("--speed", help="2 is twice as fast as recorded; max: no pauses.")
    ] = "1",
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="Only routing keys of this pattern; repeatable."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Only what was received from then on: 2025-01-15T10:00:00Z (UTC if bare).",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="TIME", help="Only what was received before; a time as for --since."
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option("--where", metavar="EXPR", help="Only what this says yes to, in CEL."),
    ] = None,
    skip_corrupt: Annotated[
        bool, typer.Option("--skip-corrupt", help="Leave out damaged records, and count them.")
    ] = False,
    invalid: Annotated[
        Invalid, typer.Option("--invalid", help="What to do with invalid events.")
    ] = Invalid.SEND,
    to: Annotated[
        To | None,
        typer.Option(
            "--to",
            help="Where dead letters go: to the exchange, as they were first published, or to the "
            "queue they died in.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="RUN",
            help="The run's name, which marks what it sends: at most 64 letters, digits, dots, "
            "dashes and underscores.",
        ),
    ] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="An input without any event is right, too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent; send nothing.")
    ] = False,
    retry_for: Annotated[
        float | None,
        typer.Option(
            "--retry-for",
            parser=seconds,
            metavar="SECONDS",
            help="Seconds to try again and again for a connection [only a lost one: 60].",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask on a protected profile.")] = False,
) -> int:
    """Send recorded events again: byte for byte, at the recorded pace, marked as replayed.

    Routing key, properties and headers are as recorded, the message id too. The headers
    x-medtrack-replay, x-medtrack-replay-seq and x-medtrack-original-time are added. Dead letters
    that came under another key than their first one are sent only with --to.
    """
    from uuid import uuid4

    from medtrack_cli.commands.confirming import confirm
    from medtrack_cli.commands.doubting import warn_of_patterns
    from medtrack_cli.commands.sending import print_only, send
    from medtrack_cli.core import deliver
    from medtrack_cli.core import replay as core
    from medtrack_cli.core.filters import Window
    from medtrack_cli.core.pacing import Pace
    from medtrack_cli.wiring import conditions
    from medtrack_cli.wiring.inputs import gathered
    from medtrack_cli.wiring.recordings import keep_name

    factor = _speed(speed)
    condition = conditions.condition(where)
    clock, registry = runtime.world.clock, runtime.registry
    start = clock.now()
    source = gathered(runtime, sources, allows_empty=allow_empty)
    source.require()
    window = Window(_time("--since", since), _time("--until", until))
    run_name, keys = _name(name) or core.run_name(start), tuple(key or ())
    warn_of_patterns(runtime, keys)
    given = shlex.join(["medtrack", "replay", *sources])
    plan = core.Replay(
        *(run_name, uuid4(), keys, window, invalid, registry, condition), to=to, command=given
    )
    tally = deliver.Tally()
    outgoing = _Outgoing(source, plan, start, skips_corrupt=skip_corrupt)
    again = (lambda: outgoing.everything(Counter())) if source.can_be_read_again else None
    if dry_run:
        is_refused = again and not _check(runtime, again())
        made = outgoing.unsent(tally.aside) if is_refused else outgoing.made(tally.aside)
        return print_only(runtime, made, tally.aside)
    confirm(runtime, "replay", again, yes=yes)
    with keep_name(runtime, run_name) if name else nullcontext():
        is_refused = again and not _check(runtime, again())

        def delivered(publisher: "Publisher", stop: "Stop") -> "Iterator[Receipt]":
            if is_refused:
                return outgoing.unsent(tally.aside)
            note = runtime.printer.note
            pace = Pace(factor, clock, stop, note) if factor else None
            paced = outgoing.made(tally.aside, pace)
            return deliver.deliver(publisher, paced, again, stop)

        return send(runtime, Kind.REPLAYED, PublishPolicy(retry_for=retry_for), tally, delivered)


class _Outgoing(NamedTuple):
    """What is to be sent of a source, made as often as it is asked for."""

    source: "Input"
    plan: "Replay"
    start: datetime
    skips_corrupt: bool

    def made(
        self, aside: Counter[str], pace: "Pace | None" = None
    ) -> "Iterator[Message | Receipt]":
        """Give what is to be sent; what is left out is counted aside."""
        from medtrack_cli.core.replay import messages, recorded

        window = self.plan.window
        items = self.source.items(window=window if any(window) else None)
        corrupt = aside if self.skips_corrupt else None
        deliveries = recorded(items, self.start, self.plan.registry, corrupt)
        return messages(deliveries, self.plan, aside, pace)

    def everything(self, aside: Counter[str]) -> "Iterator[Message | Receipt]":
        """Give what is to be accounted for: an invalid event doesn't end it."""
        return self._replace(plan=replace(self.plan, keep_going=True)).made(aside)

    def unsent(self, aside: Counter[str]) -> "Iterator[Receipt]":
        """Give every event its receipt when an invalid one keeps all from being sent."""
        from medtrack_cli.core.deliver import unsent

        return unsent(self.everything(aside), reason="another event is invalid")


def _check(runtime: Runtime, everything: "Iterable[Message | Receipt]") -> bool:
    """Read it all once, so that what is corrupt or can't be sent is known before the first byte.

    Tells whether no invalid event keeps it from being sent.
    """
    from medtrack_cli.core.messages import Receipt
    from medtrack_cli.core.replay import refuse_unsendable
    from medtrack_cli.wiring.brokers import why_unsendable

    checked = invalid = 0
    with runtime.printer.progress(lambda: f"{checked:,} events checked"):
        for each in refuse_unsendable(everything, why_unsendable):
            checked += 1
            invalid += isinstance(each, Receipt)
    return not invalid


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "replay", examples=EXAMPLES, connects=True)(replay)
