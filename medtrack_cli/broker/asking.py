"""Ask the network something beside the work, for no longer than it is worth."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

from medtrack_cli.core.ports import Stop

T = TypeVar("T")
TICK_SECONDS = 0.1


def within(seconds: float, question: Callable[[], T], stop: Stop | None = None) -> T:
    """Give the answer, or raise what the question raises; TimeoutError when there is none yet.

    The question runs in a thread that can be left: a socket's limit is for each piece, a look-up
    of names has none. A stop that is requested ends the wait, too.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
            answer.set_exception(error)

    until = time.monotonic() + seconds
    Thread(target=run, name="medtrack-ask", daemon=True).start()
    while not wait([answer], min(TICK_SECONDS, max(0.0, until - time.monotonic()))).done:
        if time.monotonic() >= until or (stop and stop.is_requested):
            raise TimeoutError
    return answer.result()
