"""The rules of `topology lint`."""

from medtrack_cli.core.explanations.explanation import Explanation
from medtrack_cli.core.topology.lint_rules import TopologyRule

TOPOLOGY_RULES: dict[TopologyRule, Explanation] = {
    TopologyRule.QUEUE_WITHOUT_CONSUMER: Explanation(
        "A queue gets events, but has no consumer.",
        "Its service is down, reads another queue, or has gone for good. Only a broker knows "
        "consumers: definitions in a file have none. Dead letters and streams may wait.",
        "Start the service; delete the queue if nobody needs it any more.",
        "consumers: 0",
        "consumers: 1",
    ),
    TopologyRule.UNBOUND_QUEUE: Explanation(
        "A queue has no binding, and no dead letters reach it.",
        "It gets only what is sent by its name through the default exchange. Often its binding "
        "was lost when somebody declared it again.",
        "Bind it to an exchange, or delete it.",
        "a queue that is no binding's destination",
        '{"source": "medtrack.events", "destination": "comm.events", "routing_key": "student.#"}',
    ),
    TopologyRule.TYPE_NOBODY_HEARS: Explanation(
        "An event type reaches no queue.",
        "RabbitMQ returns such an event to a publisher that asks for that, as medtrack does, and "
        "drops it in silence for all others.",
        "Bind a queue to the event type; `medtrack route TYPE` says which bindings just miss it.",
        '{"routing_key": "student.create"}',
        '{"routing_key": "student.created"}',
    ),
    TopologyRule.BINDING_MATCHES_NO_TYPE: Explanation(
        "A binding of the event exchange matches no event type.",
        "A typing error, wildcards of another system (`student*`, `student.>`), or a type of "
        "your own whose schema isn't in the `schemas` folders.",
        "Correct the pattern: * is one whole word, # any number of them.",
        '{"routing_key": "student*"}',
        '{"routing_key": "student.*"}',
    ),
    TopologyRule.DUPLICATE_BINDING: Explanation(
        "A binding passes on only what another one does.",
        "A queue gets a message once, however many of its bindings match. When somebody removes "
        "one to stop the events, they still come through the other.",
        "Remove the narrower one.",
        "student.# and student.created to the same queue",
        "student.#",
    ),
    TopologyRule.MISSING_DEAD_LETTER: Explanation(
        "A queue of events has no dead-letter exchange.",
        "What its consumer rejects, and what exceeds its limits, is dropped, and nobody can look "
        "at it or send it again.",
        "Set x-dead-letter-exchange, or dead-letter-exchange in a policy.",
        '{"arguments": {}}',
        '{"arguments": {"x-dead-letter-exchange": "medtrack.dead"}}',
    ),
    TopologyRule.DEAD_LETTER_ROUTES_NOWHERE: Explanation(
        "Dead letters of a queue reach no queue.",
        "Their exchange doesn't exist, or nothing is bound to it for the key they have: the one "
        "they came with, unless x-dead-letter-routing-key names another. RabbitMQ drops them.",
        "Declare the exchange, and bind a queue to it with #.",
        '{"x-dead-letter-exchange": "medtrack.daed"}',
        '{"x-dead-letter-exchange": "medtrack.dead"}',
    ),
    TopologyRule.DEAD_LETTER_CIRCLE: Explanation(
        "Dead letters of a queue come back to it.",
        "If all queues of the circle expire their messages, RabbitMQ drops a message when it "
        "comes round; if none does, a rejected message goes round for ever, at full speed. "
        "A circle in which a message waits once before a retry is no finding.",
        "Route them to a queue of their own; to retry later, give that queue x-message-ttl.",
        '{"name": "q", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q"}',
        '{"name": "q", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q.dead"}',
    ),
    TopologyRule.UNBOUNDED_QUEUE: Explanation(
        "A queue of events has no bound.",
        "When its consumer is down it grows until the disk alarm blocks every publisher of the "
        "broker.",
        "Set max-length or max-length-bytes, best in a policy (overflow: reject-publish or "
        "drop-head); for a stream max-length-bytes or max-age.",
        '{"arguments": {}}',
        '{"arguments": {"x-max-length": 100000}}',
    ),
    TopologyRule.EXPIRING_WITHOUT_DEAD_LETTER: Explanation(
        "Messages of a queue expire, and go nowhere.",
        "After message-ttl they are dropped, read or not, and nothing says so.",
        "Set a dead-letter exchange, or no message-ttl.",
        '{"x-message-ttl": 60000}',
        '{"x-message-ttl": 60000, "x-dead-letter-exchange": "medtrack.dead"}',
    ),
    TopologyRule.TRANSIENT_QUEUE: Explanation(
        "A queue is not durable, and not exclusive.",
        "It is lost, with all it holds, when the broker restarts. RabbitMQ 4.3 refuses to declare "
        "one by default.",
        "Declare it durable, or exclusive.",
        '{"durable": false}',
        '{"durable": true}',
    ),
    TopologyRule.REMOVED_ARGUMENT: Explanation(
        "An argument or a policy uses what RabbitMQ no longer has.",
        "It does nothing any more, or a newer RabbitMQ refuses the queue: after an upgrade its "
        "service doesn't start.",
        "Leave it out where the queue is declared. A queue's arguments can't be changed: it has "
        "to be declared again, with another name or after it was deleted.",
        '{"x-queue-mode": "lazy"}',
        "{}",
    ),
    TopologyRule.MIRRORED_POLICY: Explanation(
        "A policy mirrors classic queues.",
        "RabbitMQ 4.0 has no mirrored queues: after the upgrade each has one copy, and is lost "
        "with its node.",
        "Make them quorum queues, and take the ha- keys out of the policy.",
        '{"definition": {"ha-mode": "all"}}',
        '{"x-queue-type": "quorum"}',
    ),
    TopologyRule.POLICY_MATCHES_NOTHING: Explanation(
        "A policy's pattern matches no queue and no exchange.",
        "The policy's settings apply to nothing: a typing error, or its queues are "
        "gone, or of another kind than apply-to says.",
        "Correct the pattern (a regular expression) or apply-to, or delete the policy.",
        '{"pattern": "^comm\\\\.event$"}',
        '{"pattern": "^comm\\\\.events$"}',
    ),
    TopologyRule.STREAM_ON_EVENT_EXCHANGE: Explanation(
        "A stream gets events.",
        "RabbitMQ can't write every header into a stream: a decimal, and before newer versions "
        "other types, end the publisher's connection. A stream also drops header "
        "tables and arrays silently.",
        "Know what your publishers put into headers; archive from a queue instead.",
        '{"x-queue-type": "stream"}',
        '{"x-queue-type": "quorum"}',
    ),
}
