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
        "No queue wanted the event: the broker has given it back.",
        "No queue is bound to its routing key: the services that read it have never been started "
        "on this broker, the exchange or vhost is another than theirs, or nobody reads this type.",
        "Check --exchange and --vhost; run `medtrack listen` in another terminal to have a queue. "
        "Where nobody need read it, --allow-unroutable counts it as done.",
    ),
    Outcome.REFUSED: Explanation(
        "The broker said no to the event.",
        "A queue is full and rejects more, a queue has no leader for longer than --retry-for, the "
        "event is too large, the user may not write under this key, or the exchange is missing. "
        "Of several queues, others may have it.",
        "The receipt's reason has the broker's words: `medtrack explain` knows its code.",
    ),
    Outcome.UNKNOWN: Explanation(
        "The event was sent, and no answer came: it may have arrived or not.",
        "The connection was lost and not regained in time, --timeout ran out, or the run was "
        "stopped while the event was under way.",
        "Send it again if consumers know an event that they have seen by its message id, which "
        "--checkpoint keeps the same; else look into the queues first.",
    ),
    Outcome.INVALID: Explanation(
        "The event has findings and was not sent.",
        "It breaks a rule of its type.",
        "Put right what its findings name. --keep-going sends the valid ones around it, "
        "--no-validate sends it as it is.",
    ),
    Outcome.UNSENT: Explanation(
        "The event was never sent: the run ended before its turn.",
        "Something before it ended the run: an invalid event, a refused exchange or permission, "
        "a lost broker, a time that ran out, a signal.",
        "Put right what the run's error names and run it again, with --checkpoint from where it "
        "stopped.",
    ),
}
