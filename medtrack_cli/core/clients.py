"""Programs that publish or handle an event type: templates, each with one place to fill in."""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from medtrack_cli.core.connection_settings import ConnectionSettings, WebAddress

FIRST, LAST = "--- filled in by medtrack", "--- the same in every client"
"""The text of the lines around the place."""

PASSWORD = "PASSWORD"  # noqa: S105 -- where the client puts it; one that is quoted has no colon

Values = Mapping[str, Any]


class Language(StrEnum):
    """What a client is written in."""

    PYTHON = "python"
    NODE = "node"
    JAVA = "java"
    CURL = "curl"


def _brokers(place: ConnectionSettings) -> list[str]:
    """Give the brokers' URLs, with PASSWORD in place of the password."""
    login = f"{quote(place.username, safe='')}:{PASSWORD}"
    scheme, vhost = "amqps" if place.tls else "amqp", quote(place.vhost, safe="")
    return [f"{scheme}://{login}@{host}/{vhost}" for host in place.hosts]


def tls_files(place: ConnectionSettings) -> dict[str, str]:
    """Give the files for TLS, and the server's name."""
    names = ("ca_file", "cert_file", "key_file", "server_name")
    return {name: str(value) for name in names if (value := getattr(place.tls, name, None))}


def _api(place: ConnectionSettings) -> str:
    """Give the management API, at RabbitMQ's default place unless another is set."""
    first = WebAddress(bool(place.tls), place.hosts[0].name, 15671 if place.tls else 15672)
    return str(place.management_url or first).rstrip("/")


def publisher(place: ConnectionSettings, event: Mapping[str, Any], language: Language) -> Values:
    """Give the values to fill in for a publisher of an event."""
    kind = event["event_type"]
    if language is Language.CURL:
        options = {"ca_file": "--cacert", "cert_file": "--cert", "key_file": "--key"}
        return {
            "API": _api(place),
            "VHOST": quote(place.vhost, safe=""),
            "USERNAME": place.username,
            "EXCHANGE": quote(place.exchange, safe=""),
            "TLS": [
                word
                for name, path in tls_files(place).items()
                if name in options
                for word in (options[name], path)
            ],
            "EVENT_TYPE": kind,
            "event": {name: value for name, value in event.items() if name != "timestamp"},
        }
    service = event["service"]
    return {
        **_connection(place, language),
        "EVENT_TYPE": kind,
        "VERSION": event["version"],
        "SERVICE": json.dumps(service) if language is Language.JAVA else service,
        "PAYLOAD": event["payload"],
    }


def consumer(
    place: ConnectionSettings, event_type: str, service: str, language: Language
) -> Values:
    """Give the values to fill in for a consumer of an event type, with a queue of its service."""
    queue = f"{re.sub('[^A-Za-z0-9_-]', '-', service)[:100]}.{event_type}"  # also names a file
    return {**_connection(place, language), "EVENT_TYPE": event_type, "QUEUE": queue}


def _connection(place: ConnectionSettings, language: Language) -> Values:
    is_java, files = language is Language.JAVA, tls_files(place)
    tls = {"CA_FILE": files.get("ca_file", "")} if is_java else {"TLS": files}
    return {"BROKERS": _brokers(place), **tls, "EXCHANGE": place.exchange}


def filled_in(template: str, values: Values, language: Language) -> str:
    """Put values into a template's place, all in the language's own ASCII literals."""
    lines = template.splitlines(keepends=True)
    first, last = (
        next(at for at, line in enumerate(lines) if mark in line) for mark in (FIRST, LAST)
    )
    declared = (_DECLARED[language](name, value) + "\n" for name, value in values.items())
    return "".join([*lines[: first + 1], *declared, *lines[last:]])


def _literal(
    value: Any,  # noqa: ANN401 -- JSON
    scalar: Callable[[Any], str],
    key: Callable[[str], str],
    indent: str = "",
) -> str:
    """Write JSON that is also a literal in Python and JavaScript, a member a line."""
    if isinstance(value, list):
        return f"[{', '.join(_literal(each, scalar, key, indent) for each in value)}]"
    if not isinstance(value, dict) or not value:
        return scalar(value)
    deeper = indent + "    "
    members = (f"{key(name)}: {_literal(of, scalar, key, deeper)}" for name, of in value.items())
    lines = "".join(f"{deeper}{each},\n" for each in members)
    return f"{{\n{lines}{indent}}}"


def _python(name: str, value: object) -> str:
    return f"{name} = {_literal(value, ascii, ascii)}"


def _javascript(name: str, value: object) -> str:
    def key(text: str) -> str:  # "__proto__" alone would not become a member
        return f"[{json.dumps(text)}]" if text == "__proto__" else json.dumps(text)

    return f"const {name} = {_literal(value, json.dumps, key)};"


def _java(name: str, value: Any) -> str:  # noqa: ANN401 -- JSON, or a list of texts
    if isinstance(value, dict):  # backslashes are doubled: \u is read before anything else
        lines = json.dumps(value, indent=4).replace("\\", "\\\\").splitlines()
        text = "\n".join(f"        {line}" for line in lines)
        return f'    static final String {name} = """\n{text}\n        """;'
    if isinstance(value, list):
        texts = ", ".join(map(json.dumps, value))
        return f"    static final List<String> {name} = List.of({texts});"
    return f"    static final String {name} = {json.dumps(value)};"


def _bash(name: str, value: Any) -> str:  # noqa: ANN401 -- JSON, or a list of texts
    if isinstance(value, dict):  # no line of JSON is END
        *lines, _ = json.dumps(value, indent=2).splitlines()
        return "\n".join(
            [
                f"{name}() {{",
                "  cat <<'END'",
                *lines,
                "END",
                """  printf '  , "timestamp": "%s"\\n}\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)\"""",
                "}",
            ]
        )
    if isinstance(value, list):
        return f"{name}=({' '.join(map(_word, value))})"
    return f"{name}={_word(value)}"


def _word(text: str) -> str:
    if text.isascii() and text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(f"\\x{byte:02x}" for byte in text.encode()) + "'"


_DECLARED: Mapping[Language, Callable[[str, Any], str]] = {
    Language.PYTHON: _python,
    Language.NODE: _javascript,
    Language.JAVA: _java,
    Language.CURL: _bash,
}
