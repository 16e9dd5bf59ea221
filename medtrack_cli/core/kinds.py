"""The kinds of all objects that are written as JSON: each has a section in docs/json-output.md."""

from enum import StrEnum


class Kind(StrEnum):
    """What stands first in an object."""

    EVENT = "event"
    FINDING = "finding"
    RECEIPT = "receipt"
    MESSAGE = "message"
    PUBLISHED = "published"
    REPLAYED = "replayed"
    DRY_RUN = "dry_run"
    VALIDATED = "validated"
    STATS = "stats"
    EVENT_TYPE = "event_type"
    COMPARISON = "comparison"
    COMPARED = "compared"
    CHECKED = "checked"
    SCHEMA_FAULT = "schema_fault"
    SETTING = "setting"
    FILE = "file"
    CONFIGURATION = "configuration"
    CREATED = "created"
    BROKER = "broker"
    ROUTE = "route"
    CHECK = "check"
    DIAGNOSED = "diagnosed"
    EXPLANATION = "explanation"
    VERSION = "version"
    STEP = "step"
    DEMO = "demo"
    # In files.
    RECORDING = "recording"
    CHECKPOINT = "checkpoint"
    # On stderr.
    NOTE = "note"
    LISTENING = "listening"
    INTERRUPTED = "interrupted"
    RESUMED = "resumed"
    LISTENED = "listened"
    ERROR = "error"
