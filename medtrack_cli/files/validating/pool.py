"""Work done in several processes, which end with this one, however it ends."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import chain, islice
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import TypeVar

from medtrack_cli.errors import WorkerLost
from medtrack_cli.interrupts import let_come, postponed

T = TypeVar("T")
R = TypeVar("R")


def in_processes(
    work: Callable[[T], R],
    tasks: Iterable[T],
    jobs: int,
    begin: Callable[[], None],
    rest_of: Callable[[R], T | None],
) -> Generator[R]:
    """Do tasks in at most `jobs` processes and yield their results, in order.

    A task may be left half done: what `rest_of` finds in its result is the next task. At most two
    tasks for each process are under way: a slow consumer slows the processes. `begin` is called in
    each process first. Close the iterator to drop what isn't done. Where the system refuses so many
    processes, there are fewer; where it refuses two, all is done here. Raises WorkerLost when a
    process was killed.
    """
    waiting = iter(tasks)
    first = list(islice(waiting, 2 * jobs))
    pool: ProcessPoolExecutor | None = None
    try:
        with postponed():  # in a process that is half made it is lost, or a traceback
            pool = _pool(min(jobs, len(first)), begin)
        if pool is None:
            begin()
            yield from _done_here(work, chain(first, waiting), rest_of)
            return
        # Not pool.map: it cancels what is left when it is closed, and a pool whose processes have
        # ended complains of cancelled tasks, on stderr.
        results = deque(pool.submit(work, task) for task in first)
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
        if pool is not None:
            pool.shutdown()


def _pool(jobs: int, begin: Callable[[], None]) -> ProcessPoolExecutor | None:
    """Start processes, as many of `jobs` as the system allows; None for fewer than two."""
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    context = multiprocessing.get_context(method)
    while jobs > 1:
        try:
            pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(begin,))
            pool.submit(int).result()  # the first task starts all processes
        except (OSError, RuntimeError):  # no descriptor, process, memory or thread is left
            for child in multiprocessing.active_children():
                child.kill()
                child.join()
            jobs //= 2
        else:
            return pool
    return None


def _done_here(
    work: Callable[[T], R], tasks: Iterable[T], rest_of: Callable[[R], T | None]
) -> Iterator[R]:
    for task in tasks:
        rest: T | None = task
        while rest is not None:
            result = work(rest)
            rest = rest_of(result)
            yield result


def _begin(begin: Callable[[], None]) -> None:
    """Leave Ctrl-C to the parent, and end when it is gone: a killed parent can't tell us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    let_come()
    parent = multiprocessing.parent_process()
    if parent is not None:
        with suppress(RuntimeError):  # no thread is left: then it ends with the work
            Thread(target=_follow, args=(parent,), daemon=True).start()
    begin()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
