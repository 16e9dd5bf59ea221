"""Values of options, in a module of their own because they must import fast."""

from enum import StrEnum


class Mode(StrEnum):
    """Which direction must hold."""

    BACKWARD = "backward"  # new readers accept what old writers send
    FORWARD = "forward"  # old readers accept what new writers send
    FULL = "full"  # both


class Via(StrEnum):
    """How events get to the broker."""

    AMQP = "amqp"
    HTTP = "http"  # the management API, where AMQP's port is closed


class Colour(StrEnum):
    """When output has colours; by default on terminals that want them."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Invalid(StrEnum):
    """What a replay does with a recorded delivery that is no valid event."""

    SEND = "send"
    SKIP = "skip"
    FAIL = "fail"


class To(StrEnum):
    """Where a replay sends dead letters."""

    EXCHANGE = "exchange"  # as they were first published
    QUEUE = "queue"  # the one they died in


REPORTS = ("human", "json", "github", "junit", "sarif", "gitlab")
"""The formats of validate's findings."""
