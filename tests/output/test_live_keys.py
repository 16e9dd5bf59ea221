"""The keys of the live view: what a terminal sends, what they set, what they lead to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.output.live.controls import INVALID, Around, Controls, Pane, pressed
from medtrack_cli.output.live.keyboard import is_unfinished, keys_of
from tests.output.test_live_statistics import seen

TYPES = ["user.created", "stage.created"]  # in the order of their first events
KEYS = [*"/nNfFi019?qbpxX", "up", "down", "pgup", "pgdn", "home", "end", "enter", "esc"]
KEYS.append("backspace")
LIVE = Controls()


def around(*found: int, lines: int = 40) -> Around:
    """Have ten events kept, of which a search finds some."""
    return Around(TYPES, range(1, 11), lambda query: found if query else (), 4, lines)


def after(keys: str, controls: Controls = LIVE, *found: int) -> Controls:
    """Press keys, named and separated by spaces."""
    for key in keys.split():
        controls = pressed(controls, key, around(*found))
    return controls


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (b"\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[F\x1b[4~\x1b[H", "up down pgup pgdn end end home"),
        (b"\x1b[1;5A\x1bOq\x1b[15~\x1b[200~\x1bx", ""),
        (b"/s\xc3\xa9\x7f\r", "/ s é backspace enter"),
        (b"\x1b", "esc"),
        (b"\x1b\x1b[A", "esc up"),
        (b"\xff\x00", "\x00"),
    ],
)
def test_keys_have_names(typed: bytes, keys: str) -> None:
    """Arrows and pages are known by either of their sequences; no letter in one is a key."""
    assert keys_of(typed) == keys.split()


@given(st.lists(st.sampled_from([b"\x1b[A", b"\x1bOB", b"\x1b[5~", "é€😀".encode(), b"q"])))
def test_a_key_that_comes_in_pieces_is_waited_for(pieces: list[bytes]) -> None:
    """Wherever what was typed is cut within a key, the rest is waited for."""
    whole = b"".join(pieces)
    for cut in range(1, len(whole) + 1):
        if not is_unfinished(whole[:cut]):
            assert keys_of(whole[:cut]) + keys_of(whole[cut:]) == keys_of(whole)
    assert not is_unfinished(whole)


def test_the_filter_goes_round_all_types() -> None:
    """The key f shows all, then invalid ones, then each type by name, then all again; F back."""
    ring = [INVALID, "stage.created", "user.created", None, INVALID]
    assert [after("f " * times).only for times in range(1, 6)] == ring
    assert [after("F " * times).only for times in range(1, 6)] == [*ring[2::-1], None, ring[2]]
    assert after("i").only == INVALID
    assert after("i i").only is None
    assert after("1").only == "user.created"
    assert after("2 0").only is None
    assert after("9").only is None
    assert after("i").wants(seen(is_valid=False))
    assert not after("i").wants(seen())


def test_arrows_hold_the_log_and_select() -> None:
    """The first arrow selects the newest; End and Esc go back to what arrives."""
    assert after("up") == Controls(pane=Pane.LIST, selected=10)
    assert after("up up up down").selected == 9
    assert after("pgup").selected == 6
    assert after("home up").selected == 1
    assert after("home pgdn pgdn pgdn").selected == 10
    assert [after(f"up {key}") for key in ("end", "esc", "q")] == [Controls()] * 3


def test_an_event_is_opened_scrolled_and_left() -> None:
    """Enter opens what is selected, at its top; Esc and q go back to it in the list."""
    opened = after("up up enter")
    assert opened == Controls(pane=Pane.EVENT, selected=9)
    assert after("down pgdn", opened).top == 5
    assert after("end down", opened).top == 36
    assert after("end home", opened).top == 0
    assert after("down esc", opened).pane is after("q", opened).pane is Pane.LIST
    assert after("? q").pane is None
    assert after("up ? q").pane is Pane.LIST


def test_a_search_selects_the_newest_that_it_finds() -> None:
    """Enter selects the newest one found at or before the selected; n goes on, N back."""
    searching = after("/ S t x backspace enter", Controls(), 2, 5, 10)
    assert searching == Controls(pane=Pane.LIST, selected=10, query="st")
    assert after("n", searching, 2, 5, 10).selected == 5
    assert after("n n n n", searching, 2, 5, 10).selected == 2
    assert after("n n N", searching, 2, 5, 10).selected == 5
    assert after("up enter n", searching, 2, 5, 10) == Controls(
        pane=Pane.EVENT, selected=5, query="st"
    )
    assert after("end n", searching, 2, 5) == Controls(pane=Pane.LIST, selected=5, query="st")
    assert after("/ esc", searching).query == "st"
    assert after("end esc", searching).query == ""
    assert after("/ q i 1 enter", Controls()).query == "qi1"


@given(st.lists(st.sampled_from(KEYS), max_size=30), st.sets(st.integers(1, 10)))
def test_whatever_is_pressed_leads_somewhere(keys: list[str], found: set[int]) -> None:
    """No key leads past what is there, and Esc always leads back to what arrives."""
    controls = Controls()
    for key in keys:
        controls = pressed(controls, key, around(*sorted(found)))
        assert controls.pane is None or 0 <= controls.selected <= 10
        assert 0 <= controls.top <= 40
        assert controls.typed is None or controls.pane is Pane.LIST
    for _ in range(4):
        controls = pressed(controls, "esc", around())
    assert (controls.pane, controls.typed, controls.only) == (None, None, None)
