"""One reading of a management URL: the host that is judged is the one that is asked."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medtrack_cli.broker.management import client
from medtrack_cli.config.url import is_loopback, parse_web_address
from medtrack_cli.errors import ConfigError
from tests.broker.certificates import raw_server
from tests.broker.witness import settings_of

REFUSED = [
    *(
        "http:127.0.0.1",
        "http:///127.0.0.1",
        "//127.0.0.1",
        "ftp://h",
        "http\u017f://h",
        " http://h",
    ),
    *(
        "http://h\n",
        "http://h\t",
        "http://lo\tcalhost",
        "http://\\h",
        "http://h\\@localhost",
        "http://",
    ),
    *(
        "http://a@localhost",
        "http://localhost@h",
        "http://h?x",
        "http://h#x",
        "http://h/?",
        "http://h/#",
    ),
    *(
        "http://[::1]evil",
        "http://evil[::1]",
        "http://[::1]:1:2",
        "http://[::1",
        "http://::1",
        "http://[]",
    ),
    *(
        "http://[::1%25lo]",
        "http://[::1%lo]",
        "http://[127.0.0.1]",
        "http://[localhost]",
        "http://[v1.a]",
    ),
    *("http://127%2e0.0.1", "http://%6cocalhost", "http://%5b::1%5d", "http://localhost%00.evil"),
    *(
        "http://127\u30020\u30020\u30021",
        "http://localhost\uff0eevil",
        "http://\u24dbocalhost",
        "http://LOCALHO\u017fT",
        "http://\u0131",
    ),
    *(
        "http://h:0",
        "http://h:65536",
        "http://h:-1",
        "http://h:+1",
        "http://h:1 ",
        "http://h:\u2460",
        "http://:1",
    ),
    *(
        "http://h/a b",
        "http://h/%2e%2e",
        "http://h/\\x",
        "http://h/;x",
        "http://h/\u00e9",
        "http://.h",
        "http://-h",
    ),
]
READ = {
    "http://localhost": ("localhost", 80, True),
    "HTTPS://LOCALHOST:15671/": ("LOCALHOST", 15671, True),
    "https://localhost": ("localhost", 443, True),
    "http://[::1]": ("::1", 80, True),
    "http://[::1]:15672/rabbit/": ("::1", 15672, True),
    "http://[0:0:0:0:0:0:0:1]:1": ("0:0:0:0:0:0:0:1", 1, True),
    "http://127.0.0.1:": ("127.0.0.1", 80, True),
    "http://127.9.9.9:1": ("127.9.9.9", 1, True),
    "http://localhost.evil:1": ("localhost.evil", 1, False),
    "http://127.0.0.1.evil": ("127.0.0.1.evil", 80, False),
    "http://0177.0.0.1": ("0177.0.0.1", 80, False),
    "http://0x7f000001": ("0x7f000001", 80, False),
    "http://2130706433": ("2130706433", 80, False),
    "http://127.1": ("127.1", 80, False),
    "http://0.0.0.0": ("0.0.0.0", 80, False),
    "http://xn--lcalhost-54a": ("xn--lcalhost-54a", 80, False),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_two_readers_may_read_differently_is_refused(text: str) -> None:
    """No trick of other readers of URLs gets through, and the error quotes none of it."""
    with pytest.raises(ConfigError) as caught:
        parse_web_address(text, "line 1")

    assert caught.value.subject == "line 1"


@pytest.mark.parametrize(("text", "read"), READ.items())
def test_the_judged_host_is_asked(text: str, read: tuple[str, int, bool]) -> None:
    """What is read as the host is what is judged, and what the HTTP client connects to."""
    address = parse_web_address(text, "test")
    assert (address.host, address.port or address.at.port, is_loopback(address.host)) == read
    assert connected_to(text) == (read[0].lower(), read[1])


@settings(deadline=None)  # the machine may be busy
@given(st.text("lochst12.7:0[]@\\/?#%\t-_e\u3002\uff11", max_size=24))
@example("[::1]")
@example("127.0.0.1:1/a")
def test_any_text_has_one_host_or_none(text: str) -> None:
    """Whatever is read as an address is connected to as it was read."""
    try:
        address = parse_web_address(f"http://{text}", "test")
    except ConfigError:
        return
    assert connected_to(f"http://{text}") == (address.host.lower(), address.at.port)
    assert parse_web_address(str(address), "test") == address


def connected_to(text: str) -> tuple[str, int | None]:
    """Tell where the HTTP client would connect."""
    of = settings_of("amqp://u:p@localhost", management_url=text)
    assert of.management_url
    with closing(client.Api(of, 1)) as api:
        connection = api._pool._get_conn()
        return connection._dns_host, connection.port  # type: ignore[attr-defined]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "[::1]", "localhost"])
def test_only_the_named_machine_hears_it(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request arrives where the URL says, with its path, whatever proxies are set."""
    with raw_server(lambda *_: None) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with (
            socket.create_server((host.strip("[]"), 0), family=family) as server,
            ThreadPoolExecutor(1) as background,
        ):
            server.settimeout(10)
            port = server.getsockname()[1]
            of = settings_of("amqp://u:p@h", management_url=f"http://{host}:{port}/rabbit/")
            asked = background.submit(client.names, of, "vhosts")
            peer, _ = server.accept()
            with peer:
                said = peer.recv(65536)
                peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n[{"name": "v"}]')
            assert asked.result(10) == ("v",)
    assert said.startswith(b"GET /rabbit/api/vhosts?columns=name HTTP/1.1\r\n")
    assert f"\r\nhost: {host}:{port}\r\n".encode() in said.lower()
    assert proxy.clients == 0
