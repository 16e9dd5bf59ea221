"""medtrack samples."""

from pathlib import Path

from medtrack_cli.commands.options import Panel, argument, command
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode
from medtrack_cli.output.shown.shown import Page
from medtrack_cli.runtime import Runtime

EXAMPLES = ("medtrack samples", "medtrack samples a-folder-of-its-own")


@command("samples", *EXAMPLES, effect="write", panel=Panel.SET_UP)
def samples(
    runtime: Runtime,
    folder: Path = argument("FOLDER", "Where to; it is created [here].", default=Path()),
) -> int:
    """Write sample files, so that examples run.

    An event of each type and a scenario in sample-events, a recording, a bare payload, and a folder
    of schemas of your own: in their folder, every example of every help can be run. No file is
    overwritten: if one exists, nothing is written, and the exit code is 73.
    """
    from medtrack_cli.wiring.inputs import write_samples

    for path in write_samples(folder):
        runtime.printer.show(Page(Kind.CREATED, {"path": str(path)}, f"created {path}"))
    where = "here" if folder == Path() else f"in {folder}"
    runtime.printer.note(f"every example of every --help can be run {where}")
    return ExitCode.DONE
