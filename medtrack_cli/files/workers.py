"""Work done in several processes, which end with this one, however it ends."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import TypeVar

from medtrack_cli.errors import WorkerLost

T = TypeVar("T")
R = TypeVar("R")


def in_processes(
    work: Callable[[T], R], tasks: Sequence[T], jobs: int, begin: Callable[[], None]
) -> Generator[R]:
    """Do tasks in `jobs` processes and yield what comes of them, in their order.

    `begin` is called in each process first. Close the iterator to drop what isn't done.
    Raises WorkerLost when a process was killed.
    """
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    context = multiprocessing.get_context(method)
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(begin,))
    try:
        # Not pool.map: it cancels what is left when it is closed, and a pool whose processes have
        # ended complains of cancelled tasks, on stderr.
        results = deque(pool.submit(work, task) for task in tasks)
        while results:
            yield results.popleft().result()
    except BrokenProcessPool:
        hint = "was memory short? --jobs 1 needs least"
        raise WorkerLost("a process that checked files was killed", hint=hint) from None
    except BaseException:  # nobody waits for the rest
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown()


def _begin(begin: Callable[[], None]) -> None:
    """Leave Ctrl-C to the parent, and end when it is gone: a killed parent can't say so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_follow, args=(parent,), daemon=True).start()
    begin()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
