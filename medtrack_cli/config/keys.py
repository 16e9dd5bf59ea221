"""The keys of a configuration file and their values: for the loader, and for editors."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

_TEXT = {"type": ["string", "number", "boolean", "null"]}
_FILLED = {**_TEXT, "minLength": 1}
_NAME = {**_TEXT, "maxLength": 255}
_BOOLEAN = {"enum": [True, False, "true", "false", None]}
_PORT = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": 65535},
        {"type": "string", "pattern": "^[0-9]{1,5}$"},
        {"type": "null"},
    ]
}
_ASKED = "asked for on a terminal"
_PORTS = "5672, with TLS 5671"
_EXCHANGE = {**_FILLED, **_NAME}
_URL = {"type": ["string", "null"], "pattern": "^[Aa][Mm][Qq][Pp][Ss]?://"}
_WEB_ADDRESS = {"type": ["string", "null"], "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/]"}


class Key(NamedTuple):
    """A key's value in words, and what one text of it may be, as a JSON Schema.

    `default` says in words what holds without it.
    """

    about: str
    takes: Mapping[str, Any] = _FILLED
    is_list: bool = False
    default: str = ""
    is_users: bool = False  # an error in a project file

    @property
    def schema(self) -> dict[str, Any]:
        """Describe its value for an editor."""
        texts = {"type": "array", "items": _TEXT, "minItems": 1}
        takes = {"anyOf": [self.takes, texts]} if self.is_list else self.takes
        return {"description": self.described, **takes}

    @property
    def described(self) -> str:
        """Say what it is, as a help says it."""
        return f"{self.about.rstrip('.')} [{self.default}]." if self.default else self.about


TLS_KEYS = {
    "ca_file": Key("The authorities to trust, PEM.", default="the system's"),
    "cert_file": Key("The client's certificate, PEM."),
    "key_file": Key("Its private key, PEM."),
    "server_name": Key("The name in the broker's certificate.", default="the host's"),
}
PASSWORD_KEYS = {
    "password": Key(
        "The password itself; the file must be closed to others.", _TEXT, default=_ASKED
    ),
    "password_env": Key("The variable that holds it; in a project's file it begins MEDTRACK_."),
    "password_file": Key("The file that holds it, one line, closed to others.", is_users=True),
    "password_command": Key("The program that prints it.", is_list=True, is_users=True),
}
PROFILE_KEYS = {
    "url": Key(
        "amqp[s]://USER:PASSWORD@HOST:PORT/VHOST; a key beside it wins over its part.", _URL
    ),
    "host": Key("The broker's host.", default="localhost"),
    "hosts": Key("Hosts of a cluster, HOST or HOST:PORT, tried in shuffled order.", is_list=True),
    "port": Key("The port of hosts that have none of their own.", _PORT, default=_PORTS),
    "vhost": Key("The virtual host.", _NAME, default="/"),
    "username": Key("Who logs in.", _NAME, default="guest"),
    "exchange": Key("The topic exchange of the events.", _EXCHANGE, default="medtrack.events"),
    "management_url": Key("The management API, http[s]://HOST[:PORT][/PATH].", _WEB_ADDRESS),
    **PASSWORD_KEYS,
    "protected": Key("true: whatever sends or declares asks first.", _BOOLEAN, default="false"),
    "tls": Key("TLS, and whom it trusts; {} for the system's authorities.", {}, default="no TLS"),
}
TOP_KEYS = {
    "default_profile": Key("The profile to use.", default="local"),
    "service": Key("Fills an event's missing service."),
    "schemas": Key("Folders of more event types, from this file's folder.", _TEXT, is_list=True),
    "profiles": Key("Connection settings by name, beside those built in.", {}),
}
EXCLUSIVE = (("host", "hosts"), tuple(PASSWORD_KEYS))
"""Of each of these, only one may be given."""


def json_schema() -> dict[str, Any]:
    """Give a JSON Schema of a configuration file; whatever the loader accepts fits it."""
    tls = _table(TLS_KEYS)
    profile = _table(PROFILE_KEYS, tls=tls)
    for names in EXCLUSIVE:
        profile.setdefault("allOf", []).extend(map(_not_both, combinations(names, 2)))
    profiles = {"type": ["object", "null"], "additionalProperties": profile}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "medtrack.yaml",
        **_table(TOP_KEYS, profiles=profiles),
    }


def _table(keys: Mapping[str, Key], **tables: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "properties": {name: key.schema | tables.get(name, {}) for name, key in keys.items()},
        "additionalProperties": False,
    }


def _not_both(names: tuple[str, str]) -> dict[str, Any]:
    """Refuse two keys beside each other; one without a value isn't counted."""
    written = {name: {"not": {"type": "null"}} for name in names}
    return {"not": {"type": "object", "required": list(names), "properties": written}}
