"""Completion of queues: what a broker says, and which brokers are never asked."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread

import pytest

from medtrack_cli.private_broker import PrivateBroker
from tests.broker.witness import client
from tests.running import run

# RabbitMQ itself takes line ends out of a name.
HOSTILE = "con $(reboot) `x` 'a' \"b\" c:d=e \x1b[2J"


class Listener:
    """A port of this machine that answers nobody, and counts who came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.came = 0
        self._thread = Thread(target=self._count)
        self._thread.start()

    def _count(self) -> None:
        with ExitStack() as held, suppress(OSError):
            while True:
                held.enter_context(self._socket.accept()[0])
                self.came += 1

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Give a port that sees whether it is dialled."""
    made = Listener()
    yield made
    made.close()


def queues(*before: str, folder: Path, **environ: str) -> str:
    """Complete a queue; give what was answered."""
    typed = [*before, "listen", "--queue", ""]
    ran = run("completion", "zsh", "--", *typed, folder=folder, environ=environ)
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def config(folder: Path, text: str, *, of_user: bool) -> None:
    """Write the user's file, or the project's."""
    path = folder / (".config/medtrack/config.yaml" if of_user else "medtrack.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    path.write_text(text)


def test_queues_of_a_broker(private_broker: PrivateBroker, tmp_path: Path) -> None:
    """The queues of a broker on this machine are words, whatever they are called."""
    where = {
        "MEDTRACK_URL": private_broker.amqp_url,
        "MEDTRACK_MANAGEMENT_URL": private_broker.web_address,
    }
    with client(private_broker.amqp_url) as channel:
        channel.queue_declare(HOSTILE)
        try:
            seen = [queues(folder=tmp_path, **where) for _ in range(3)]  # one may come too late
            peeked = [run("completion", "zsh", "--", "queue", "peek", "", environ=where).out]
        finally:
            channel.queue_delete(HOSTILE)
    assert any(HOSTILE in each.split("\0")[1::2] for each in [*seen, *peeked])
    assert peeked[0] in {*seen, ""}
    bash = run("completion", "bash", "--", "medtrack listen --queue con", "con", environ=where)
    assert "\x1b" not in bash.out


def profile(listener: Listener, more: str = "", host: str = "127.0.0.1") -> str:
    """Write a configuration whose profile leads to the listener."""
    settings = {
        "host": host,
        "management_url": f"http://127.0.0.1:{listener.port}",
        "username": "me",
    }
    lines = "".join(f"    {name}: {json.dumps(text)}\n" for name, text in settings.items())
    return f"profiles:\n  lab:\n{lines}    {more or 'password: secret'}\n"


def test_a_broker_that_hangs_is_left(listener: Listener, tmp_path: Path) -> None:
    """A broker that doesn't answer costs 300 ms, and nothing is said."""
    config(tmp_path, profile(listener), of_user=True)
    queues("--profile", "lab", folder=tmp_path)  # loads what is needed
    started = time.monotonic()
    assert queues("--profile", "lab", folder=tmp_path) == ""
    assert listener.came == 2
    assert time.monotonic() - started < 0.3 + 0.7  # the machine may be busy


def test_the_users_own_file_leads_anywhere(listener: Listener, tmp_path: Path) -> None:
    """A profile of the user's own file is asked wherever it is; no other beyond this machine."""
    config(tmp_path, profile(listener, host="127.1"), of_user=True)
    queues("--profile", "lab", folder=tmp_path)
    assert listener.came == 1
    api = f"http://127.0.0.1:{listener.port}"
    for url in ("amqp://me:secret@127.1", "amqp://me:secret@192.0.2.1"):
        queues(folder=tmp_path, MEDTRACK_URL=url, MEDTRACK_MANAGEMENT_URL=api)
    explicit = tmp_path / "explicit.yaml"
    (tmp_path / ".config/medtrack/config.yaml").rename(explicit)
    queues("--config", str(explicit), "--profile", "lab", folder=tmp_path)
    assert listener.came == 1


@pytest.mark.parametrize(
    "more", ["protected: true\n    password: secret", "password_command: [touch, ran]", "vhost: /"]
)
def test_brokers_that_are_not_asked(listener: Listener, tmp_path: Path, more: str) -> None:
    """Nobody is asked who is protected, or whose password a program or a person would give."""
    config(tmp_path, profile(listener, more), of_user=True)
    assert queues("--profile", "lab", folder=tmp_path) == ""
    assert listener.came == 0
    assert not list(tmp_path.rglob("ran"))


@pytest.mark.parametrize("typed", [["--profile", "lab"], ["--profile", "local"], []])
def test_a_projects_file_leads_nowhere(
    listener: Listener, tmp_path: Path, typed: list[str]
) -> None:
    """What a project's file says is not dialled, not even on this machine, nor what it chooses."""
    config(tmp_path, profile(listener), of_user=True)
    config(tmp_path, "default_profile: lab\n", of_user=False)
    if typed:
        (tmp_path / ".config/medtrack/config.yaml").unlink()
        text = profile(listener).replace("lab:", f"{typed[1]}:")
        config(tmp_path, text, of_user=False)
    assert queues(*typed, folder=tmp_path) == ""
    assert listener.came == 0


def test_a_password_file_that_never_ends(listener: Listener, tmp_path: Path) -> None:
    """A pipe in the place of a password file is left after 300 ms."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    config(tmp_path, profile(listener, f"password_file: {tmp_path}/pipe"), of_user=True)
    assert queues("--profile", "lab", folder=tmp_path) == ""
    assert listener.came == 0
    os.close(os.open(tmp_path / "pipe", os.O_RDWR))  # lets go of who still reads
