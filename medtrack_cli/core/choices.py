"""Which way two versions of a contract must understand each other."""

from enum import StrEnum


class Mode(StrEnum):
    """Which direction must hold."""

    BACKWARD = "backward"  # new readers accept what old writers send
    FORWARD = "forward"  # old readers accept what new writers send
    FULL = "full"  # both
