"""What a replay changes in a recorded delivery.

In this order: persons, then what is set in the event, then its time; the id, the key, headers.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from medtrack_cli.core.checked import CheckedDelivery, examine
from medtrack_cli.core.choices import To
from medtrack_cli.core.dead_letters import SENDERS_COPIES, Way
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.publishing.pseudonyms import Pseudonymizer
from medtrack_cli.core.times import rfc3339
from medtrack_cli.errors import UsageError
from medtrack_cli.events import overrides as paths
from medtrack_cli.events.findings import WARNINGS, Problem, Rule
from medtrack_cli.events.json_places import put
from medtrack_cli.events.json_text import decode
from medtrack_cli.events.overrides import Setting
from medtrack_cli.events.registry import Registry, built_in

_LONGEST_KEY = 255  # bytes, by AMQP 0-9-1
_BOM = b"\xef\xbb\xbf"


class Unfit(ValueError):
    """Why one delivery can't be sent with the requested changes."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The requested changes; without any it is sent as it was."""

    to: To | None = None  # where dead letters go
    key_prefix: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    new_ids: bool = False
    settings: tuple[Setting, ...] = ()
    now: datetime | None = None  # the event's new time, until `refreshed` sets that of its sending
    pseudonymizer: Pseudonymizer | None = None
    to_queue: str | None = None  # where all go
    mends: bool = False  # a set value may make an invalid event valid

    def with_fakes(self, seen: CheckedDelivery) -> CheckedDelivery | None:
        """Replace the persons; None if that can't be done for certain."""
        return self.pseudonymizer.apply(seen) if self.pseudonymizer else seen

    def changed(self, seen: CheckedDelivery, registry: Registry | None) -> CheckedDelivery:
        """Change the event, and check it again; Unfit if it would be invalid.

        Also if it was invalid, unless it `mends`. Its key may have differed from its type, as a
        dead letter's does.
        """
        if not (self.settings or self.now):
            return seen
        before = _faults(seen)
        wrong = next((each for each in before if each.rule is not _MISMATCH), None)
        if wrong and not self.mends:
            way_out = "only valid events are changed: --invalid skip leaves it out"
            raise Unfit(f"{_said(wrong)}; {way_out}")
        try:
            body = self._edited(seen.body, registry or built_in())
        except UsageError as misfit:
            raise Unfit("; ".join(filter(None, (misfit.message, misfit.hint)))) from None
        except (ValueError, TypeError, RecursionError):  # of one that was invalid
            raise Unfit(_said(before[0]) if before else "it can't be changed") from None
        after = examine(_holding(body, seen), registry)
        was_mismatched = any(each.rule is _MISMATCH for each in before)
        for each in _faults(after):
            if each.rule is not _MISMATCH or not was_mismatched:
                raise Unfit(f"{_said(each)}, once it is changed")
        return after

    def _edited(self, body: bytes, registry: Registry) -> bytes:
        text = decode(body)
        event = json.loads(text)
        if not isinstance(event, dict):
            raise TypeError("no object")
        paths.checked_for(event, self.settings, registry)
        for path, given in self.settings:
            value = paths.read(event, path, given, registry)
            try:
                text = put(text, path, value)
            except LookupError as error:
                raise paths.leads_nowhere(error.args[0]) from None
            event = json.loads(text)
        if self.now is not None:
            text = put(text, ("timestamp",), rfc3339(self.now))
        return (_BOM if body.startswith(_BOM) else b"") + text.encode()

    def led(self, way: Way) -> Way:
        """Change a delivery's target and headers; Unfit where AMQP has no room."""
        if not (self.key_prefix or self.headers):
            return way
        prefix, headers = self.key_prefix, {**way.headers, **self.headers}
        key = prefix + way.routing_key
        if prefix:
            for name in SENDERS_COPIES & way.headers.keys():
                headers[name] = _prefixed(prefix, way.headers[name])
            if _longest(key, *(headers.get(name) for name in SENDERS_COPIES)) > _LONGEST_KEY:
                raise Unfit(f"with --key-prefix a routing key is over {_LONGEST_KEY} bytes")
        return way._replace(routing_key=key, headers=headers)


AS_IT_WAS = Rewrite()

_MISMATCH = Rule.ROUTING_KEY_MISMATCH


def refreshed(
    outgoing: Iterable[Message | Receipt], now: Callable[[], datetime]
) -> Iterator[Message | Receipt]:
    """Give each event the time at which it is passed on: after all delays."""
    for each in outgoing:
        if isinstance(each, Message):
            start = _BOM if each.body.startswith(_BOM) else b""
            text = put(decode(each.body), ("timestamp",), rfc3339(now()))
            yield each._replace(body=start + text.encode())
        else:
            yield each


def _faults(seen: CheckedDelivery) -> list[Problem]:
    return [each for each in seen.problems if each.rule not in WARNINGS]


def _said(problem: Problem) -> str:
    return f"{problem.rule}: {problem.message}"


def _holding(body: bytes, seen: CheckedDelivery) -> Delivery:
    """Give the delivery with another body, which is not compressed."""
    delivery = seen.delivery
    properties = dict(delivery.properties)
    if seen.body is not delivery.body:
        del properties["content_encoding"]
    return replace(delivery, body=body, properties=properties)


def _prefixed(prefix: str, keys: Any) -> Any:  # noqa: ANN401 -- a header's value
    """Put the prefix before a message's further keys, too; else it goes where it went before."""
    if not isinstance(keys, list):
        return keys
    return [prefix + each if isinstance(each, str) else each for each in keys]


def _longest(*keys: Any) -> int:  # noqa: ANN401 -- of headers, too
    """Count the bytes of the longest text, also in lists."""
    texts = (each for key in keys for each in (key if isinstance(key, list) else [key]))
    sizes = (len(each.encode(errors="surrogatepass")) for each in texts if isinstance(each, str))
    return max(sizes, default=0)
