"""Real persons on a protected broker stay there, unless the user says otherwise."""

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.errors import UsageError
from medtrack_cli.events.personal import has_persons
from medtrack_cli.events.registry import Registry


class RealPersons(UsageError):
    """Events with persons that would leave the protected broker they were recorded from."""

    def __init__(self, origin: Origin, target: Origin) -> None:
        what = "real persons, recorded from a protected broker, would go to another one"
        hint = "--pseudonymize makes others of them, --real-persons sends them as they are"
        super().__init__(what, f"{_named(origin)} to {_named(target)}", hint=hint)


def refuse_persons(seen: CheckedDelivery, target: Origin, registry: Registry) -> None:
    """Raise RealPersons if an event may contain a person and would leave its broker.

    What is no event, or of an unknown type, may contain anybody's data.
    """
    origin = seen.delivery.origin
    if origin is None or not origin.is_protected or origin.is_pseudonymized:
        return
    is_of_persons = seen.event_type is None or has_persons(registry, seen.event_type)
    if is_of_persons and not origin.is_same_place(target):
        raise RealPersons(origin, target)


def _named(place: Origin) -> str:
    return f"{place.broker}, vhost {place.vhost}, exchange {place.exchange}"
