"""What the shell completes, by the metavar of an option or argument, or what is passed to it.

`typed_line` calls these, by the names that `spec` has, and leaves out what doesn't begin with the
word at the cursor. Typer, which keeps them, asks that their parameter be called `ctx`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from medtrack_cli.command_line import Command, command_of, inner
from medtrack_cli.runtime import Runtime

Words = Sequence[tuple[str, str]]
"""Each with its meaning."""


class Typed(NamedTuple):
    """The Runtime of a line, what was given so far by name, and the word at the cursor."""

    runtime: Runtime
    given: Mapping[str, Sequence[str]]
    last: str

    def one(self, name: str) -> str:
        """Give the value of an argument; empty without one."""
        return next(iter(self.given.get(name, ())), "")


FILES = "\0files from "
"""The beginning of a meaning where the shell completes a file; after it: from which character."""


def files(ctx: Typed) -> Words:
    """Leave it to the shell, which knows its own `~`, links and folders."""
    return [(ctx.last, f"{FILES}0")]


def event_types(ctx: Typed) -> Words:
    """Give the event types, with their versions."""
    from medtrack_cli.wiring.completion import event_types

    return [(name, ", ".join(versions)) for name, versions in event_types(ctx.runtime).items()]


def versions(ctx: Typed) -> Words:
    """Give the versions of the typed event type, newest first."""
    from medtrack_cli.wiring.completion import event_types

    known = event_types(ctx.runtime).get(ctx.one("event_type"), {})
    return [(version, "") for version in reversed([*known])]


def types_at_versions(ctx: Typed) -> Words:
    """Give TYPE@VERSION; or a file."""
    from medtrack_cli.wiring.completion import event_types

    known = event_types(ctx.runtime)
    words = [(f"{name}@{version}", "") for name, versions in known.items() for version in versions]
    return [*words, *files(ctx)]


def key_patterns(ctx: Typed) -> Words:
    """Give the types as routing keys, and their prefixes."""
    return _as_patterns(name for name, _ in event_types(ctx))


def recorded_patterns(ctx: Typed) -> Words:
    """Give the routing keys of the typed recordings; without one, those of the types."""
    from medtrack_cli.wiring.completion import recorded_keys

    return _as_patterns(recorded_keys(ctx.given.get("source", ()))) or key_patterns(ctx)


def _as_patterns(keys: Iterable[str]) -> list[tuple[str, str]]:
    found = set(keys)
    families = {f"{first}.*" for first, dot, _ in (key.partition(".") for key in found) if dot}
    return [(key, "") for key in sorted(found | families)]


def field_paths(ctx: Typed) -> Words:
    """Give PATH= of each field of the typed event type, or of all."""
    from medtrack_cli.wiring.completion import event_types, fields_of

    known = event_types(ctx.runtime)
    name = ctx.one("event_type")
    wanted = [known[name]] if name in known else known.values()
    return [*{f"{path}=": said for each in wanted for path, said in fields_of(each)}.items()]


def properties() -> Words:
    """Give the names of the AMQP properties that can be set."""
    from medtrack_cli.core.publishing.extras import PROPERTIES

    return [(f"{name}=", "") for name in PROPERTIES]


def profiles(ctx: Typed) -> Words:
    """Give the profiles, built-in ones and those of the configuration."""
    from medtrack_cli.wiring.completion import profiles

    return [(name, "") for name in profiles(ctx.runtime)]


def topologies(ctx: Typed) -> Words:
    """Give the profiles; or a file."""
    return [*profiles(ctx), *files(ctx)]


def queues(ctx: Typed) -> Words:
    """Give the broker's queues, if it may be asked."""
    from medtrack_cli.wiring.completion import queues

    return [(name, "") for name in queues(ctx.runtime)]


def all_runs(ctx: Typed) -> Words:
    """Give the known replays, newest first, with the state of each."""
    from medtrack_cli.wiring.completion import runs

    return [(run.name, run.state) for run in runs(ctx.runtime)]


def unfinished_runs(ctx: Typed) -> Words:
    """Give the runs that can be resumed, or are running."""
    from medtrack_cli.wiring.completion import runs

    found = [run for run in runs(ctx.runtime) if run.is_unfinished or not run.ended]
    return [(run.name, run.state) for run in found]


def backlogs(ctx: Typed) -> Words:
    """Give QUEUE= of each queue of the broker."""
    return [(f"{name}=", said) for name, said in queues(ctx)]


def codes() -> Words:
    """Give all codes that `explain` knows."""
    from medtrack_cli.core.explanations import EXPLAINED

    return [(each.code, each.about.summary) for each in EXPLAINED]


def rule_names() -> Words:
    """Give the rules of findings."""
    return _explained("rule")


def check_names() -> Words:
    """Give the checks of `doctor`."""
    return _explained("check")


def _explained(group: str) -> Words:
    from medtrack_cli.core.explanations import EXPLAINED

    return [(each.code, each.about.summary) for each in EXPLAINED if each.group == group]


def services() -> Words:
    """Give the services that can stand in."""
    from medtrack_cli.core.simulating.reactions import SERVICES

    return [(name.lower(), f"{name}-SERVICE") for name in SERVICES]


def effect_tables() -> Words:
    """Give the tables of what the simulated services have done."""
    from medtrack_cli.core.simulating.reactions import TABLES

    return [(name, "") for name in TABLES]


def report_formats(ctx: Typed) -> Words:
    """Give the formats of validate's reports; after FORMAT= a file."""
    from medtrack_cli.core.choices import REPORTS

    format_, equals, _ = ctx.last.partition("=")
    if equals:
        return [(ctx.last, f"{FILES}{len(format_) + 1}")]
    return [(name, "") for name in REPORTS]


def command_words(ctx: Typed) -> Words:
    """Give the commands that continue the typed ones."""
    return words_of(command_of(" ".join(["medtrack", *ctx.given.get("command", ())])))


def words_of(command: Command) -> Words:
    """Give the commands in a group, with their summaries."""
    return [(each["name"].rpartition(" ")[2], each["summary"]) for each in inner(command)]


COMPLETED_BY: Mapping[str, Callable[..., Words]] = {
    **dict.fromkeys(("FILE", "FOLDER", "FOLDER…", "REF|DIR"), files),
    **dict.fromkeys(("PATH…", "SOURCE…", "RECORDING…"), files),
    **dict.fromkeys(("EVENT_TYPE", "TYPE", "TYPE[:N]", "KEY…"), event_types),
    **dict.fromkeys(("PATTERN", "PATTERN…"), key_patterns),
    **dict.fromkeys(("A", "B"), topologies),
    **dict.fromkeys(("QUEUE", "STREAM"), queues),
    **dict.fromkeys(("OLD", "NEW"), types_at_versions),
    "MAJOR.MINOR": versions,
    "PATH=VALUE": field_paths,
    "QUEUE=N": backlogs,
    "FORMAT[=PATH]": report_formats,
    "RULE": rule_names,
    "SERVICE…": services,
    "TABLE": effect_tables,
    "CODE": codes,
    "COMMAND…": command_words,
}
"""A metavar of the help -> what completes it, unless something else is given."""
