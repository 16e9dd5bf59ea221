"""Our errors as those that tests know."""

from collections.abc import Callable
from typing import TypeVar

from medtrack_cli.errors import MedtrackError, UsageError

T = TypeVar("T")
__tracebackhide__ = True  # pytest shows the test's line


def sentence(error: MedtrackError) -> str:
    """Say what failed, and the next step."""
    return f"{error.message}\nhint: {error.hint}" if error.hint else error.message


def understood(read: Callable[[], T]) -> T:
    """Give what is made of a call's arguments; ValueError for what they get wrong."""
    try:
        return read()
    except UsageError as error:
        raise ValueError(sentence(error)) from None
