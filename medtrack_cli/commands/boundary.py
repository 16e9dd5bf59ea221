"""Where a command's failures become one error, one hint and an exit code."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress

from medtrack_cli.errors import CannotWrite, ExitCode, MedtrackError
from medtrack_cli.runtime import Runtime

_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


def guarded(runtime: Runtime, body: Callable[[], int]) -> int:
    """Run a command's body and return its exit code, or the one of its failure."""
    try:
        code = body()
        runtime.world.stdout.flush()
    except MedtrackError as error:
        return _report(runtime, error)
    except BrokenPipeError:
        return _leave_pipe(runtime)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        hint = "is the disk full, or the output closed?"
        what = f"output can't be written ({os.strerror(error.errno or 0)})"
        return _report(runtime, CannotWrite(what, str(error.filename or ""), hint=hint))
    return code


def _report(runtime: Runtime, error: MedtrackError) -> int:
    with suppress(OSError):
        runtime.world.stdout.flush()
    runtime.printer.error(error)
    return error.exit_code


def _leave_pipe(runtime: Runtime) -> int:
    """Leave quietly when the reader has gone, as `head` does; Python would complain at exit."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, runtime.world.stdout.fileno())
        os.close(nowhere)
    return ExitCode.BROKEN_PIPE
