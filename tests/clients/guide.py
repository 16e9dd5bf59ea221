"""The integration guide's own examples, read from its text."""

import re

from tests.broker.witness import settings_of
from tests.conftest import Broker
from tests.project.pages import ROOT, blocks

GUIDE = ROOT / "tests/data/integration-guide.md.txt"


def example(kind: str, holding: str) -> str:
    """Give the one example in a language that holds a text, as it is written."""
    found = [text for more, text in blocks(GUIDE.read_text("utf-8"), kind) if not more]
    (text,) = (each for each in found if holding in each)
    return text


def readdressed(text: str, broker: Broker, api: str = "") -> str:
    """Put a broker's address and login in the place of the guide's."""
    settings = settings_of(broker.amqp_url)
    login = {"admin": settings.username, "password": settings.password.reveal()}
    port = str(settings.hosts[0].port)
    text = text.replace("http://rabbitmq.medtrack.com:15672", api)
    text = text.replace("admin:password", ":".join(login.values()))
    text = re.sub(r"""(['"])(admin|password)\1""", lambda it: f"{it[1]}{login[it[2]]}{it[1]}", text)
    return text.replace("rabbitmq.medtrack.com", settings.hosts[0].name).replace("5672", port)
