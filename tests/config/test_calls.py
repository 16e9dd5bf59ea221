"""What knowing the broker costs."""

import sys
from types import FrameType
from typing import TYPE_CHECKING

from medtrack_cli.core.connection_settings import Secret

if TYPE_CHECKING:
    from tests.config.conftest import Machine

MOST = 150
URL = "amqp://u:p@broker.example:5672/%2F"


def test_a_url_leads_to_the_connection_in_few_calls(machine: "Machine") -> None:
    """With nothing but MEDTRACK_URL the settings are known after 150 calls, its text read once."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and "/medtrack_cli/" in frame.f_code.co_filename:
            calls.append(frame.f_code.co_qualname)

    machine.load(environ={"MEDTRACK_URL": URL}).connection()  # what is imported late is there now
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        settings = machine.load(environ={"MEDTRACK_URL": URL}).connection()
    finally:
        sys.setprofile(before)
    assert (settings.username, settings.password) == ("u", Secret("p"))
    assert len(calls) <= MOST, len(calls)
    assert calls.count("parse_url") == 1
    assert calls.count("Secret.__init__") == 1
