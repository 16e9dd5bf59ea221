"""Ask the network something beside the actual work, for a limited time."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

from medtrack_cli.core.ports import Stop

T = TypeVar("T")
TICK_SECONDS = 0.1


def within(seconds: float, question: Callable[[], T], stop: Stop | None = None) -> T:
    """Give the answer, or raise its error; TimeoutError when there is none in time.

    The question runs in a thread that can be abandoned: a socket's timeout is for each part, and a
    name look-up has none. A requested stop ends the wait, too.
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
