"""Where a command's failures become one error, one hint and an exit code."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from medtrack_cli.errors import CannotWrite, ExitCode, InputMissing, MedtrackError
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World

_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


def guarded(runtime: Runtime, body: Callable[[], int]) -> int:
    """Run a command's body and return its exit code, or that of its failure."""
    try:
        if runtime.world.cwd == Path():
            raise InputMissing("the working directory is gone", hint="cd to one that exists")
        code = body()
        runtime.world.stdout.flush()
    except MedtrackError as error:
        return _report(runtime, error)
    except BrokenPipeError:
        drop_output(runtime.world)
        return ExitCode.BROKEN_PIPE
    except KeyboardInterrupt as wish:
        _flush_what_fits(runtime)
        return wish.args[0] if wish.args else ExitCode.INTERRUPTED
    except OSError as error:
        if failure := cannot_write(error):
            return _report(runtime, failure)
        raise
    return code


def cannot_write(error: Exception) -> CannotWrite | None:
    """Return whether an error is that of an output that takes no more; stderr never raises any."""
    if not (isinstance(error, OSError) and error.errno in _UNWRITABLE):
        return None
    hint = "is the disk full, or the output closed?"
    what = f"output can't be written ({os.strerror(error.errno or 0)})"
    return CannotWrite(what, str(error.filename or ""), hint=hint)


def _report(runtime: Runtime, error: MedtrackError) -> int:
    try:
        runtime.world.stdout.flush()
    except OSError:
        drop_output(runtime.world)
    runtime.printer.error(error)
    return error.exit_code


def _flush_what_fits(runtime: Runtime) -> None:
    """Write what the output takes at once: after a second Ctrl-C no reader is waited for."""
    stdout = runtime.world.stdout
    try:
        os.set_blocking(stdout.fileno(), False)
        try:
            stdout.flush()
        finally:
            os.set_blocking(stdout.fileno(), True)
    except OSError:
        drop_output(runtime.world)


def drop_output(world: World) -> None:
    """Drop what can't be written: Python would try again at exit, and complain or wait."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, world.stdout.fileno())
        os.close(nowhere)
