"""The codes with which a broker closes a channel or a connection, or returns a message.

https://www.rabbitmq.com/amqp-0-9-1-reference#constants
"""

from medtrack_cli.core.explanations.explanation import Explanation

REPLY_CODES: dict[int, Explanation] = {
    311: Explanation(
        "CONTENT_TOO_LARGE: the message is larger than the broker accepts.",
        "The broker's `max_message_size` is lower than the body; RabbitMQ itself uses 406 for it.",
        "Send a reference to the data, or have the limit raised.",
    ),
    312: Explanation(
        "NO_ROUTE: no queue is bound to the routing key.",
        "medtrack publishes mandatory, so the broker returns what no queue matches. The receipt "
        "is `unroutable`.",
        "See `medtrack explain unroutable`.",
    ),
    313: Explanation(
        "NO_CONSUMERS: nobody listens to the queue now.",
        "Only a message that is published immediate can be returned so: RabbitMQ has not taken "
        "that flag since 3.0, and medtrack does not set it.",
        "What answers is another broker, or a proxy: check host and port.",
    ),
    320: Explanation(
        "CONNECTION_FORCED: the broker closed the connection on purpose.",
        "An administrator closed it, the broker shuts down, or its node leaves the cluster.",
        "Nothing: medtrack connects again for --retry-for, and sends again what is unconfirmed.",
    ),
    402: Explanation(
        "INVALID_PATH: the virtual host can't be opened.",
        "In AMQP that is a vhost unknown to the broker; RabbitMQ uses 530.",
        "Check --vhost.",
    ),
    403: Explanation(
        "ACCESS_REFUSED: the user may not do that.",
        "Name or password is wrong, the permission to configure, write or read is missing, or "
        "another consumer uses the queue exclusively.",
        "`medtrack config show` says where name and password come from; the hint has the "
        "`rabbitmqctl` line that grants what is missing.",
    ),
    404: Explanation(
        "NOT_FOUND: the exchange, queue or virtual host does not exist.",
        "Its name or vhost is misspelled, nobody has created it on this broker, or the node that "
        "holds it is down.",
        "Check --exchange and --vhost; `rabbitmqctl list_exchanges -p VHOST` shows what is there.",
    ),
    405: Explanation(
        "RESOURCE_LOCKED: another connection uses the queue exclusively.",
        "An exclusive queue belongs to the connection that declared it, and ends with it.",
        "End the other one, or use another name.",
    ),
    406: Explanation(
        "PRECONDITION_FAILED: it conflicts with what exists, or with a limit.",
        "A queue or exchange is declared with other properties than it has, the message is larger "
        "than `max_message_size`, a `user_id` or an expiration is wrong, a delivery was "
        "acknowledged too late (`consumer_timeout`) or twice.",
        "The broker's text names the argument or the limit: use another name, declare it alike, "
        "or send less.",
    ),
    501: Explanation(
        "FRAME_ERROR: the broker received a broken frame.",
        "A proxy in the way changes bytes, or one side has another `frame_max`.",
        "Connect without the proxy; the broker's log says more.",
    ),
    502: Explanation(
        "SYNTAX_ERROR: a field of a frame has an impossible value.",
        "The two sides write AMQP differently: a header's type, most often.",
        "Try it without the header; the broker's log names the field.",
    ),
    503: Explanation(
        "COMMAND_INVALID: the broker didn't expect that method at this point.",
        "A channel was used that the broker has closed already, or a proxy lost a frame.",
        "Run it again; report it if it comes back.",
    ),
    504: Explanation(
        "CHANNEL_ERROR: the channel is out of step.",
        "A proxy in the way, or the broker's own fault.",
        "Nothing: medtrack connects again; the broker's log says more.",
    ),
    505: Explanation(
        "UNEXPECTED_FRAME: frames came in an impossible order.",
        "A proxy lost or mixed frames.",
        "Connect without the proxy.",
    ),
    506: Explanation(
        "RESOURCE_ERROR: the broker lacks resources.",
        "Memory, disk or descriptors are used up.",
        "`rabbitmq-diagnostics status` shows what it has; medtrack connects again for --retry-for.",
    ),
    530: Explanation(
        "NOT_ALLOWED: the broker doesn't let this connection do that.",
        "The vhost doesn't exist or is closed to the user, a limit of connections or channels is "
        "reached, or the impossible was asked for, such as one consumer's name twice.",
        "Check --vhost; the broker's text says which of them it is.",
    ),
    540: Explanation(
        "NOT_IMPLEMENTED: the broker can't do that.",
        "Its version, or a queue or exchange of that type, doesn't support it: a stream has no "
        "`basic.get`.",
        "Use a queue of another type, or a newer broker.",
    ),
    541: Explanation(
        "INTERNAL_ERROR: the broker failed.",
        "A fault of its own, or of a plugin; an event that causes it each time is found and "
        "refused alone.",
        "The broker's log says more; medtrack connects again for --retry-for.",
    ),
}
