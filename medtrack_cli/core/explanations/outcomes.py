"""The verdicts of receipts, and what a replay's summary counts besides them."""

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


def _condition(option: str, what: str) -> Explanation:
    return Explanation(
        f"Not selected by {option}: {what}.",
        "An event is counted under the first condition that it doesn't meet, and isn't sent.",
        f"Nothing if that is intended; else change {option}, and look at the plan with --dry-run.",
    )


COUNTERS: dict[str, Explanation] = {  # by texts: the module with the names takes long to import
    "left_out": Explanation(
        "All that was not selected: the sum of unevaluable and of the counters left_out_…, except "
        "those of --reason and --died-in.",
        "The conditions on the command line leave it out.",
        "The counters beside it say which condition it was.",
    ),
    "left_out_time": _condition("--since or --until", "received at another time"),
    "left_out_key": _condition("--key", "another routing key"),
    "left_out_exclude_key": _condition("--exclude-key", "a routing key that it names"),
    "left_out_type": _condition("--type", "another event type, or none"),
    "left_out_service": _condition("--service", "another service, or none"),
    "left_out_id": _condition("--id", "no such id in the message or the payload"),
    "left_out_where": _condition("--where", "it isn't true of the event"),
    "left_out_limit": _condition("--limit", "chosen, but after the first N"),
    "left_out_reason": _condition("--reason", "a dead letter that died of something else"),
    "left_out_died_in": _condition("--died-in", "a dead letter that died in another queue"),
    "unevaluable": Explanation(
        "Events for which --where could not be evaluated; they aren't sent.",
        "The expression names a field that the event lacks, or compares it with another kind of "
        "value; or the body is no event.",
        "First test whether the field exists: 'has(event.payload.score) && "
        "event.payload.score < 10'.",
    ),
    "invalid_skipped": Explanation(
        "Invalid events that were not sent.",
        "--invalid skip leaves them out. For a queue of dead letters that is the default, as they "
        "would die again; there they stay in the queue.",
        "--invalid send sends them as they are. For a queue, --set PATH=VALUE corrects them first.",
    ),
    "invalid_sent": Explanation(
        "Invalid events that were sent as they are.",
        "A replay sends what was recorded, unless --invalid skip or --invalid fail is given.",
        "`medtrack validate` of the recording names their findings.",
    ),
    "not_pseudonymized": Explanation(
        "What --pseudonymize left out because a real person may remain in it.",
        "The event is invalid or of an unknown type, has a field that its type says nothing of, or "
        "a person's value stands in it a second time, in a header too.",
        "docs/personal-data.md lists what is left out; your own types mark fields by x-personal.",
    ),
    "corrupt": Explanation(
        "Damaged records that --skip-corrupt left out.",
        "Their checksum differs: a bit was flipped, or the line was cut, joined or edited.",
        "`medtrack validate` of the recording names the lines; record again where you can.",
    ),
    "seen": Explanation(
        "Messages that were taken out of the queue of dead letters and examined.",
        "It is the sum of `redriven` and `left`.",
        "Nothing: it only adds up.",
    ),
    "redriven": Explanation(
        "Dead letters that were sent home and have left their queue.",
        "The broker has confirmed their copies, and no queue has returned them.",
        "Nothing: it is done.",
    ),
    "left": Explanation(
        "Dead letters that are in their queue as before.",
        "They were not chosen, or have no verdict `confirmed`.",
        "The counters beside it, and the receipts, say why.",
    ),
    "arrived_since": Explanation(
        "Messages that came into the queue of dead letters after the run had begun.",
        "Only what waited at the start is handled, so that a message that dies again isn't sent "
        "for ever.",
        "Run it again; if they were just sent home, first fix what kills them.",
    ),
    "no_death": Explanation(
        "Messages that stayed because it is unknown where they died.",
        "They have no header `x-death`, or none that can be read: they were published into this "
        "queue, or came through a stream.",
        "`medtrack listen --queue NAME --yes --record FILE` takes them out, and `medtrack replay "
        "FILE` sends them.",
    ),
    "quarantined": Explanation(
        "Dead letters that stayed because they were sent home too often.",
        "Their header `x-medtrack-redrives` says that they were sent home --max-redrives times, 3 "
        "by default, and died each time.",
        "Fix what kills them, then give a larger --max-redrives.",
    ),
    "gone": Explanation(
        "What the stream dropped before it could be sent.",
        "--from-first continues without it. What was gone when the run began is counted by "
        "offsets: it is unknown which events these were; what is dropped later, by events of the "
        "run.",
        "Nothing brings it back. A larger --max-age or --max-size of the archive keeps more.",
    ),
    "done_before": Explanation(
        "Events that earlier attempts of the same run have done.",
        "--resume, or a --checkpoint, continues after them; no other number includes them.",
        "Nothing: they were confirmed then.",
    ),
}
