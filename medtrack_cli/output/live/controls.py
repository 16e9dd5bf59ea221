"""What the keys of the live view do."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.output.live.statistics import type_of

INVALID = "invalid"
"""The filter that lets only events with errors through; no event type has this name."""

LONGEST_QUERY = 100


class Pane(Enum):
    """What is shown in place of the log while it is held."""

    LIST = "list"  # of what is kept
    EVENT = "event"  # one of them, whole
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Controls:
    """What the keys have set."""

    is_paused: bool = False
    has_bodies: bool = False
    only: str | None = None  # a type, or INVALID; None: no filter
    query: str = ""  # what is searched for, in lower case
    typed: str | None = None  # a query that is being typed
    pane: Pane | None = None
    selected: int = 0  # the number of an event
    top: int = 0  # the first line of an event, or of the help, that is shown

    @property
    def is_holding(self) -> bool:
        """Whether new events wait."""
        return self.is_paused or self.pane is not None

    def wants(self, seen: CheckedDelivery) -> bool:
        """Return whether a delivery passes the filter."""
        if self.only is None:
            return True
        return not seen.is_valid if self.only == INVALID else type_of(seen) == self.only


class Around(NamedTuple):
    """Where a key may lead: to a type, to an event, further down."""

    types: Sequence[str]  # in the order of their digits
    shown: Sequence[int]  # numbers of the events that can be selected, ascending
    find: Callable[[str], Sequence[int]]  # those that match the query
    page: int  # rows
    lines: int  # of the event or the help that is open


def pressed(controls: Controls, key: str, around: Around) -> Controls:
    """Give the controls after a key; a key without a meaning changes nothing."""
    if controls.typed is not None:
        return _typing(controls, controls.typed, key, around)
    match key:
        case "/":
            opened = controls if controls.pane is Pane.LIST else _opened(controls, around)
            return replace(opened, typed="")
        case "n" | "N" if controls.query:
            return _next(controls, around, is_older=key == "n")
        case "?" | "h" if controls.pane is not Pane.HELP:
            return replace(controls, pane=Pane.HELP, top=0)
    return _MEANINGS[controls.pane](controls, key, around)


def nearest(shown: Sequence[int], number: int) -> int:
    """Find a number's index, or that of the one below it; 0 where there is none."""
    return max(0, bisect_right(shown, number) - 1)


def _scrolling(controls: Controls, key: str, around: Around) -> Controls:
    match key:
        case " " | "p" | "\x13" | "\x11":  # Ctrl-S, Ctrl-Q
            wanted = {"\x13": True, "\x11": False}.get(key, not controls.is_paused)
            return replace(controls, is_paused=wanted)
        case "b":
            return replace(controls, has_bodies=not controls.has_bodies)
        case "up" | "down":
            return _opened(controls, around)
        case "pgup" | "pgdn" | "home":
            return _listing(_opened(controls, around), key, around)
        case "esc":
            return replace(controls, only=None, query="")
    return _filtering(controls, key, around.types)


def _opened(controls: Controls, around: Around) -> Controls:
    """Show the kept events, the newest selected."""
    newest = around.shown[-1] if around.shown else 0
    return replace(controls, pane=Pane.LIST, selected=newest)


def _listing(controls: Controls, key: str, around: Around) -> Controls:
    shown, last = around.shown, len(around.shown) - 1
    place = nearest(shown, controls.selected)
    steps = {"up": -1, "down": 1, "pgup": -around.page, "pgdn": around.page, "home": -last}
    if key in steps:
        place = min(max(place + steps[key], 0), last)
        return replace(controls, selected=shown[place] if shown else 0)
    match key:
        case "enter" if shown:
            return replace(controls, pane=Pane.EVENT, selected=shown[place], top=0)
        case "end" | "esc" | "q":
            return replace(controls, pane=None, selected=0)
    return _filtering(controls, key, around.types)


def _reading(controls: Controls, key: str, around: Around) -> Controls:
    last = max(0, around.lines - around.page)
    steps = {"up": -1, "down": 1, "pgup": -around.page, "pgdn": around.page}
    steps |= {" ": around.page, "home": -last, "end": last}
    if key in steps:
        return replace(controls, top=min(max(controls.top + steps[key], 0), last))
    if key in {"esc", "q", "?", "h"}:
        was_whole = controls.pane is Pane.EVENT or controls.selected
        return replace(controls, pane=Pane.LIST if was_whole else None)
    return controls


_MEANINGS = {None: _scrolling, Pane.LIST: _listing, Pane.EVENT: _reading, Pane.HELP: _reading}


def _filtering(controls: Controls, key: str, types: Sequence[str]) -> Controls:
    """Choose the filter: f goes from all to the invalid ones, each type, all again; F reverses."""
    match key:
        case "f" | "F":
            ring = [None, INVALID, *sorted(types)]
            place = ring.index(controls.only) if controls.only in ring else 0
            return replace(controls, only=ring[(place + (1 if key == "f" else -1)) % len(ring)])
        case "i":
            return replace(controls, only=None if controls.only == INVALID else INVALID)
        case "0":
            return replace(controls, only=None)
    if key in "123456789" and int(key) <= len(types):
        return replace(controls, only=types[int(key) - 1])
    return controls


def _typing(controls: Controls, typed: str, key: str, around: Around) -> Controls:
    match key:
        case "esc":
            return replace(controls, typed=None)
        case "backspace":
            return replace(controls, typed=typed[:-1])
        case "\x15":  # Ctrl-U
            return replace(controls, typed="")
        case "enter":
            searching = replace(controls, typed=None, query=typed.strip().lower())
            return _next(searching, around, is_older=True, is_first=True)
    is_text = len(key) == 1 and key.isprintable() and len(typed) < LONGEST_QUERY
    return replace(controls, typed=typed + key) if is_text else controls


def _next(
    controls: Controls, around: Around, *, is_older: bool, is_first: bool = False
) -> Controls:
    """Select the next match; without one nothing changes."""
    if controls.pane not in {Pane.LIST, Pane.EVENT}:
        controls, is_first = _opened(controls, around), is_older
    found = around.find(controls.query) if controls.query else ()
    if is_older:
        place = (bisect_right if is_first else bisect_left)(found, controls.selected) - 1
    else:
        place = bisect_right(found, controls.selected)
    if not 0 <= place < len(found):
        return controls
    return replace(controls, selected=found[place], top=0)
