"""A channel that passes on all deliveries."""

from typing import Any

from pika.channel import Channel


class WholeChannel(Channel):
    """Also passes on what was on its way when its consumer was cancelled.

    pika rejects that: a stream closes the connection for it, and a quorum queue drops a message
    that has no delivery left.
    """

    def _on_deliver(self, method_frame: Any, header_frame: Any, body: bytes) -> None:  # noqa: ANN401 -- pika's frames
        own: Any = self
        consumers = own._consumers  # noqa: SLF001 -- no public place for it
        if arrived := consumers.get(method_frame.method.consumer_tag):
            arrived(self, method_frame.method, header_frame.properties, body)
