"""The status block of the live view: from a scene to rows of a given width."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.text import Text

from medtrack_cli.core.listening.listen import Watched
from medtrack_cli.core.ports import Retry
from medtrack_cli.output.event_rows import (
    Look,
    clock_time,
    family_colour,
    finding_lines,
    routing_key,
)
from medtrack_cli.output.live.controls import Controls, Pane
from medtrack_cli.output.live.keyboard import EVENT_HINTS, HINTS, LIST_HINTS, PROMPT_HINTS
from medtrack_cli.output.live.sampling import not_drawn
from medtrack_cli.output.live.screen import Size
from medtrack_cli.output.live.statistics import SECONDS, Connection, Phase, Statistics, Tally
from medtrack_cli.output.masking import masked
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.style import Marks
from medtrack_cli.plural import counted

_HINTS = {None: HINTS, Pane.LIST: LIST_HINTS, Pane.EVENT: EVENT_HINTS, Pane.HELP: EVENT_HINTS}

DIGITS = 9

MOST_SERVICES = 6

IDLE_SECONDS = 10
"""After this long without an event, the block says so."""


class Scene(NamedTuple):
    """All that the block shows at one moment."""

    watched: Watched
    connection: Connection
    statistics: Statistics
    controls: Controls
    waiting: int  # kept while paused
    new: int  # came while the log is held
    last_event_at: float | None
    now: float
    has_keys: bool
    notice: str = ""  # what the last key has done


def block(scene: Scene, size: Size, marks: Marks) -> list[Text]:
    """Draw the block, at most a third of the height; the least important rows are left out first.

    Every window shows that it listens and how much has come, and before the first event also where.
    """
    has_events = bool(scene.statistics.by_type.apart or scene.watched.left_out())
    invalid = list(_invalid(scene, size.width, marks))
    sections = [
        (3, [Text(marks.rule * size.width, "dim")]),
        (0, list(_state(scene, size.width, marks))),
        (6 if has_events else 1, list(_place(scene.watched, size.width))),
        (5, list(_types(scene, size.width, marks))),
        (4, invalid[:1]),
        (7, invalid[1:]),
        (1 if has_events else 8, list(_oddities(scene, size.width))),
        (2, list(_keys(scene, size.width, marks))[:1] if scene.has_keys else []),
    ]
    room = max(1, size.height // 3)
    kept: dict[int, list[Text]] = {}
    for rank, rows in sorted(sections, key=lambda section: section[0]):
        kept[rank] = rows[:room]
        room -= len(kept[rank])
    chosen = [row for rank, _ in sections for row in kept[rank]]
    for row in chosen:
        row.truncate(size.width, overflow="ellipsis")
    return chosen


def totals(scene: Scene, width: int, marks: Marks) -> Iterator[Text]:
    """Sum up at the end: each type, and what was unusual."""
    chips = (
        _counted(name, tally, marks, reveal=scene.watched.reveal)
        for name, tally in scene.statistics.most_frequent
    )
    yield from _flowing(chips, width, "   ")
    yield from _flowing(_numbers(scene), width, "  ")


def _counted(name: str, tally: Tally, marks: Marks, *, reveal: bool) -> Text:
    """Give how many events of a type have come, and how many of them are invalid."""
    shown = routing_key(name, reveal=reveal)
    chip = Text.assemble((shown, family_colour(shown)), (f" {tally.total:,}", "bold"))
    if tally.invalid:
        chip.append(f" {marks.invalid}{tally.invalid:,}", "bold red")
    return chip


def _digit(scene: Scene, name: str) -> str:
    """Give the key that selects a type: types keep theirs, in the order of their first events."""
    first = list(scene.statistics.by_type.apart)[:DIGITS]
    return f"{first.index(name) + 1}:" if scene.has_keys and name in first else ""


def _state(scene: Scene, width: int, marks: Marks) -> Iterator[Text]:
    """Give the phase, its duration and the number of events; then why it is interrupted."""
    connection, minute, now = scene.connection, scene.statistics.minute, scene.now
    row = Text()
    if scene.controls.pane:
        row.append(f"{marks.paused} held, {scene.new:,} new", "bold yellow").append("  ")
    elif scene.controls.is_paused:
        row.append(f"{marks.paused} paused, {scene.waiting:,} waiting", "bold yellow").append("  ")
    row.append_text(_phase(connection, scene.watched.retry, now, marks))
    row.append(f"  {minute.rate(now):,.1f}/s ", "bold")
    history = minute.history(now)
    peak = f" {SECONDS} s, 0 to {max(history):,}/s"
    room = min(SECONDS, width - row.cell_len - len(peak))
    peak = peak.replace(f"{SECONDS} s", f"{room} s", 1)
    if room > 0:
        row.append(_sparkline(history[-room:], marks.bars), "cyan").append(peak, "dim")
    yield row
    if connection.phase is Phase.LOST:
        yield Text(safe_text(connection.reason), "red")


def _phase(connection: Connection, retry: Retry, now: float, marks: Marks) -> Text:
    """Name the phase and its duration; listening counts from the first time."""
    match connection.phase:
        case Phase.LISTENING:
            since = connection.ready_at or connection.since
            return Text(f"{marks.steady} listening {duration(now - since)}", "bold green")
        case Phase.LOST:
            lasted = duration(now - connection.since)
            said = f"{marks.invalid} interrupted for {lasted}"
            if retry.attempts:
                said += f", retry {retry.attempts:,}"
            if retry.next_at > now:
                said += f", next in {retry.next_at - now:.1f} s"
            return Text(said, "bold red")
    return Text(f"{marks.waiting} connecting", "bold yellow")


def _place(watched: Watched, width: int) -> Iterator[Text]:
    """Name what is listened to: patterns and exchange, or a queue; broker and profile.

    It contains no secret.
    """
    settings = watched.settings
    named = watched.source.described(settings.exchange)
    source = Text.assemble(
        *(part for words, name in named for part in ((words, "dim"), safe_text(name)))
    )
    chips = [
        source,
        Text.assemble(("on ", "dim"), safe_text(settings.describe())),
        Text.assemble(("profile ", "dim"), safe_text(settings.profile)),
    ]
    return _flowing(chips, width, " ")


def _types(scene: Scene, width: int, marks: Marks) -> Iterator[Text]:
    """Give each type's total and rate, or what is waited for while nothing has come."""
    if not scene.statistics.by_type.apart:
        yield Text("waiting for the first event", "yellow")
        return
    chips = (
        Text.assemble(
            (_digit(scene, name), "dim"),
            _counted(name, tally, marks, reveal=scene.watched.reveal),
            (f" {tally.minute.rate(scene.now):,.1f}/s", "dim"),
        )
        for name, tally in scene.statistics.most_frequent
    )
    rows = list(_flowing(chips, width, "   "))
    yield from rows[:3]
    if len(rows) > 3:
        rows[2].append(f" {marks.ellipsis}")


def _invalid(scene: Scene, width: int, marks: Marks) -> Iterator[Text]:
    """Give the last finding, and how many invalid events each service has sent."""
    last, reveal = scene.statistics.last_invalid, scene.watched.reveal
    if last is None:
        return
    look = Look.of(scene.watched, marks)
    when = clock_time(last.delivery.received_at, look)
    key = routing_key(last.delivery.routing_key, reveal=reveal)
    finding = next(finding_lines(last.problems, look)).plain.strip()
    yield Text.assemble((f"last {marks.invalid} ", "bold red"), f"{when} {key} {finding}")
    chips = [
        Text(f"{marks.invalid}{number:,} {_service(name, reveal=reveal)}", "red")
        for name, number in scene.statistics.invalid_by_service.most_common(MOST_SERVICES)
    ]
    yield from _flowing(chips, width, "   ")


def _service(name: str, *, reveal: bool) -> str:
    return safe_text(name if reveal else masked("service", name)) or "without a service"


def _flowing(chips: Iterable[Text], width: int, gap: str) -> Iterator[Text]:
    """Put chips in rows, as many in each as fit."""
    row = Text()
    for chip in chips:
        if row and row.cell_len + len(gap) + chip.cell_len > width:
            yield row
            row = Text()
        if row:
            row.append(gap)
        row.append_text(chip)
    if row:
        yield row


def _oddities(scene: Scene, width: int) -> Iterator[Text]:
    """Give the totals, and what is unusual."""
    chips = list(_numbers(scene))
    if scene.last_event_at is not None and scene.now - scene.last_event_at >= IDLE_SECONDS:
        chips.append(Text(f"nothing for {duration(scene.now - scene.last_event_at)}", "yellow"))
    return _flowing(chips, width, "  ")


def _numbers(scene: Scene) -> Iterator[Text]:
    statistics, connection = scene.statistics, scene.connection
    gaps = counted(connection.gaps, "gap")
    if connection.gaps:
        gaps += f" ({connection.gap_seconds:,.1f} s)"
    yield Text(f"{statistics.received:,} received", "bold")
    yield Text(f"{statistics.invalid:,} invalid", "bold red" if statistics.invalid else "dim")
    yield Text(gaps, "bold red" if connection.gaps else "dim")
    yield Text(
        f"{statistics.redelivered:,} redelivered", "yellow" if statistics.redelivered else "dim"
    )
    if left_out := scene.watched.left_out():
        yield Text(f"{left_out:,} left out", "yellow")
    if statistics.filtered:
        yield Text(f"{statistics.filtered:,} filtered out", "yellow")
    if said := not_drawn(statistics.not_drawn, statistics.invalid_not_drawn):
        yield Text(said, "bold red" if statistics.invalid_not_drawn else "yellow")


def _keys(scene: Scene, width: int, marks: Marks) -> Iterator[Text]:
    """Name the keys and what they have set; settings that no key shows come first."""
    controls = scene.controls
    chips = [Text(f"[{scene.notice}]", "bold yellow")] if scene.notice else []
    if controls.query:
        query = safe_text(controls.query)
        chips.append(Text(f"[/{query} {scene.statistics.found:,} found]", "bold yellow"))
    if controls.only is not None:
        only = routing_key(controls.only, reveal=scene.watched.reveal)
        chips.append(Text(f"[only {only}]", "bold yellow"))
    hints = PROMPT_HINTS if controls.typed is not None else _HINTS[controls.pane]
    for key, word in hints:
        label = "go on" if word == "pause" and controls.is_paused else word
        chip = Text.assemble((key.format(arrows=marks.arrows), "bold"), (f" {label}", "dim"))
        if word == "bodies" and controls.has_bodies:
            chip.append(" [on]", "bold yellow")
        chips.append(chip)
    return _flowing(chips, width, "  ")


def _sparkline(counts: list[int], bars: str) -> str:
    """Draw counts as bars relative to the greatest; only zero has no bar."""
    top = max(1, *counts)
    return "".join(bars[-(-count * (len(bars) - 1) // top)] for count in counts)


def duration(seconds: float) -> str:
    """Write a duration: 0:00:07, 12:34:56, 3d 01:02:03."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    clock = f"{minute:02}:{second:02}"
    return f"{days}d {hour:02}:{clock}" if days else f"{hour}:{clock}"
