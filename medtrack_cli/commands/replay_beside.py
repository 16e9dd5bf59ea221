"""Options that replay can't combine."""

from dataclasses import fields

import typer

from medtrack_cli.commands.redriving_options import Redriving
from medtrack_cli.commands.replay_options import Changing, Choosing, Pacing, Running
from medtrack_cli.commands.replay_stream import Streaming
from medtrack_cli.errors import UsageError

_SHAPING = (Choosing, Pacing, Changing, Streaming)


def refuse_beside(context: typer.Context | None, running: Running) -> None:
    """Raise UsageError for what would be ignored beside --resume, --runs, --show or --cancel."""
    asked = ("cancel", "show", "runs", "resume")
    verb = next((name for name in asked if getattr(running, name) not in {None, False}), None)
    if verb is None:
        return
    refused = {*asked, "name", *(each.name for each in fields(Redriving))} - {verb}
    if verb != "resume":
        shaping = (each.name for kind in _SHAPING for each in fields(kind))
        refused |= {"sources", "dry_run", *shaping}
    for each in context.command.params if context else ():
        source = context.get_parameter_source(each.name or "") if context else None
        if each.name in refused and source and source.name == "COMMANDLINE":
            what = "a SOURCE" if each.name == "sources" else each.opts[0]
            hint = "leave one of them out"
            raise UsageError(f"--{verb} goes without {what}", hint=hint)
