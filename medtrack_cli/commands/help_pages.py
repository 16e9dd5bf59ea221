"""The headings of a help."""

from enum import StrEnum


class Panel(StrEnum):
    """The headings of a help, in order: first of commands, then of options."""

    EVENTS = "Events"
    SCHEMAS = "Schemas"
    BROKER = "Broker"
    SET_UP = "Set up"
    COMMANDS = "Commands"
    WHAT = "What"
    HOW = "How"
    RUNS = "Runs"
    END = "When to end"
    OUTPUT = "Output"
    CONNECTION = "Connection"
    GENERAL = "General"
