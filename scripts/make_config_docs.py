#!/usr/bin/env python3
"""Print the tables of docs/configuration.md: what can be set, and where. Called by cog, too."""

import re
import sys
from collections.abc import Iterator, Mapping

from make_code_docs import quoted, table

from medtrack_cli.command_line import command_line, command_of
from medtrack_cli.config.keys import PROFILE_KEYS, TLS_KEYS, TOP_KEYS, Key

PLACES = {
    "At a file's top": TOP_KEYS,
    "In a profile, below `profiles:` and its name": PROFILE_KEYS,
    "Below a profile's `tls:`": TLS_KEYS,
}
SHARED = {"Connection", "General"}
OTHER_NAMES = {"default_profile": "profile"}
OPTIONS = {
    name.removeprefix("--"): each
    for each in command_of("medtrack publish")["options"]
    for name in each["names"]
    if each["group"] in SHARED or name == "--service"
}
"""The options that stand for keys, and others of every command that talks to a broker."""


def tables() -> str:
    """Give a table for each place in a file, and one of what stands in none."""
    parts = [(title, table(HEAD, rows(keys))) for title, keys in PLACES.items()]
    return "\n\n".join(f"{title}:\n\n{text}" for title, text in [*parts, ("In no file", rest())])


HEAD = "key", "flag, variable", "", "without it"


def rows(keys: Mapping[str, Key]) -> Iterator[list[str]]:
    """Give a row for each key."""
    for name, key in keys.items():
        about = f"{key.about} Only in your own file." if key.is_users else key.about
        about = re.sub(r"\S+://[^\s.;]+", r"`\g<0>`", about)
        others = filter(None, (quoted(flag(name)), quoted(variable(name))))
        yield [quoted(name), "<br>".join(others), about, key.default]


def rest() -> str:
    """Give the variables and the flag that no key stands for."""
    named = {each for keys in PLACES.values() for name in keys for each in (variable(name),)}
    environment = command_line()["environment"].items()
    found = [(quoted(name), about) for name, about in environment if name not in named]
    found.append(("`--insecure`", OPTIONS["insecure"]["help"]))
    return table(("variable, or flag", ""), found)


def variable(key: str) -> str:
    """Name a key's variable; empty: there is none."""
    name = f"MEDTRACK_{OTHER_NAMES.get(key, key).upper()}"
    return name if name in command_line()["environment"] else ""


def flag(key: str) -> str:
    """Name a key's flag; empty: there is none."""
    name = OTHER_NAMES.get(key, key).replace("_", "-")
    before = "publish " if name == "service" else ""
    return f"{before}--{name}" if name in OPTIONS else ""


if __name__ == "__main__":
    sys.stdout.write(tables() + "\n")
