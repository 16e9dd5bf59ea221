"""A cluster of three RabbitMQ nodes on loopback: killed, started again, parted from each other."""

import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

from medtrack_cli import private_broker as private
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker, rabbitmq
from medtrack_cli.private_broker import node as private_node
from medtrack_cli.private_broker.server import Server
from tests.broker.witness import client, settings_of
from tests.faults.breaking import await_true, evaluate, kill

# A node that is alone pauses, and takes part again by itself.
_CONF = "cluster_partition_handling = pause_minority\n"
_START_SECONDS = 90
_TRUST = "erlang:set_cookie(Peer, erlang:get_cookie())"


class Cluster:
    """Three nodes, numbered from 0. They share a cookie and the epmd that the first one started."""

    def __init__(self, folder: Path) -> None:
        self._folders = [folder / str(number) for number in range(3)]

    def settings(self, *order: int) -> ConnectionSettings:
        """Give the settings with these nodes as hosts, in this order; all of them if none."""
        hosts = [settings_of(self.node_url(number)).hosts[0] for number in order or range(3)]
        return replace(settings_of(self.node_url(0)), hosts=tuple(hosts))

    def node_url(self, number: int) -> str:
        """Give the URL of one node, which may be down."""
        return f"amqp://admin:password@127.0.0.1:{self._node(number).amqp_port}/%2F"

    def node(self, number: int) -> PrivateBroker:
        """Give one node as it runs now."""
        running = private.status(self._folders[number])
        assert running, f"node {number} is down"
        return running

    def kill(self, number: int) -> None:
        """Kill a node with -9."""
        kill(self.node(number))
        await_true(lambda: private.status(self._folders[number]) is None)

    def start(self, number: int) -> PrivateBroker:
        """Start a node, unless it runs, and wait until it greets."""
        folder, node = self._folders[number], self._node(number)
        server = Server(node, folder)
        if not server.runs():
            server.launch(os.environ, print)
        until = time.monotonic() + _START_SECONDS
        while node.version(patience=1) is None:
            assert server.runs(), server.last_lines()[-20:]
            assert time.monotonic() < until, server.last_lines()[-20:]
            time.sleep(0.1)
        return self.node(number)

    def heal(self) -> None:
        """Bring back whatever a test has left of it."""
        for number in range(3):
            self.start(number)
        await_true(lambda: all(self.peers(number) == 2 for number in range(3)), _START_SECONDS)

    def peers(self, number: int) -> int:
        """Count the nodes that a node is connected to and that run RabbitMQ, in its opinion."""
        return int(evaluate(self.node(number), "length(rabbit_nodes:all_running()) - 1."))

    @contextmanager
    def parted(self, number: int, *others: int) -> Iterator[None]:
        """Part a node from others (from both, if none is named), as a broken cable does.

        Each side is given a wrong cookie of its own for the other: no connection can be made.
        """
        others = others or tuple({0, 1, 2} - {number})
        try:
            for other in others:
                self._each(other, [number], f"erlang:set_cookie(Peer, wrong{other})")
            cut = f"erlang:set_cookie(Peer, wrong{number}), erlang:disconnect_node(Peer)"
            self._each(number, others, cut)  # at once: RabbitMQ makes a whole part of a half one
            for other in others:
                assert "pang" in self._each(other, [number], "net_adm:ping(Peer)")
                assert "pang" in self._each(number, [other], "net_adm:ping(Peer)")
            yield
        finally:
            for other in others:
                self._each(other, [number], _TRUST)
            self._each(number, others, _TRUST)

    def leader(self, queue: str) -> int:
        """Tell which node a queue's leader is on, or a classic queue itself, asked at any node."""
        name = f'rabbit_misc:r(<<"/">>, queue, <<"{queue}">>)'
        ask = (
            f"{{ok, Q}} = rabbit_amqqueue:lookup({name}), "
            "case amqqueue:get_pid(Q) of {_, Node} -> Node; Pid -> node(Pid) end."
        )
        return self._number(evaluate(self._any(), ask))

    def _each(self, number: int, peers: Iterable[int], do: str) -> str:
        """Let a node do something, in Erlang, for each Peer; skipped while it is down."""
        running = private.status(self._folders[number])
        if running is None:
            return ""
        names = ", ".join(f"'{self._node(peer).name}'" for peer in peers)
        return evaluate(running, f"[begin {do} end || Peer <- [{names}]].")

    def _node(self, number: int) -> private_node.Node:
        node = private_node.load(self._folders[number])
        assert node
        return node

    def _any(self) -> PrivateBroker:
        running = (private.status(folder) for folder in self._folders)
        return next(each for each in running if each and each.ready)

    def _number(self, name: str) -> int:
        names = [self._node(number).name for number in range(3)]
        return names.index(name.strip().strip("'"))


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Start three nodes, join them, and leave nothing of them behind."""
    _prepare(folder)
    cluster = Cluster(folder)
    try:
        cluster.start(0)  # its epmd is everybody's
        with ThreadPoolExecutor() as pool:
            list(pool.map(cluster.start, (1, 2)))
        first = private_node.load(folder / "0")
        assert first
        for number in (1, 2):
            for words in (["stop_app"], ["reset"], ["join_cluster", first.name], ["start_app"]):
                private.rabbitmqctl(cluster.node(number), *words)
        cluster.heal()
        with client(cluster.node_url(0)) as channel:
            channel.exchange_declare(EXCHANGE, "topic", durable=True)
        yield cluster
    finally:
        for number in (2, 1, 0):
            private.stop(folder / str(number), erase=True)


def _prepare(folder: Path) -> None:
    """Lay out three folders: what `private` makes of each, with one cookie and one epmd."""
    server = rabbitmq.find_server(os.environ)
    assert server, "the suite's brokers are installed by the tests of one node"
    cookie = token_hex(24)
    epmd_port = None
    for number in range(3):
        own = folder / str(number)
        (own / "home").mkdir(parents=True)
        (own / "conf.d").mkdir()
        (own / "conf.d" / "cluster.conf").write_text(_CONF)
        (own / "home" / ".erlang.cookie").write_text(cookie)
        (own / "home" / ".erlang.cookie").chmod(0o600)
        found = rabbitmq.Installation(rabbitmq.Kind.SERVER, server)
        node = private_node.prepare(found, None)
        epmd_port = epmd_port or node.epmd_port
        private_node.save(replace(node, epmd_port=epmd_port), own)
