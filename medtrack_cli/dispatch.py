"""The last boundary: everything ends in an exit code, a bug in 70."""

import gc
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from medtrack_cli.app import tree
from medtrack_cli.commands.boundary import cannot_write, drop_output
from medtrack_cli.commands.forms import Output, asked_for, forms, typed_colour
from medtrack_cli.commands.runtimes import Shared
from medtrack_cli.errors import Bug, ExitCode, UsageError
from medtrack_cli.output.best_effort import BestEffort
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World, ignore_signals

if TYPE_CHECKING:
    from medtrack_cli.output.printer import Printer

SIGNALLED = 128
"""Greater exit codes mean a signal."""

# Typer's message -> our message.
_PLAINLY = (
    (r" \(Possible options: .*\)$|\. Did you mean .*$|\.$", ""),
    (r"^No such option", "no such option"),
    (r"^No such command '(.*)'$", r"no such command: \1"),
    (r"^Got unexpected extra argument\(s\) \((.*)\)$", r"more words than it takes: \1"),
    (r"^Option '(.*)' requires an argument$", r"\1 needs a value"),
    (r"^Option '(.*)' does not take a value$", r"\1 takes no value"),
    (r"^Invalid value for '([^']*)'(?: / '[^']*')*: ", r"\1: "),
    (r"'(.*)' is not a valid int$", r"\1 is no whole number"),
    (r"^Missing (?:argument|option) '([^']*)'.*", r"\1 is missing"),
)

# Typer's error for a wrong command line; the class itself is not public.
_UsageProblem: type[Exception] = typer.BadParameter.__mro__[1]


def run_and_exit(arguments: Sequence[str]) -> NoReturn:
    """Run a command line in this very process, and exit."""
    stderr = BestEffort.in_place_of_stderr()
    if sys.stdout is None:
        stderr.write("error: output can't be written: stdout is closed\n")
        stderr.write("hint: > /dev/null drops it\n")
        stderr.finish()
        sys.exit(ExitCode.CANNOT_WRITE)
    code = run(World(), arguments)
    if code > SIGNALLED:
        ignore_signals()
    stderr.finish()
    gc.freeze()  # else all objects are searched once more at exit
    sys.exit(code)


def run(world: World, arguments: Sequence[str]) -> int:
    """Run one command line in a world and return its exit code."""
    shared = Shared(world, typed_colour(arguments), arguments)
    try:
        code = tree(*arguments[:1])(
            list(arguments), prog_name="medtrack", standalone_mode=False, obj=shared
        )
    except _UsageProblem as problem:
        context = getattr(problem, "ctx", None)
        printer = _printer(shared, arguments, context)
        printer.error(_usage_error(problem, arguments))
        return ExitCode.USAGE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except SystemExit:  # typer's, when the reader of a help has left
        return ExitCode.BROKEN_PIPE
    except Exception as bug:  # noqa: BLE001 -- the last boundary
        return _ended_by(bug, shared, arguments)
    return int(code or 0)


def _ended_by(bug: Exception, shared: Shared, arguments: Sequence[str]) -> ExitCode:
    """Give the exit code of what no command has caught, and say what it is."""
    if isinstance(bug.__cause__, KeyboardInterrupt):  # Python 3.11 wraps it in a class's making
        return ExitCode.INTERRUPTED
    printer = _printer(shared, arguments)
    if failure := cannot_write(bug):
        drop_output(shared.world)
        printer.error(failure)
        return failure.exit_code
    _report_bug(printer, bug, with_trace="-v" in arguments or "-vv" in arguments)
    return ExitCode.BUG


def _printer(shared: Shared, arguments: Sequence[str], context: Any = None) -> "Printer":  # noqa: ANN401 -- typer's, not public
    """Find the output format in a command line that can't be read, or was aborted."""
    piped = getattr(context and context.command.callback, "piped", None)
    wish = asked_for(arguments)
    out, err = forms(
        shared.world, wish, piped(defaultdict(lambda: None)) if piped else Output.HUMAN
    )
    return Runtime(shared.world, output=out, told=err, colour=shared.colour).printer


def _usage_error(problem: Exception, arguments: Sequence[str]) -> UsageError:
    from medtrack_cli.commands.slips import meant

    said = problem.format_message()  # type: ignore[attr-defined]
    for theirs, ours in _PLAINLY:
        said = re.sub(theirs, ours, said, flags=re.DOTALL)
    return UsageError(said, hint=meant(tree(), problem, arguments))


def _report_bug(printer: "Printer", bug: Exception, *, with_trace: bool) -> None:
    """Name the bug by its type and place; its text may contain what must not be shown."""
    import traceback

    frames = traceback.extract_tb(bug.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "?"
    what = f"a bug in medtrack: {type(bug).__name__} at {place}"
    printer.error(Bug(what, hint="please report it, with the output of the same command and -v"))
    for frame in frames if with_trace else ():
        printer.note(f"  {frame.filename}:{frame.lineno} {frame.name}")
