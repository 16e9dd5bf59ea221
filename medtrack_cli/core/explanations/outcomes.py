"""The verdicts of receipts."""

from medtrack_cli.core.explanations.explanation import Explanation
from medtrack_cli.core.messages import Outcome

OUTCOMES: dict[Outcome, Explanation] = {
    Outcome.CONFIRMED: Explanation(
        "The broker has taken responsibility for the event.",
        "It has answered that every queue bound at that moment has it. It survives a restart of "
        "the broker; whether a service has read it yet is not known.",
        "Nothing: it is done.",
    ),
    Outcome.UNROUTABLE: Explanation(
        "No queue matched the event: the broker has returned it.",
        "No queue is bound to its routing key: the services that read it have never been started "
        "on this broker, the exchange or vhost isn't theirs, or nobody reads this type.",
        "Check --exchange and --vhost; run `medtrack listen` in another terminal to have a queue. "
        "If nobody needs to read it, --allow-unroutable counts it as done.",
    ),
    Outcome.REFUSED: Explanation(
        "The broker refused the event.",
        "A queue is full and rejects more, a queue has no leader for longer than --retry-for, the "
        "event is too large, the user may not write with this key, or the exchange is missing. "
        "If several queues are bound, others may have it.",
        "The receipt's reason quotes the broker: `medtrack explain` knows its code.",
    ),
    Outcome.UNKNOWN: Explanation(
        "The event was sent, and no answer came: it may have arrived or not.",
        "The connection was lost and not regained in time, --timeout ran out, or the run was "
        "stopped while the event was in flight.",
        "Send it again if consumers recognise an event they have seen by its message id, which "
        "--checkpoint keeps the same; else look into the queues first.",
    ),
    Outcome.INVALID: Explanation(
        "The event has findings and was not sent.",
        "It breaks a rule of its type.",
        "Correct what its findings name. --keep-going sends the valid ones around it, "
        "--no-validate sends it as it is.",
    ),
    Outcome.UNSENT: Explanation(
        "The event was never sent: the run ended before its turn.",
        "Something before it ended the run: an invalid event, a refused exchange or permission, "
        "a lost broker, a time that ran out, a signal.",
        "Fix what the run's error names and run it again, with --checkpoint from where it stopped.",
    ),
}
