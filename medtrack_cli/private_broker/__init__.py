"""A private RabbitMQ for development, demo and tests: found or installed, started, stopped."""

from medtrack_cli.private_broker.lifecycle import (
    EXCHANGE,
    PrivateBroker,
    kill,
    rabbitmqctl,
    start,
    state_folder,
    status,
    stop,
)

__all__ = [
    "EXCHANGE",
    "PrivateBroker",
    "kill",
    "rabbitmqctl",
    "start",
    "state_folder",
    "status",
    "stop",
]
