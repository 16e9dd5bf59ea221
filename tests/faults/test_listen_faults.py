"""Listening through faults: said with start and end, and heard again afterwards."""

import json
import signal

from medtrack_cli.broker import private
from medtrack_cli.broker.private import EXCHANGE, PrivateBroker
from tests.broker.witness import client
from tests.cli.tool import Running, Tool
from tests.faults.breaking import kill, restart
from tests.faults.proxy import Proxy


def say(broker: PrivateBroker, key: str) -> None:
    """Publish a message that only its routing key tells from others."""
    with client(broker.amqp_url) as channel:
        channel.basic_publish(EXCHANGE, key, b"{}")


def check_story(running: Running, broker: PrivateBroker) -> None:
    """The interruption was told with start and end, and what came after it was heard."""
    running.await_text('"resumed"', 60)
    say(broker, "after.it")
    running.await_text("after.it", stream="out")
    running.signal(signal.SIGTERM)
    ran = running.end()
    assert ran.code == 143
    told = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    kinds = [each["kind"] for each in told]
    assert kinds == ["listening", "interrupted", "resumed", "listened"]
    _, interrupted, resumed, listened = told
    assert interrupted["reason"]
    assert interrupted["since"] <= resumed["since"] < resumed["until"]
    assert resumed["may_have_missed"] is True
    assert (listened["interruptions"], listened["received"]) == (1, 2)


def test_a_cut_connection_is_told_and_regained(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A lost connection is shown with its start and end, and listening goes on."""
    with Proxy(fragile_broker.amqp_port) as proxy:
        running = away.listen("--url", proxy.through(fragile_broker.amqp_url))
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        proxy.cut()
        assert proxy.faults == 1
        check_story(running, fragile_broker)


def test_a_killed_broker_is_told_and_regained(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A broker killed and restarted is an interruption; listening goes on."""
    running = away.listen()
    say(fragile_broker, "before.it")
    running.await_text("before.it", stream="out")
    kill(fragile_broker)
    restart(fragile_broker)
    check_story(running, fragile_broker)


def test_ctrl_c_ends_the_search_for_a_broker(away: Tool, fragile_broker: PrivateBroker) -> None:
    """While a lost connection is sought, Ctrl-C ends listening at once with 130."""
    with Proxy(fragile_broker.amqp_port) as proxy:
        running = away.listen("--url", proxy.through(fragile_broker.amqp_url))
        proxy.close()
    running.await_text("interrupted")
    running.signal(signal.SIGINT)
    ran = running.end(5)
    assert ran.code == 130
    assert '"listened"' in ran.err


def test_a_deleted_queue_is_told_and_replaced(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A tap whose queue the broker deletes is an interruption; a new one goes on hearing."""
    running = away.listen()
    say(fragile_broker, "before.it")
    running.await_text("before.it", stream="out")
    queue = json.loads(running.err.splitlines()[-1])["queue"]
    private.rabbitmqctl(fragile_broker, "delete_queue", queue)
    running.await_text("deleted")
    check_story(running, fragile_broker)
    assert "medtrack.tap" not in private.rabbitmqctl(fragile_broker, "list_queues", "name")
