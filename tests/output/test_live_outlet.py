"""What is written to a terminal that is slow, or reads no more."""

import os
import pty
import time
from threading import Thread

from medtrack_cli.output.live.outlet import Outlet


def read_slowly(ours: int, seen: bytearray, wanted: int) -> None:
    """Read as a terminal does that draws slowly, on a machine that is busy."""
    while len(seen) < wanted:
        seen += os.read(ours, 1_024)
        time.sleep(0.01)


def test_a_slow_terminal_gets_all_of_the_end() -> None:
    """What is left at the end is written as long as the terminal takes it."""
    ours, theirs = pty.openpty()
    text = "".join(f"{number:09d}\n" for number in range(3_000))
    wanted = len(text) + text.count("\n")  # the terminal adds a carriage return
    seen = bytearray()
    reader = Thread(target=read_slowly, args=(ours, seen, wanted), daemon=True)
    with open(theirs, "w", encoding="utf-8") as stdout:  # noqa: PTH123 -- a descriptor
        reader.start()
        outlet = Outlet(stdout)
        outlet.write(text)
        outlet.close()
        reader.join(5)
    assert seen.decode().replace("\r", "") == text
    os.close(ours)


def test_a_terminal_that_hangs_keeps_nobody() -> None:
    """One that takes nothing is given up, soon."""
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as stdout:  # noqa: PTH123 -- a descriptor
        began = time.monotonic()
        outlet = Outlet(stdout)
        outlet.write("x" * 1_000_000)
        assert not outlet.is_free
        outlet.close()
        assert time.monotonic() - began < 2
    os.close(ours)
