"""What differs between versions of RabbitMQ."""

from medtrack_cli.private_broker import PrivateBroker
from tests.faults.breaking import evaluate


def is_from_4_3(broker: PrivateBroker) -> bool:
    """Return whether a broker is RabbitMQ 4.3 or newer.

    Its quorum queues count no `basic.nack` as a delivery, and dead letters keep their counts. It
    loses patience with the readers of quorum queues alone. Its API knows nothing of a vhost that a
    user has no access to.
    """
    return tuple(map(int, broker.version.split(".")[:2])) >= (4, 3)


def has_statistics(broker: PrivateBroker) -> bool:
    """Return whether the API tells how its nodes fare: RabbitMQ 4 can be forbidden to."""
    permitted = "rabbit_deprecated_features:is_permitted(management_metrics_collection)."
    return broker.version.startswith("3.") or "true" in evaluate(broker, permitted).splitlines()
