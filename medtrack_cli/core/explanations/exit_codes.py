"""The exit codes."""

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
        "the command line is wrong, or says too little: where recorded dead letters go",
        "An option is misspelled, lacks its value, contradicts another, or asks for the "
        "impossible.",
        "Follow the hint; `medtrack COMMAND --help` opens with examples.",
        example="medtrack publish",
    ),
    ExitCode.DATA_ERROR: Explanation(
        "the input is no recording and no event at all, or a report or a checkpoint of ours, or a "
        "schema of your own or a file of definitions can't be used",
        "A file isn't of the kind that the command reads, or it is damaged.",
        "Name another file; `medtrack schema check FOLDER` says what is wrong with schemas.",
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
