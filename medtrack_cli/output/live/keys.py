"""What the keys of the live view do to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.output.live.statistics import type_of

INVALID = "invalid"
"""The filter that lets only events with errors through; no event type is so named."""

HINTS = (
    ("space", "pause"),
    ("q", "quit"),
    ("f", "filter"),
    ("b", "bodies"),
    ("c", "clear"),
    ("?", "help"),
)


@dataclass(frozen=True, slots=True)
class Controls:
    """What the keys have set."""

    is_paused: bool = False
    has_bodies: bool = False
    has_help: bool = False
    only: str | None = None  # a type, or INVALID; None: everything is drawn

    def wants(self, seen: CheckedDelivery) -> bool:
        """Tell whether a delivery passes the filter."""
        if self.only is None:
            return True
        return not seen.is_valid if self.only == INVALID else type_of(seen) == self.only


def pressed(controls: Controls, key: str, types: Sequence[str]) -> Controls:
    """Give the controls after a key; one that means nothing changes nothing.

    `f` goes from all over the invalid ones and each type to all again.
    """
    match key:
        case " " | "p":
            return replace(controls, is_paused=not controls.is_paused)
        case "\x13" | "\x11":  # Ctrl-S, Ctrl-Q
            return replace(controls, is_paused=key == "\x13")
        case "b":
            return replace(controls, has_bodies=not controls.has_bodies)
        case "?" | "h":
            return replace(controls, has_help=not controls.has_help)
        case "f":
            ring = [None, INVALID, *sorted(types)]
            place = ring.index(controls.only) if controls.only in ring else -1
            return replace(controls, only=ring[(place + 1) % len(ring)])
    return controls


def keys_of(typed: bytes) -> str:
    """Give the keys in what a terminal has sent; arrows and other sequences are none of ours."""
    return "" if typed.startswith(b"\x1b") else typed.decode("ascii", "ignore")
