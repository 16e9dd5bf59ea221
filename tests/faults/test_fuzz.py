"""A minute of chance for each reader of foreign text, and for what shows it."""

import re
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from medtrack_cli.config.loader import load
from medtrack_cli.config.url import parse_url
from medtrack_cli.core.publishing.recorded import Recorded, recorded
from medtrack_cli.core.validating.totals import Validated
from medtrack_cli.errors import ConfigError, NotARecording
from medtrack_cli.files.recordings.reader import unwrap
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.world import SystemClock
from tests.builders import delivery, encode, event
from tests.core.test_record import TEXT, VALUES, line_of
from tests.files.reads import read_file
from tests.files.test_any_bytes import ANY_BYTES, EVENTS, check_span
from tests.output.test_safe_text import ANY_TEXT
from tests.running import run
from tests.security.hostile import FRIENDLY, HOSTILE, steered
from tests.validate.checking import validate

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def minute(examples: int) -> settings:
    """Try so many examples, which take about a minute."""
    healthy = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(max_examples=examples, deadline=None, suppress_health_check=healthy)


URL_PIECES = st.sampled_from(
    [
        *("amqp://", "amqps://", "AMQP:", "//", "/", ":", "@", "?", "&", "=", "#", "%", "%2F"),
        *("[", "]", "::1", "host", "h.example", "5672", "99999", "heartbeat=", "%00", "user"),
        *("verify=verify_none", "cacertfile=", "é", "\u202e", "\x1b", " ", "..", "\udcff"),
    ]
)


@minute(18_000)
@given(pieces=st.lists(URL_PIECES | st.text(max_size=4), max_size=12), password=TEXT)
def test_urls(pieces: list[str], password: str) -> None:
    """A URL is read or refused; what was read can be written again; no refusal quotes one."""
    refused = None
    try:
        url = parse_url("".join(pieces))
    except ConfigError as error:
        refused = error
    if refused:
        assert refused.subject == "URL"
        assert not re.search("[\x00-\x1f\u202e\udcff]", f"{refused} {refused.hint}")
        return
    user = "" if url.username is None else quote(url.username, safe="")
    secret = f":{quote(password, safe='')}@"
    host = f"[{url.host}]" if ":" in (url.host or "") else (url.host or "")
    port = "" if url.port is None else f":{url.port}"
    vhost = "" if url.vhost is None else "/" + quote(url.vhost, safe="")
    again = parse_url(f"amqp{'s' * url.tls}://{user}{secret}{host}{port}{vhost}")
    assert (again.username, again.host, again.port) == (url.username or "", url.host, url.port)
    assert (again.vhost, again.tls) == (url.vhost, url.tls)
    assert again.password is not None
    assert again.password.reveal() == password


KEYS = [
    *("url", "host", "hosts", "port", "vhost", "username", "password", "exchange", "tls"),
    *("protected", "password_env", "password_file", "portt"),
]
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "default_profile": st.sampled_from(["x", "local", "nobody"]),
        "service": TEXT | st.integers(),
        "schemas": st.lists(TEXT, max_size=2) | TEXT,
        "profiles": st.dictionaries(
            st.sampled_from(["x", "local"]) | TEXT,
            st.dictionaries(
                st.sampled_from(KEYS),
                TEXT | st.integers(0, 70_000) | st.booleans() | st.lists(TEXT, max_size=2),
                max_size=4,
            ),
            max_size=3,
        ),
        "servcie": TEXT,
    },
)
WORDS = TEXT.filter(lambda text: "\0" not in text)  # which AMQP carries and a path does not
CANARY = "Wq7-canary-password"


@minute(14_000)
@given(
    text=ANY_BYTES
    | SETTINGS.map(lambda each: yaml.safe_dump(each, allow_unicode=True).encode())
    | st.lists(
        st.sampled_from(
            [
                "profiles:\n",
                "  x:\n",
                "    port: 1\n",
                "- ",
                "{",
                "}",
                "&a ",
                "!t ",
                "? ",
                "\t",
                ": ",
                "a",
            ]
        )
    ).map(lambda each: "".join(each).encode())
)
def test_configurations(text: bytes) -> None:
    """A configuration is read or refused in words; it never shows the password beside it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.yaml")
        path.write_bytes(text + b"\n# " + CANARY.encode())
        path.chmod(0o600)
        environ = {"MEDTRACK_PASSWORD": CANARY, "HOME": folder}
        try:
            config = load(flags={"config": str(path)}, environ=environ, cwd=Path(folder))
        except ConfigError as error:
            shown = f"{error} {error.hint}"
        else:
            shown = repr(config) + repr([(name, str(value)) for name, value in config.values()])
        assert CANARY not in shown


@minute(5_000)
@given(profile=st.fixed_dictionaries(dict.fromkeys(("vhost", "username", "exchange"), WORDS)))
def test_settings_keep_their_text(profile: dict[str, str]) -> None:
    """What YAML's writer wrote is what the configuration holds, whatever it looks like."""
    assume(profile["username"] and profile["exchange"])  # an empty one is refused
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.yaml")
        document = {"default_profile": "x", "profiles": {"x": {"host": "h", **profile}}}
        path.write_text(yaml.safe_dump(document, default_style='"', allow_unicode=False))
        config = load(flags={"config": str(path)}, environ={}, cwd=Path(folder))
        held = config.resolved
        found = (held.vhost.value, held.username.value, held.exchange.value)
        assert found == (profile["vhost"], profile["username"], profile["exchange"])


MUTATIONS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4), ANY_BYTES), max_size=4)


def mutated(content: bytes, mutations: list[tuple[float, int, bytes]]) -> bytes:
    """Change a text at some places."""
    for where, length, piece in mutations:
        at = int(where * len(content))
        content = content[:at] + piece + content[at + length :]
    return content


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.yaml"])
@minute(2_500)
@given(
    content=st.just(encode(event()))
    | EVENTS.map(encode)
    | EVENTS.map(lambda e: yaml.safe_dump(e).encode()),
    mutations=MUTATIONS,
)
def test_event_files(name: str, content: bytes, mutations: list[tuple[float, int, bytes]]) -> None:
    """A spoilt file has its findings inside it, and shows people nothing that steers a terminal."""
    content = mutated(content, mutations)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        found = list(Validated().findings(read_file(path)))
        for each in found:
            check_span(each.span, content)
        ran = validate(path, "--no-color", "--reveal")
        assert ran.code == any(each.is_error for each in found)
        assert steered(ran.out.encode()) == []


RECORDS = st.builds(
    lambda **fields: line_of(delivery(**fields)),
    body=st.binary(max_size=20) | st.just(encode(event())),
    routing_key=TEXT,
    headers=st.dictionaries(TEXT, VALUES, max_size=2),
)


@minute(4_000)
@given(lines=st.lists(RECORDS, min_size=1, max_size=3), mutations=MUTATIONS)
def test_recordings(lines: list[str], mutations: list[tuple[float, int, bytes]]) -> None:
    """A whole recording is read whole; a spoilt one is read as far as it goes, then refused."""
    content = "\n".join(lines).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.ndjson")
        path.write_bytes(mutated(content, mutations))
        refused = None
        read: list[Recorded] = []
        try:
            read.extend(recorded(unwrap(read_file(path)), SystemClock().now()))
        except NotARecording as error:
            refused = error
    assert refused is None or refused.subject.startswith(f"{path}:")
    if not mutations:
        assert refused is None
        assert [line_of(each.delivery) for each in read] == lines


@minute(30_000)
@given(
    ANY_TEXT | st.lists(st.text(max_size=3) | st.sampled_from([*HOSTILE, *FRIENDLY])).map("".join)
)
def test_safe_text(text: str) -> None:
    """Nothing that steers is left, twice is once, and what was escaped can be told."""
    shown = safe_text(text)
    assert steered(shown.encode()) == []
    assert safe_text(shown) == shown
    assert shown != text or "\n" not in text


@minute(2_000)
@given(
    arguments=st.lists(
        st.sampled_from(
            [
                "validate",
                "config",
                "show",
                "schema",
                "list",
                "path",
                "-v",
                "-q",
                "--config",
                "--as",
                "-o",
                "json",
                "--",
                "-",
            ]
        )
        | st.text(max_size=6),
        max_size=5,
    )
)
def test_command_lines(arguments: list[str]) -> None:
    """Any words typed end in an exit code of the contract, and no bug."""
    with tempfile.TemporaryDirectory() as folder:
        ran = run(*arguments, folder=Path(folder))
        assert ran.code in {0, 1, 2, 65, 66, 73, 78}
        assert steered(ran.err.encode("utf-8", "backslashreplace")) == []
