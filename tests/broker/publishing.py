"""Publishing with the tool's own publisher, and what became of each message."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import PublishPolicy, Stop
from medtrack_cli.errors import MedtrackError
from medtrack_cli.world import World


class Published(NamedTuple):
    """The receipts in the order given, what was noted, and the error that ended it."""

    receipts: list[Receipt]
    notes: list[str]
    error: MedtrackError | None

    def positions(self, outcome: Outcome) -> list[int]:
        """List the positions of one outcome."""
        return sorted(each.position for each in self.receipts if each.outcome is outcome)


def publish(
    settings: ConnectionSettings,
    messages: Iterable[Message | Receipt],
    stop: Stop | None = None,
    **policy: Any,
) -> Published:
    """Publish to the end, whatever it is."""
    published = Published([], [], None)
    publisher = World().open_publisher(
        settings, PublishPolicy(**policy), published.notes.append, stop or Stop()
    )
    try:
        with publisher:
            for receipt in publisher.publish(messages):
                published.receipts.append(receipt)
    except MedtrackError as error:
        return published._replace(error=error)
    return published
