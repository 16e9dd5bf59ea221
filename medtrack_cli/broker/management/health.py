"""The requests of `core.doctor` to the management API."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import quote

from medtrack_cli.broker.management.client import Questions, Unanswered
from medtrack_cli.broker.management.topology import read_topology
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.doctor.ports import Overview
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.topology.model import Topology

T = TypeVar("T")
_ALARMS = {"mem_alarm": "memory", "disk_free_alarm": "disk"}
_STRANGE = "gave an answer that isn't RabbitMQ's"


class Health:
    """The management API, asked about the broker's health; see `Management` there."""

    def __init__(self, settings: ConnectionSettings, stop: Stop) -> None:
        self._settings = settings
        self._stop = stop
        self._vhost = quote(settings.vhost, safe="")

    def overview(self, seconds: float) -> Overview:
        def read(questions: Questions) -> Overview:
            told = questions.ask("overview?columns=rabbitmq_version")
            return Overview(str(told["rabbitmq_version"]), questions.told_at)

        return self._asked(seconds, read)

    def exchange(self, seconds: float) -> tuple[str, bool]:
        path = f"exchanges/{self._vhost}/{quote(self._settings.exchange, safe='')}"

        def read(questions: Questions) -> tuple[str, bool]:
            row = questions.ask(f"{path}?columns=type,durable,arguments")
            kind = row["arguments"].get("x-delayed-type") or row["type"]
            return str(kind), bool(row["durable"])

        return self._asked(seconds, read)

    def alarms(self, seconds: float) -> Sequence[str]:
        def read(questions: Questions) -> Sequence[str]:
            nodes = questions.ask(f"nodes?columns=name,{','.join(_ALARMS)}")
            return [
                f"{what} of {node['name']}"
                for node in nodes
                for alarm, what in _ALARMS.items()
                if node.get(alarm)
            ]

        return self._asked(seconds, read)

    def topology(self, seconds: float) -> Topology:
        return self._asked(
            seconds, lambda _: read_topology(self._settings, seconds, with_queues=True)
        )

    def deprecated(self, seconds: float) -> Sequence[str] | None:
        def read(questions: Questions) -> Sequence[str] | None:
            try:
                return [str(each["name"]) for each in questions.ask("deprecated-features/used")]
            except Unanswered as why:
                if why.status == 404:  # before RabbitMQ 3.13
                    return None
                raise

        return self._asked(seconds, read)

    def _asked(self, seconds: float, read: Callable[[Questions], T]) -> T:
        """Ask, and turn a missing answer into the error of a command that needs one."""
        try:
            return read(Questions(self._settings, seconds, self._stop))
        except Unanswered as why:
            raise why.fatal(self._settings) from None
        except (TypeError, KeyError, AttributeError):
            raise Unanswered(_STRANGE).fatal(self._settings) from None
