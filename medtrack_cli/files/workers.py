"""Work done in several processes, which end with this one, however it ends."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import TypeVar

from medtrack_cli.errors import WorkerLost

T = TypeVar("T")
R = TypeVar("R")


def in_processes(
    work: Callable[[T], R],
    tasks: Iterable[T],
    jobs: int,
    begin: Callable[[], None],
    rest_of: Callable[[R], T | None],
) -> Generator[R]:
    """Do tasks in `jobs` processes and yield what comes of them, in their order.

    A task may be left half done: what `rest_of` finds in its result is the next one to be done.
    Two tasks a process are begun at most: a slow consumer holds up the processes.
    `begin` is called in each process first. Close the iterator to drop what isn't done.
    Raises WorkerLost when a process was killed.
    """
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    context = multiprocessing.get_context(method)
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(begin,))
    try:
        # Not pool.map: it cancels what is left when it is closed, and a pool whose processes have
        # ended complains of cancelled tasks, on stderr.
        waiting = iter(tasks)
        results = deque(pool.submit(work, task) for task in islice(waiting, 2 * jobs))
        while results:
            result = results.popleft().result()
            rest = rest_of(result)
            if rest is not None:
                results.appendleft(pool.submit(work, rest))
            else:
                results.extend(pool.submit(work, task) for task in islice(waiting, 1))
            yield result
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
