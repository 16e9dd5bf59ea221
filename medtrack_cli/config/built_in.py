"""What is known without any file: three profiles, and the defaults below every level."""

from collections.abc import Mapping
from typing import NamedTuple

from medtrack_cli.config.keys import PROFILE_KEYS
from medtrack_cli.config.layers import Layer, Level, Password, Value
from medtrack_cli.core.connection_settings import Secret, WebAddress

PRIVATE = "private"


class _Said(NamedTuple):
    source: str
    level: Level = Level.BUILT_IN


_LOCAL = _Said("built-in profile local")
_MEDTRACK = _Said("built-in profile medtrack")
_DEFAULT = _Said("default", Level.DEFAULT)


def _at(said: _Said, host: str, port: int | None, username: str) -> Layer:
    """Give the settings for one host, without TLS, and the vhost / on it."""
    return {
        "level": said.level,
        "hosts": Value(((host, None),), *said),
        "port": Value(port, *said),
        "tls": Value(value=False, source=said.source, level=said.level),
        "vhost": Value(PROFILE_KEYS["vhost"].default, *said),
        "username": Value(username, *said),
        "server_name": Value(None, *said),
    }


def _password(said: _Said, username: str, text: str) -> Value[Password]:
    return Value(Password(Secret(text), username, any_host=False, from_variable=False), *said)


BUILT_IN: Mapping[str, Layer] = {
    "local": {
        **_at(_LOCAL, "localhost", 5672, "admin"),
        "password": _password(_LOCAL, "admin", "password"),  # the guide's, for development
        "management_url": Value(WebAddress(tls=False, host="localhost", port=15672), *_LOCAL),
    },
    PRIVATE: {"level": Level.BUILT_IN},  # wherever the private broker runs
    "medtrack": {
        **_at(_MEDTRACK, "rabbitmq.medtrack.com", 5672, "admin"),
        "protected": Value(value=True, source=_MEDTRACK.source, level=_MEDTRACK.level),
    },
}
DEFAULTS: Layer = {
    **_at(_DEFAULT, PROFILE_KEYS["host"].default, None, PROFILE_KEYS["username"].default),
    "password": _password(_DEFAULT, "guest", "guest"),  # a fresh RabbitMQ's own user
    "exchange": Value(PROFILE_KEYS["exchange"].default, *_DEFAULT),
    "protected": Value(value=False, source=_DEFAULT.source),
    "heartbeat": Value(10, *_DEFAULT),
}
