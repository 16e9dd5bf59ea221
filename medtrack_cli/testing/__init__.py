"""What the pytest plugin's fixtures give; tests name these types."""

from medtrack_cli.testing.broker import Broker
from medtrack_cli.testing.event import Event
from medtrack_cli.testing.inbox import Where
from medtrack_cli.testing.publish import Publish
from medtrack_cli.testing.services import Reaction, Services, StandIns
from medtrack_cli.testing.tap import Tap

__all__ = ["Broker", "Event", "Publish", "Reaction", "Services", "StandIns", "Tap", "Where"]
