"""A process that is forked is as one that Python has started."""

import signal

import pytest

from tests.cli.tool import COMMAND, Tool


@pytest.mark.parametrize(
    "arguments", [("explain", "nothing", "-o", "json"), ("config", "show"), ("--no-such",)]
)
def test_it_says_and_ends_the_same(tool: Tool, arguments: tuple[str, ...]) -> None:
    """Both print the same to both streams, and end with the same code."""
    forked = tool.start(*arguments, MEDTRACK_EXCHANGE="there").end()
    started = tool.start(*arguments, command=[*COMMAND], MEDTRACK_EXCHANGE="there").end()

    assert forked == started
    assert forked.out + forked.err


def test_a_signal_ends_it(tool: Tool) -> None:
    """One that is killed is told from one that goes on to its end."""
    killed, kept = (tool.start("validate", "-", piped=True) for _ in range(2))
    killed.process.kill()

    assert killed.process.wait(10) == -signal.SIGKILL
    assert kept.process.poll() is None
    assert kept.end().code == tool.run("validate", "-").code
