#!/usr/bin/env python3
"""Write docs/llms.txt, the command line on one page for language models; or --check it."""

from collections.abc import Iterator

from generated import write_or_check

from medtrack_cli.command_line import Command, command_line
from medtrack_cli.output.shown.help_page import described, usage

HEAD = """# medtrack

> {summary}

For programs: `-o json` prints one object a line, `kind` first; data on stdout, all else on stderr.
Branch on the exit code, then on the objects; `medtrack explain CODE` says what a code means and
what to do. Try publish and replay with `--dry-run` first. Protected profiles ask; `--yes` answers.
Passwords go into MEDTRACK_PASSWORD or a configuration file, never onto the command line.

`medtrack spec` prints all that is here and more as JSON, `medtrack COMMAND --help` what each option
means. An effect is the most that a command does by any of its options; destructive takes away what
nothing brings back. Every command takes -o, -q, -v, --config FILE, --profile NAME and --color;
those that talk to a broker also --url, --host, --port, --vhost, --username, --exchange.
"""
SHARED = {"General", "Connection"}
COMMON = {"note", "error"}

REST = """## More

- [Every help](cli.md), [JSON output with schemas](json-output.md), [exit codes](exit-codes.md)
- [Configuration and profiles](configuration.md), [what each code means](explain.md)
- [The integration guide, command by command](guide.md), [most used commands](cheat.md)
"""


def lines() -> Iterator[str]:
    """Give the page's lines."""
    known = command_line()
    first, *commands = known["commands"]
    yield HEAD.format(summary=first["summary"])
    yield "## Commands\n"
    for command in commands:
        if command["effect"]:
            yield from about(command)
    yield "\n## Exit codes\n"
    yield from (f"- {code}: {meaning}" for code, meaning in known["exit_codes"].items())
    yield "\n## Environment\n"
    yield from (f"- {name}: {meaning}" for name, meaning in known["environment"].items())
    yield f"\n{REST.rstrip()}"


def about(command: Command) -> Iterator[str]:
    """Say what a command does, with its own options."""
    given = [each for each in command["options"] if each["group"] not in SHARED]
    options = ", ".join(described(each)[0].strip() for each in given)
    kinds = ", ".join(each for each in command["kinds"] if each not in COMMON)
    facts = [
        f"Effect: {command['effect']}.",
        *([f"Prints: {kinds}."] if kinds else []),
        *([f"Options: {options}."] if options else []),
    ]
    yield f"- `{usage(command)}`: {command['summary']} {' '.join(facts)}"
    yield f"  For example: `{command['examples'][0]}`"


if __name__ == "__main__":
    write_or_check("docs/llms.txt", "\n".join(lines()) + "\n")
