"""Conditions of --where: their library is an optional extra."""

import shlex
import sys

from medtrack_cli.core.conditions import Condition
from medtrack_cli.errors import UsageError


def condition(expression: str | None) -> Condition | None:
    """Read the condition of --where; UsageError with the place of a mistake."""
    if expression is None:
        return None
    try:
        from medtrack_cli.cel import compiled
    except ImportError:  # an extra, as it has no build for some Pythons and systems
        what = "--where needs a library that isn't installed here"
        raise UsageError(what, "cel-expr-python", hint=how_to_add("where")) from None

    return compiled(expression)


def how_to_add(extra: str, prefix: str = sys.prefix, python: str = sys.executable) -> str:
    """Give the command that installs an extra, for the tool that made our environment."""
    installer = f"{shlex.quote(python)} -m pip install"
    if "/pipx/venvs/" in prefix:
        installer = "pipx install --force"
    elif "/uv/tools/" in prefix:
        installer = "uv tool install"
    return f"{installer} 'medtrack[{extra}]' adds it"
