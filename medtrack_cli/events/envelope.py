"""The envelope that every event travels in, and what a payload must say about its type."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from medtrack_cli.events.field_types import Timestamp, Version

STRICT = ConfigDict(
    strict=True,
    extra="forbid",
    allow_inf_nan=False,
    hide_input_in_errors=True,
    frozen=True,
    defer_build=True,
)


class Payload(BaseModel):
    """What an event says; each subclass is one event type in one version.

    The subclass's docstring is the type's description. `reactions` says what each MedTrack service
    does on receipt (source: the integration guide). `colour` is the type's colour in a log,
    readable on black and on white, the same for a family.
    """

    model_config = STRICT

    event_type: ClassVar[str]
    version: ClassVar[str] = "1.0"
    published_by: ClassVar[str]
    emitted_by_medtrack: ClassVar[bool] = False
    colour: ClassVar[str] = "default"
    reactions: ClassVar[Mapping[str, str]] = {}


class Envelope(BaseModel):
    """One event of any type; the registry narrows `event_type` and `payload` for each type."""

    model_config = STRICT

    event_type: str = Field(description="what happened; also the routing key")
    payload: Any = Field(description="what it happened to")
    service: str = Field(description="who says so")
    timestamp: Timestamp = Field(description="when; without an offset it counts as UTC")
    version: Version = Field(description="the version of this type's contract")


class AnyEvent(Envelope):
    """The envelope of an event whose type or version is unknown: its payload is any object."""

    payload: dict[str, Any] = Field(description="what it happened to")
