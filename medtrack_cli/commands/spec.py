"""medtrack spec."""

from medtrack_cli import __version__
from medtrack_cli.command_line import command_line
from medtrack_cli.commands.forms import Output
from medtrack_cli.commands.options import Panel, command
from medtrack_cli.errors import ExitCode
from medtrack_cli.output.shown.specification import ShownSpecification
from medtrack_cli.runtime import Runtime

EXAMPLES = (
    "medtrack spec",
    "medtrack spec | jq '.commands[] | {name, effect}'",
    "medtrack spec -o human",
)


@command("spec", *EXAMPLES, effect="read", panel=Panel.SET_UP, piped=lambda _: Output.JSON)
def spec(runtime: Runtime) -> int:
    """Describe the whole command line as data.

    Commands with their effect, arguments, options, exit codes and JSON kinds; variables and
    configuration keys: one JSON object, on a terminal tables.

    An effect is the most that a command does by any of its options: read, write, or destructive,
    which takes away what nothing brings back. Files that you name for its output don't count.
    """
    runtime.printer.show(ShownSpecification(__version__, command_line()))
    return ExitCode.DONE
