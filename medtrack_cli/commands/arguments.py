"""Texts of the command line that AMQP carries as short strings."""

from medtrack_cli.errors import UsageError

MOST_BYTES = 255
"""Of UTF-8, by AMQP 0-9-1."""


def refuse_bytes(what: str, *texts: str, most: int | None = None) -> None:
    """Refuse what AMQP can't carry as a text: other bytes than UTF-8, more than so many."""
    for text in texts:
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise UsageError(f"{what} is not UTF-8", hint="check the terminal's locale") from None
        if most is not None and size > most:
            raise UsageError(f"{what} is longer than {most} bytes", hint="shorten it")


def refuse_queue_name(option: str, name: str | None) -> None:
    """Refuse what names no queue; an empty name would make the broker choose one."""
    if name is None:
        return
    if not name:
        raise UsageError(f"{option} is empty", hint="give it the name of a queue")
    refuse_bytes(option, name, most=MOST_BYTES)
    if option == "--durable" and name.startswith("amq."):
        hint = "choose a name that doesn't begin with amq."
        raise UsageError("names that begin with amq. are RabbitMQ's own", name, hint=hint)
