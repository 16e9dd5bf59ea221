#!/usr/bin/env python3
"""Write medtrack_cli/command_line.json, read off the commands, or --check it."""

import json
from collections.abc import Iterator
from enum import Enum
from inspect import getclosurevars
from pathlib import Path
from typing import Any

from generated import write_or_check

from medtrack_cli.app import tree
from medtrack_cli.command_line import Command, CommandLine, Parameter
from medtrack_cli.commands.options import Panel
from medtrack_cli.config.keys import PROFILE_KEYS, TLS_KEYS, TOP_KEYS
from medtrack_cli.core.explanations.codes import EXIT_CODES
from medtrack_cli.core.kinds import Kind

PATHS = ("FILE", "FOLDER", "PATH", "SOURCE", "RECORDING")

ALWAYS = (0, 2, 66, 70, 74, 129, 130, 141, 143)
BROKER = (69, 75, 76, 77, 78)
"""The exit codes of every command, and of those that talk to a broker."""

LIKE_OPTIONS = ("CONFIG", "PROFILE", "URL", "HOST", "PORT", "VHOST", "USERNAME", "EXCHANGE")
VARIABLES = {
    "MEDTRACK_PASSWORD": "The password of the broker; there is no option for it.",
    **{f"MEDTRACK_{name}": f"As --{name.lower()}." for name in LIKE_OPTIONS},
    "MEDTRACK_MANAGEMENT_URL": "The broker's management API, for dry runs and hints.",
    "MEDTRACK_KEY_PASSPHRASE": "Opens the private key of --key-file.",
    "MEDTRACK_SERVICE": "Fills in an event's missing service.",
    "MEDTRACK_PSEUDONYM_KEY": "Makes the fakes of --pseudonymize the same in every run.",
    "NO_COLOR": "As --color never.",
    "FORCE_COLOR": "As --color always.",
}

FACTS: dict[str, tuple[tuple[int, ...], str]] = {
    "publish": ((*BROKER, 1, 65, 73), "receipt finding message published dry_run"),
    "listen": ((*BROKER, 1, 65, 73), "event listening interrupted resumed listened"),
    "validate": ((1, 65, 73, 78), "finding validated explanation"),
    "replay": ((*BROKER, 1, 65, 73), "receipt message replayed dry_run plan run"),
    "stats": ((*BROKER, 65, 73), "stats"),
    "schema list": ((65, 78), "event_type"),
    "schema show": ((65, 78), "event_type"),
    "schema example": ((65, 78), ""),
    "schema export": ((65, 78), ""),
    "schema check": ((1, 65, 73, 78), "checked schema_fault comparison compared"),
    "schema diff": ((1, 65, 73, 78), "comparison compared"),
    "doctor": ((*BROKER, 1, 65, 73), "check diagnosed explanation"),
    "route": ((*BROKER, 1, 65), "route"),
    "topology lint": ((*BROKER, 1, 65, 73), "finding linted explanation"),
    "topology diff": ((*BROKER, 1, 65), "change compared"),
    "queue list": ((*BROKER,), "queue"),
    "queue watch": ((*BROKER, 1), "queue"),
    "queue peek": ((*BROKER, 1, 65, 73), "event"),
    "queue declare": ((*BROKER,), "queue"),
    "archive create": ((*BROKER, 1), "archive"),
    "archive list": ((*BROKER,), "archive"),
    "archive show": ((*BROKER, 1), "archive"),
    "simulate run": (
        (*BROKER, 1, 65, 73),
        "reaction completion expectation listening interrupted resumed simulated",
    ),
    "simulate show": ((*BROKER, 1, 65), "effect"),
    "simulate list": ((*BROKER, 65), "effect"),
    "simulate complete": ((*BROKER, 1, 65, 73), "completion"),
    "simulate reset": ((*BROKER, 65, 73), "reset"),
    "broker start": ((69, 73, 75), "broker"),
    "broker stop": ((69, 75), "broker"),
    "broker status": ((1,), "broker"),
    "demo": (
        (1, 69, 73, 75),
        "step validated finding receipt published event reaction effect plan replayed demo",
    ),
    "samples": ((73,), "created"),
    "client": ((65, 78), ""),
    "config show": ((78,), "setting"),
    "config init": ((73, 78), "created"),
    "config path": ((78,), "file"),
    "config check": ((78,), "configuration"),
    "config schema": ((), ""),
    "completion": ((), ""),
    "explain": ((), "explanation"),
    "spec": ((), "spec"),
    "help": ((), ""),
    "version": ((), "version"),
}
"""The other exit codes of each command, and the kinds of its objects on stdout and stderr."""


def command_line() -> CommandLine:
    """Describe all that there is."""
    keys = {
        **TOP_KEYS,
        **{f"profiles.NAME.{name}": key for name, key in PROFILE_KEYS.items()},
        **{f"profiles.NAME.tls.{name}": key for name, key in TLS_KEYS.items()},
    }
    return {
        "commands": list(commands(tree(), "medtrack")),
        "exit_codes": {str(int(code)): EXIT_CODES[code].summary for code in sorted(EXIT_CODES)},
        "environment": VARIABLES,
        "configuration": {name: key.described for name, key in keys.items()},
    }


def commands(command: Any, name: str) -> Iterator[Command]:  # noqa: ANN401 -- typer's own Click
    """Describe a command, and those in it. Its examples are in Typer's epilog, one a line."""
    summary, _, rest = command.help.partition("\n")
    inner = getattr(command, "commands", {})
    effect = getattr(command.callback, "effect", None)
    ends, kinds = FACTS[name.removeprefix("medtrack ")] if effect else ((), "")
    parameters = sorted(map(parameter, command.params), key=lambda each: rank(each["group"]))
    yield {
        "name": name,
        "summary": summary,
        "description": [" ".join(each.split()) for each in rest.split("\n\n") if each.strip()],
        "examples": command.epilog.splitlines(),
        "group": getattr(command, "rich_help_panel", None) if " " in name else None,
        "effect": effect,
        "kinds": [Kind(each) for each in (*kinds.split(), "note", "error")] if effect else [],
        "exit_codes": sorted({*ALWAYS, *ends}) if effect else [0, 2],
        "arguments": [each for each in parameters if not each["names"]],
        "options": [each for each in parameters if each["names"]],
    }
    for word, each in sorted(inner.items(), key=lambda named: rank(named[1].rich_help_panel)):
        yield from commands(each, f"{name} {word}")


def parameter(given: Any) -> Parameter:  # noqa: ANN401
    """Describe an argument or an option."""
    is_option = given.param_type_name == "option"
    group = given.rich_help_panel or Panel.GENERAL
    is_flag = is_option and (given.is_flag or given.count)
    choices = [str(each) for each in getattr(given.type, "choices", ())]
    name = given.name.upper()
    is_set = group in {Panel.CONNECTION, Panel.GENERAL} and name in LIKE_OPTIONS
    default = given.default.value if isinstance(given.default, Enum) else given.default
    return {
        "names": sorted(given.opts, key=len) if is_option else [],
        "metavar": "" if is_flag else given.metavar or "|".join(choices),
        "help": given.help,
        "group": group,
        "type": type_of(given),
        "choices": choices,
        "default": str(default) if isinstance(default, Path) else default,
        "environment": f"MEDTRACK_{name}" if is_set else None,
        "required": given.required,
        "repeatable": bool(
            given.nargs == -1 or getattr(given, "multiple", False) or getattr(given, "count", False)
        ),
        "hidden": given.hidden,
        "completed_by": completed_by(given),
    }


def rank(panel: str) -> int:
    """Give the place of a heading."""
    return [*Panel].index(Panel(panel))


def completed_by(given: Any) -> str | None:  # noqa: ANN401
    """Name the function of `commands/completing.py` that was declared with it."""
    complete = given._custom_shell_complete  # noqa: SLF001 -- nothing public gives it
    return complete and getclosurevars(complete).nonlocals["autocompletion"].__name__


def type_of(given: Any) -> str:  # noqa: ANN401
    """Name the type of a value in words that all languages share."""
    read = getattr(given.type, "func", None)
    if given.metavar == "SECONDS":
        return "duration"
    if read:
        return {int: "integer", float: "number", str: "text"}[read.__annotations__["return"]]
    same = {each: each for each in ("boolean", "choice", "path")}
    words = {**same, "int": "integer", "float": "number"}
    by_metavar = {"N": "integer", **dict.fromkeys(PATHS, "path")}
    said = by_metavar.get((given.metavar or "").rstrip("…"), "text")
    return words.get(given.type.name, said)


def written() -> str:
    """Write it with one line a command, so that a change is seen where it is."""
    whole = command_line()
    parts = ",\n".join(json.dumps(each, ensure_ascii=False) for each in whole.pop("commands"))
    rest = json.dumps(whole, ensure_ascii=False)[1:-1]
    return f'{{"commands":[\n{parts}\n],\n{rest}}}\n'


if __name__ == "__main__":
    write_or_check("medtrack_cli/command_line.json", written())
