"""A terminal that takes no output, and a connection that is lost meanwhile."""

import time

from medtrack_cli.private_broker import PrivateBroker
from tests.cli.tool import Tool
from tests.faults.listening import say
from tests.faults.proxy import Proxy
from tests.listen.terminal import Terminal


def test_a_terminal_that_hangs_keeps_no_lost_connection_lost(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """While it takes no output, a lost connection is regained, and events are recorded."""
    recording = away.folder / "all.ndjson"

    def recorded(key: str) -> bool:
        return f'"routing_key":"{key}"' in recording.read_text()

    with Proxy(fragile_broker.amqp_port) as proxy:
        url = proxy.through(fragile_broker.amqp_url)
        command = ("listen", "--url", url, "--record", "all.ndjson")
        with Terminal(away, *command, width=300) as terminal:
            terminal.await_ready()
            terminal.hang()
            say(fragile_broker, *(f"filling.it.{number}" for number in range(2000)))
            terminal.wait(lambda: recorded("filling.it.1999"))
            time.sleep(2)  # the block is drawn on, into what the terminal has room for
            proxy.cut()
            terminal.wait(lambda: proxy.connections == 2)
            time.sleep(1)
            say(fragile_broker, "after.it")
            terminal.wait(lambda: recorded("after.it"))
            terminal.go_on()
            terminal.await_text("1 gap (")
            terminal.type("q")
            assert terminal.end() == 0
        assert proxy.faults == 1
