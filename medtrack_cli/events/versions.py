"""The numbers of event types' versions, apart because completion reads them without a model."""

from typing import Final

VERSION_NUMBER: Final = r"(?:0|[1-9][0-9]{0,8})"
VERSION: Final = rf"^{VERSION_NUMBER}\.{VERSION_NUMBER}$"


def version_numbers(version: str) -> tuple[int, int]:
    """Give the major and the minor number of a well-formed version."""
    major, minor = version.split(".")
    return int(major), int(minor)
