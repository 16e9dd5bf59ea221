"""Options and commands of other tools, and ours for them."""

# Our words -> the words of other tools for them; "medtrack …" is a whole line.
Words = dict[str, str]

COMMANDS: dict[str, Words] = {
    "medtrack": {
        "": "medtrack",
        "publish": "send emit produce push post pub generate create make fake",
        "listen": "consume subscribe sub watch tail monitor receive",
        "listen --record": "record capture dump save",
        "validate": "check lint verify test",
        "replay": "resend play rerun",
        "schema list": "types list ls events type schemas",
        "schema show": "show describe get",
        "schema diff": "diff compare",
        "config show": "profiles profile settings env",
        "config init": "init setup configure login",
        "broker start": "start up run server rabbitmq",
        "broker stop": "stop down",
        "broker status": "status ps",
        "doctor": "diagnose ping health",
    },
    "medtrack schema": {
        "list": "ls types all",
        "show": "get describe view cat print",
        "diff": "compare",
        "check": "validate lint verify test",
    },
    "medtrack config": {
        "show": "list ls get profiles",
        "init": "new create",
        "medtrack config path": "edit set",
    },
    "medtrack broker": {
        "start": "run up launch create",
        "stop": "down kill quit",
        "medtrack broker stop && medtrack broker start": "restart reload",
        "status": "ps list ls ping info",
    },
}

TYPE = "student.created"
_FILES = "-f --file --files --filename --input --path --data-file -i"
_TYPES = "-e --type --event --event-type -t --key --routing-key --pattern --topic"
_COUNTS = "-c -n --number --times --max --limit --amount"
PASSWORD = "read -rs MEDTRACK_PASSWORD && export MEDTRACK_PASSWORD"  # noqa: S105 -- asks for it

# First by command, then for all; "" drops an option but keeps its value.
OPTIONS: dict[str, Words] = {
    "medtrack publish": {
        "-f": _FILES,
        "": _TYPES,
        "--count": _COUNTS,
        "-d": "--payload --body --json-data --message",
        "--dry-run": "--dry --check --simulate",
    },
    "medtrack listen": {
        "": f"{_TYPES} --follow --watch -f",
        "--queue": "--queue-name --queue_name -Q",
        "--count": _COUNTS,
        "--record": "--output-file --save --out --file",
        "--where": "--filter --grep",
        "--exclude-key": "--exclude --ignore",
    },
    "medtrack validate": {
        "": f"{_FILES} -r --recursive",
        "--as": _TYPES,
    },
    "medtrack replay": {
        "": _FILES,
        "--key": _TYPES,
        "--since": "--from --start --after",
        "--until": "--end --before",
        "--speed": "-s --pace --factor",
        "--where": "--filter --grep",
    },
    "medtrack stats": {"": _FILES},
    "": {
        "-o json": "--json",
        "-o": "--format --output-format",
        "--username": "--user -u --login",
        "--url": "--server --broker --address --uri --amqp",
        "--host": "--hostname -H",
        "--vhost": "--virtual-host",
        "--verbose": "--debug",
        "--quiet": "--silent",
        "medtrack schema list": "--list --types -l --schema",
        "medtrack --version": "-V",
        PASSWORD: "--password --pass --passwd --pwd --pw",
    },
}

# What an extra word can only be the value of: command, form of the word, option.
EXTRA = (
    ("medtrack config show", "", "--profile"),
    ("medtrack schema show", r"\d", "--version"),
    ("medtrack publish", r"\d+$", "--count"),
    ("medtrack publish", r"\w+=", "--set payload."),
    ("medtrack publish", r"[\w.]+=", "--set"),
    ("medtrack publish", r"\{", "-d"),
)

# Example values, where the option's own metavar (NAME, FILE) is no better.
VALUES: Words = {
    "10s": "SECONDS",
    "3": "N",
    "50": "--rate",
    "500": "--window",
    "5672": "--port",
    "json": "--output",
    "10MB": "--rotate",
    "0.2": "PART",
    "2": "--speed",
    "amqp://HOST:5672/%2F": "--url",
    "payload.email=a@example.org": "--set",
    "x-origin=import": "--header",
    "priority=5": "--property",
    "sample-events/student.created.json": "-f --file",
    "events.ndjson": "--record",
    TYPE: "--as --key --expect EVENT_TYPE",
    "event.payload.score < 10": "--where",
    "2025-01-15T10:00:00Z": "TIME",
    "morning.ndjson --dry-run": "SOURCE…",
    "morning.ndjson": "RECORDING…",
    "old.json": "OLD",
    "new.json": "NEW",
}
