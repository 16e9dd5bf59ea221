"""What the broker refused, and what would allow it: decided by codes, not by texts.

The texts say only which exchange, queue or topic it was: they changed between RabbitMQ 3.10
("access to") and 4.0 ("write access to").
"""

import re
from shlex import quote

from medtrack_cli.broker.failure import Failure
from medtrack_cli.broker.management import client
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.hiding import plain, without_secrets
from medtrack_cli.errors import AccessRefused, BrokerUnreachable, MedtrackError, TopologyError
from medtrack_cli.suggestions import did_you_mean

TAP_PREFIX = "medtrack.tap."

_MISSING = re.compile(r"no (exchange|queue) '(.*?)' in vhost '")
_RESOURCE = re.compile(r"access to (exchange|queue) '(.*)' in vhost '")
_IN_USE = re.compile(r"^queue '(.*)' in vhost '.*' in exclusive use$", re.DOTALL)
_SIZE = re.compile("message size ([0-9]+) ")
_TOPIC = re.compile(r"access to topic '(.*)' in exchange '(.*)' in vhost '")

# By the AMQP method that was refused: the permission it needs on a queue, on an exchange.
# https://www.rabbitmq.com/docs/access-control
_PERMISSIONS = {
    "Queue.Declare": ("configure", "configure"),
    "Queue.Bind": ("write", "read"),
    "Queue.Unbind": ("write", "read"),
    "Basic.Consume": ("read", "read"),
    "Basic.Get": ("read", "read"),
    "Basic.Publish": ("write", "write"),
    "Exchange.Declare": ("configure", "configure"),
}
# What the broker says of itself when it closes a channel, and the next step.
_TROUBLES = {
    504: ("the channel is out of step", "a proxy in the way, or the broker's fault: see its log"),
    506: (
        "the broker lacks resources",
        "memory, disk, descriptors: `rabbitmq-diagnostics status` shows what it has",
    ),
    541: ("broker error", "its log says more"),
}
_ACTS = {"configure": "configure", "write": "write to", "read": "read from"}


def channel_failure(
    code: int, text: str | bytes, settings: ConnectionSettings, asked: str = ""
) -> Failure:
    """Say why the broker closed a channel.

    `text` is the broker's own: used as it is for decisions, and shown without our password. `asked`
    names the AMQP method it answered, `Basic.Publish`.
    """
    broker = settings.describe()
    words = plain(text).partition(" - ")[2] or plain(text)
    shown = without_secrets(words, settings)
    error: MedtrackError
    match code:
        case 403 if in_use := _names(_IN_USE, words, settings):
            hint = "one name, one listener: choose another name, or end the other one"
            what = f"another listener has queue {in_use[0]!r} for itself"
            return Failure(TopologyError(what, broker, hint=hint), heals=True)
        case 403:
            error = _not_permitted(words, settings, asked)
        case 404 | 406 if _is_elsewhere(code, words):
            hint = (
                "`rabbitmqctl cluster_status` shows which nodes are up; the broker's log says more"
            )
            failed = BrokerUnreachable(f"not available now ({shown})", broker, hint=hint)
            return Failure(failed, heals=True)
        case 404:
            return _missing(words, settings)
        case 405:
            hint = "another connection has the queue for itself; it is free when that has ended"
            return Failure(TopologyError(f"locked ({shown})", broker, hint=hint), heals=True)
        case 504 | 506 | 541:
            what, hint = _TROUBLES[code]
            failed = BrokerUnreachable(f"{what} ({code} {shown})", broker, hint=hint)
            return Failure(failed, heals=True, code=code)
        case _:
            error = _declined(code, words, shown, broker)
    topic, size = _TOPIC.search(words), _SIZE.search(words)
    key, length = topic and topic[1], size and int(size[1])
    return Failure(error, heals=False, refuses=True, key=key, size=length, code=code)


def _is_elsewhere(code: int, words: str) -> bool:
    """Return whether a queue exists, but on a node that is down, restarts or is another one.

    The latter is also said of a stream while another replica becomes its leader (seen with 3.10.8).
    """
    if code == 406:
        return words.endswith("does not have a replica on the local node")
    return not words.startswith("no ")


def _declined(code: int, words: str, shown: str, broker: str) -> MedtrackError:
    """Say what the broker declines to do, for any client."""
    match code:
        case 406 if "inequivalent arg" in words:
            hint = "it is there, with other properties: use another name, or declare it alike"
            if "x-queue-type" in words:
                hint = "it is there, of another type: use another name, or --queue-type as it is"
            return TopologyError(f"declared differently ({shown})", broker, hint=hint)
        case 311 | 406:
            hint = "the broker's words name the limit or the argument"
            return TopologyError(f"the broker declined ({code} {shown})", broker, hint=hint)
        case 540:
            hint = "its version, or a queue or exchange of that type, has no such thing"
            return TopologyError(f"the broker can't do that ({code} {shown})", broker, hint=hint)
    what = f"the broker closed the channel ({code} {shown})"
    return BrokerUnreachable(what, broker, hint="its log says more")


def no_vhost(settings: ConnectionSettings, broker: str) -> Failure:
    """Say that the vhost doesn't exist; a closer look finds similar ones."""
    hint = "check --vhost; `rabbitmqctl list_vhosts` shows all"
    if not settings.vhost:
        hint = "end the URL with /%2F for the vhost /, or without a slash for the profile's"
    error = TopologyError(f"vhost {settings.vhost!r} is missing", broker, hint=hint)
    return _near(Failure(error, heals=False), settings, "vhosts", settings.vhost)


def vhost_refused(settings: ConnectionSettings, broker: str) -> Failure:
    """Say that the user has no permissions at all on the vhost."""
    what = f"{settings.username} has no access to vhost {settings.vhost!r}"
    error = AccessRefused(what, broker, hint=_grant(settings, publishes=True, listens=True))
    return Failure(error, heals=False)


def _missing(words: str, settings: ConnectionSettings) -> Failure:
    broker = settings.describe()
    found = _names(_MISSING, words, settings)
    if found is None:
        error = TopologyError(f"missing ({without_secrets(words, settings)})", broker)
        return Failure(error, heals=False, refuses=True, code=404)
    kind, name = found
    listing = f"`rabbitmqctl list_{kind}s -p {quote(settings.vhost)} name` shows all"
    option = "--exchange" if kind == "exchange" else "its name"  # commands name queues by many
    hint = f"check {option} and --vhost; {listing}"
    what = f"{kind} {name!r} is missing in vhost {settings.vhost!r}"
    error = TopologyError(what, broker, hint=hint)
    failure = Failure(error, heals=False, refuses=True, code=404)
    return _near(failure, settings, f"{kind}s", name)


def _names(
    pattern: re.Pattern[str], words: str, settings: ConnectionSettings
) -> tuple[str, ...] | None:
    """Find names in the broker's text; our password in them is hidden."""
    found = pattern.search(words)
    return found and tuple(without_secrets(each, settings) for each in found.groups())


def _near(failure: Failure, settings: ConnectionSettings, kind: str, name: str) -> Failure:
    """Have a closer look find names similar to a missing one."""

    def look(seconds: float) -> Failure:
        near = did_you_mean(name, client.names(settings, kind, seconds), most=3)
        if not near:
            return failure
        return failure._replace(error=failure.error.with_hint(without_secrets(near, settings)))

    return failure._replace(look=look)


def _not_permitted(words: str, settings: ConnectionSettings, asked: str) -> MedtrackError:
    on_queue, on_exchange = _PERMISSIONS.get(asked, ("", ""))
    user, broker = settings.username, settings.describe()
    if topic := _names(_TOPIC, words, settings):
        what = f"{user} may not {_ACTS.get(on_exchange, 'use')} exchange {topic[1]!r}"
        what += f" with routing key {topic[0]!r}"
        return AccessRefused(what, broker, hint=_grant_topic(settings, on_exchange, *topic))
    found = _names(_RESOURCE, words, settings)
    if found is None or not on_queue:
        hint = f"rabbitmqctl list_user_permissions {quote(user)}"
        what = f"not permitted ({without_secrets(words, settings)})"
        return AccessRefused(what, broker, hint=hint)
    kind, name = found
    permission = on_exchange if kind == "exchange" else on_queue
    if asked == "Basic.Consume" and not name.startswith(TAP_PREFIX):
        hint = _grant_patterns(settings, [[], [], [_exactly(name)]])
    elif asked == "Basic.Publish":  # to any exchange: a queue is reached by amq.default
        hint = _grant_patterns(settings, [[], [_exactly(name)], []])
    else:
        queue = name if kind == "queue" else ""
        hint = _grant(settings, publishes=False, listens=True, queue=queue)
    what = f"{user} may not {_ACTS[permission]} {kind} {name!r}"
    return AccessRefused(f"{what} ({permission} permission)", broker, hint=hint)


def grant_both(error: AccessRefused, settings: ConnectionSettings) -> AccessRefused:
    """Give a hint that grants publishing and listening, where it would grant only one of them.

    Granting one would remove permissions that a user has.
    """
    if "set_permissions" not in (error.hint or ""):
        return error
    return error.with_hint(_grant(settings, publishes=True, listens=True))


def _grant(settings: ConnectionSettings, *, publishes: bool, listens: bool, queue: str = "") -> str:
    """Give the command that grants what publishing or listening needs, and nothing else.

    `queue` is a durable tap's, if its name isn't like those of the others.
    """
    exchange = _exactly(settings.exchange)
    taps = [re.escape(TAP_PREFIX)] * listens
    if queue and not queue.startswith(TAP_PREFIX):
        taps = [_exactly(queue)]
    return _grant_patterns(
        settings, [taps, [*taps, *[exchange] * publishes], [*taps, *[exchange] * listens]]
    )


def _grant_patterns(settings: ConnectionSettings, patterns: list[list[str]]) -> str:
    """Give the command that lets a user configure, write and read what the patterns match."""
    arguments = ["-p", settings.vhost, settings.username, *map(_one_of, patterns)]
    return _line("permissions", "list_user_permissions " + quote(settings.username), arguments)


def _grant_topic(settings: ConnectionSettings, permission: str, key: str, exchange: str) -> str:
    allowed = f"^{re.escape(key)}$"
    write, read = (allowed if permission == each else "^$" for each in ("write", "read"))
    user = settings.username
    arguments = ["-p", settings.vhost, user, exchange, write, read]
    return _line("topic permissions", "list_user_topic_permissions " + quote(user), arguments)


def _line(what: str, listing: str, arguments: list[str]) -> str:
    verb = f"set_{what.replace(' ', '_')}"
    return (
        f"an administrator can grant it, in place of the {what} that `rabbitmqctl {listing}`"
        f" shows: rabbitmqctl {verb} {' '.join(map(quote, arguments))}"
    )


def _exactly(name: str) -> str:
    return re.escape(name) + "$"


def _one_of(patterns: list[str]) -> str:
    if not patterns:
        return "^$"
    return f"^{patterns[0]}" if len(patterns) == 1 else f"^({'|'.join(patterns)})"
