"""The exit codes, and the reply codes of brokers."""

from medtrack_cli.core.explanations.explanation import Explanation
from medtrack_cli.errors import ExitCode

HANGUP = 129

EXIT_CODES: dict[int, Explanation] = {
    ExitCode.DONE: Explanation(
        "done",
        "Everything that was asked for has happened: every event is valid, or confirmed.",
        "Nothing.",
        example="medtrack validate sample-events",
    ),
    ExitCode.VERDICT_NO: Explanation(
        "finished, and the answer is no: findings, an event that isn't `confirmed`, a count not "
        "reached, a key that reaches no queue",
        "The command did its work to the end, and its answer is no.",
        "Read the findings or receipts above; each names its rule or outcome, which "
        "`medtrack explain` knows.",
        example="medtrack listen --count 1 --timeout 1",
    ),
    ExitCode.USAGE: Explanation(
        "the command line is wrong, or doesn't say enough",
        "An option is misspelled, lacks its value, contradicts another, or asks for the "
        "impossible; or it isn't said where recorded dead letters go.",
        "Follow the hint; `medtrack COMMAND --help` opens with examples.",
        example="medtrack publish",
    ),
    ExitCode.DATA_ERROR: Explanation(
        "a file is damaged, or not of the kind that the command reads",
        "It holds no event and no recording; or it is a report or a checkpoint of medtrack; or a "
        "schema, definitions or expectations that can't be used.",
        "Go to the file and the line that the error names, or name another file. `medtrack "
        "validate FILE` says what is wrong with events, `medtrack schema check FOLDER` with "
        "schemas.",
        example="medtrack replay notes.txt",
    ),
    ExitCode.INPUT_MISSING: Explanation(
        "an input is missing or can't be read, or no event is in all of it",
        "A path is misspelled or closed to you, or what should have written the events has failed.",
        "Check the path and its permissions; --allow-empty takes an input without events.",
        example="medtrack validate missing.json",
    ),
    ExitCode.UNREACHABLE: Explanation(
        "no connection to the broker, or one lost and not regained in time",
        "It doesn't run, host or port is wrong, or a network or firewall is in the way.",
        "`medtrack config show` says where each setting comes from; `medtrack broker start` "
        "starts a private broker; --retry-for tries for longer.",
        example="medtrack listen --url amqp://admin:password@localhost:1/",
    ),
    ExitCode.BUG: Explanation(
        "a bug in medtrack, or a process of its own that was killed",
        "Something happened that medtrack doesn't expect; or the system killed a process of its "
        "own, most often because memory ran out.",
        "Report it with what was printed.",
    ),
    ExitCode.CANNOT_CREATE: Explanation(
        "an output can't be created, or would replace an input or other events",
        "The folder is missing or closed to you, or what is there isn't medtrack's to replace.",
        "Name another file.",
        example="medtrack listen --record notes.txt",
    ),
    ExitCode.CANNOT_WRITE: Explanation(
        "an output can't be written: the disk is full",
        "The output's target takes no more. Nothing was acknowledged that wasn't written.",
        "Make room and run it again.",
        example="medtrack schema list > /dev/full",
    ),
    ExitCode.TIMED_OUT: Explanation(
        "`--timeout` ran out, also while the broker held everything back; some outcomes are "
        "unknown",
        "The broker is slow, or an alarm of its memory or disk blocks all publishers.",
        "Look at the broker's alarms (`rabbitmq-diagnostics alarms`) and the `unknown` receipts; "
        "give it more time.",
        example="medtrack publish -f sample-events/user.created.json --timeout 0",
    ),
    ExitCode.TOPOLOGY: Explanation(
        "exchange, queue or vhost missing, or declared differently",
        "It was never created on this broker, its name or vhost is misspelled, or somebody "
        "declared it with other properties.",
        "Check --exchange and --vhost; the error names similar ones.",
        example="medtrack listen --exchange nowhere",
    ),
    ExitCode.REFUSED: Explanation(
        "login, permission or certificate refused",
        "User name or password is wrong, the user lacks a permission, or one side doesn't trust "
        "the other's certificate.",
        "The hint has the command that an administrator can run, or the missing option.",
        example="MEDTRACK_PASSWORD=wrong medtrack listen",
    ),
    ExitCode.CONFIG: Explanation(
        "the configuration can't be used",
        "A configuration file, a variable or a profile has an impossible value.",
        "The error names the place; `medtrack config path` lists the files.",
        example="medtrack config show --profile nowhere",
    ),
    HANGUP: Explanation(
        "ended by SIGHUP, such as a terminal that is closed",
        "Events in flight were given five seconds; every event has its receipt.",
        "Run it again, with --checkpoint from where it stopped.",
        example="timeout --preserve-status -s HUP 2 medtrack listen",
    ),
    ExitCode.INTERRUPTED: Explanation(
        "ended by SIGINT, such as Ctrl-C",
        "Events in flight were given five seconds; every event has its receipt.",
        "Run it again, with --checkpoint from where it stopped.",
        example="timeout --preserve-status -s INT 2 medtrack listen",
    ),
    ExitCode.BROKEN_PIPE: Explanation(
        "the reader of the output has gone",
        "The program that reads stdout, such as `head`, has ended first.",
        "Nothing, if that was intended.",
        example="medtrack schema export | true; exit ${PIPESTATUS[0]}",
    ),
    ExitCode.TERMINATED: Explanation(
        "ended by SIGTERM",
        "Somebody, or a supervisor, asked it to end: events in flight were given five seconds.",
        "Run it again, with --checkpoint from where it stopped.",
        example="timeout --preserve-status 2 medtrack listen",
    ),
}

# With these a broker closes a channel or a connection, or returns a message:
# https://www.rabbitmq.com/amqp-0-9-1-reference#constants
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
