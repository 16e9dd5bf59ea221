"""What statistics need of a line, read in one pass without the rest of it."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NotRequired

from typing_extensions import TypedDict


class Properties(TypedDict, total=False):
    """The needed AMQP properties."""

    message_id: str


class Named(TypedDict):
    """An event's names, as far as tables need them."""

    event_type: str
    service: str


class Timed(Named):
    """An event outside of a delivery."""

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
    """A recorded line with an event that has names."""

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
    """Make the strict parser for a kind of line; members that it doesn't name are ignored.

    It caches no strings: values are hardly ever repeated in a row, and a cache takes a fifth of the
    time.
    """
    from pydantic import TypeAdapter
    from pydantic_core import CoreConfig, SchemaValidator

    schema = TypeAdapter(kind).core_schema
    return partial(
        SchemaValidator(schema, CoreConfig(cache_strings="keys")).validate_json, strict=True
    )
