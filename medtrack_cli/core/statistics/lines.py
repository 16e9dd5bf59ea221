"""What statistics need of a line, and no more: read in one pass, without the rest of it."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NotRequired

from typing_extensions import TypedDict


class Properties(TypedDict, total=False):
    """Of AMQP's properties."""

    message_id: str


class Named(TypedDict):
    """An event, as far as tables name it."""

    event_type: str
    service: str


class Timed(Named):
    """An event that stands in no delivery."""

    timestamp: str


class Noted(TypedDict):
    """One of a recorded line's findings."""

    rule: str
    pointer: str


class Delivered(TypedDict):
    """A recorded line."""

    received_at: str
    routing_key: str
    redelivered: bool
    properties: Properties
    valid: bool
    findings: list[Noted]


class NamedLine(Delivered):
    """A recorded line with an event that says what it is."""

    body: Named
    body_text: str


class AnyLine(Delivered):
    """A recorded line with any body."""

    body: Any
    body_text: NotRequired[str]
    body_base64: NotRequired[str]


Parse = Callable[[bytes], Any]
"""Reads a line; raises ValueError when it isn't one of the kind."""


@cache
def parser(kind: Any) -> Parse:  # noqa: ANN401 -- one of the classes above
    """Make what reads lines of a kind: strictly; members that it doesn't name are passed over.

    Hardly a value comes twice in a row: to look for each in a cache takes a fifth of the time.
    """
    from pydantic import TypeAdapter
    from pydantic_core import CoreConfig, SchemaValidator

    schema = TypeAdapter(kind).core_schema
    return partial(
        SchemaValidator(schema, CoreConfig(cache_strings="keys")).validate_json, strict=True
    )
