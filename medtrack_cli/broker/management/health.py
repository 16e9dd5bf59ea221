"""The requests of `core.doctor` to the management API."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from medtrack_cli.broker.management.client import Questions, Unanswered, as_rabbitmq_writes, path
from medtrack_cli.broker.management.topology import read_topology
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.doctor.ports import Overview
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.topology.model import Topology

_ALARMS = {"mem_alarm": "memory", "disk_free_alarm": "disk"}


class Health:
    """The management API, asked about the broker's health; see `Management` there."""

    def __init__(self, settings: ConnectionSettings, stop: Stop) -> None:
        self._settings = settings
        self._stop = stop

    def overview(self, seconds: float) -> Overview:
        with self._asking(seconds) as questions:
            told = questions.ask("overview?columns=rabbitmq_version")
            return Overview(str(told["rabbitmq_version"]), questions.told_at)

    def exchange(self, seconds: float) -> tuple[str, bool]:
        where = path("exchanges", self._settings.vhost, self._settings.exchange)
        with self._asking(seconds) as questions:
            row = questions.ask(f"{where}?columns=type,durable,arguments")
            kind = row["arguments"].get("x-delayed-type") or row["type"]
            return str(kind), bool(row["durable"])

    def alarms(self, seconds: float) -> Sequence[str]:
        with self._asking(seconds) as questions:
            nodes = questions.ask(f"nodes?columns=name,{','.join(_ALARMS)}")
            return [
                f"{what} of {node['name']}"
                for node in nodes
                for alarm, what in _ALARMS.items()
                if node.get(alarm)
            ]

    def topology(self, seconds: float) -> Topology:
        with self._asking(seconds):
            return read_topology(self._settings, seconds, with_queues=True)

    def deprecated(self, seconds: float) -> Sequence[str] | None:
        with self._asking(seconds) as questions:
            try:
                return [str(each["name"]) for each in questions.ask("deprecated-features/used")]
            except Unanswered as why:
                if why.status == 404:  # before RabbitMQ 3.13
                    return None
                raise

    @contextmanager
    def _asking(self, seconds: float) -> Iterator[Questions]:
        """Turn a missing answer into the error of a command that needs one."""
        try:
            with as_rabbitmq_writes():
                yield Questions(self._settings, seconds, self._stop)
        except Unanswered as why:
            raise why.fatal(self._settings) from None
