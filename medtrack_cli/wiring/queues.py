"""Queues, read from the management API, or one by its name without it."""

from collections.abc import Callable, Mapping

from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.ports import Note, Stop, silent
from medtrack_cli.core.queues import Declared, NewQueue, QueueState, is_name
from medtrack_cli.errors import TopologyError
from medtrack_cli.output.shown.shown import Page
from medtrack_cli.runtime import Runtime


def reading(runtime: Runtime, pattern: str | None, stop: Stop) -> Callable[[], list[QueueState]]:
    """Make the function that reads the queues of a pattern; it raises errors that end a command.

    Without the management API a named queue is read by AMQP, which tells less.
    """
    from medtrack_cli.broker.amqp.taps import standing
    from medtrack_cli.broker.management.client import Unanswered
    from medtrack_cli.broker.management.topology import read_queues

    settings = runtime.connection
    is_told = False

    def read() -> list[QueueState]:
        nonlocal is_told
        try:
            found = read_queues(settings, pattern, stop)
        except Unanswered as error:
            if pattern is None or not is_name(pattern):
                raise error.fatal(settings) from None
            if not is_told:
                where = settings.management_url or "management API"
                runtime.printer.note(f"only messages and consumers are known: {where} {error}")
            is_told = True
            ready, consumers = standing(settings, pattern, silent, stop)
            return [QueueState(pattern, ready=ready, consumers=consumers)]
        if pattern and not found and is_name(pattern):
            hint = "`medtrack queue list` shows all"
            raise TopologyError(f"queue {pattern!r} is missing", settings.describe(), hint=hint)
        return found

    return read


def declare_queue(runtime: Runtime, queue: NewQueue, patterns: tuple[str, ...]) -> None:
    """Declare and bind a queue, and report it. Refused while its dead letters have no exchange."""
    from medtrack_cli.broker.amqp import taps

    settings, note = runtime.connection, runtime.printer.note
    with runtime.world.stop_on_signals() as stop:
        letters = queue.dead_letter
        if letters and not taps.exchange_exists(settings, letters, note, stop):
            hint = "what dies would be lost: declare the exchange first, or check its name"
            raise TopologyError(f"exchange {letters!r} is missing", settings.describe(), hint=hint)
        declare(runtime, queue, patterns, stop)
    bound = " ".join(patterns)
    record = {"name": queue.name, "type": queue.type, "bindings": list(patterns)}
    text = f"queue {queue.name} ({queue.type}) is there, bound by {bound}"
    runtime.printer.show(Page(Kind.QUEUE, record, text))


def declare(
    runtime: Runtime,
    queue: Declared,
    patterns: tuple[str, ...],
    stop: Stop,
    note: Note | None = None,
) -> None:
    """Declare and bind a queue; TopologyError, with the differences, if it exists with others."""
    from medtrack_cli.broker.amqp import taps
    from medtrack_cli.broker.management.topology import read_declaration

    settings = runtime.connection
    try:
        taps.declare_queue(settings, queue, patterns, note or runtime.printer.note, stop)
    except TopologyError:
        there = read_declaration(settings, queue.name)
        if not there or not (differences := _differences(queue, there)):
            raise
        what = f"queue {queue.name!r} is declared otherwise: {differences}"
        raise TopologyError(
            what, settings.describe(), hint="use another name, or declare it as it is"
        ) from None


def _differences(queue: Declared, there: Mapping[str, object]) -> str:
    """List how an existing queue's declaration differs from the wanted one."""
    wanted = {"durable": True, **queue.arguments}
    names = [each for each in {**there, **wanted} if there.get(each) != wanted.get(each)]
    return ", ".join(
        f"{name} is {there.get(name, 'not set')}, not {wanted.get(name, 'unset')}" for name in names
    )


def standing_queue(settings: ConnectionSettings, name: str, stop: Stop) -> tuple[int, int]:
    """Count a queue's ready messages, and its consumers.

    TopologyError, with a similar name or the way to all names, when it doesn't exist.
    """
    from medtrack_cli.broker.amqp.taps import standing

    try:
        return standing(settings, name, silent, stop)
    except TopologyError as error:
        hint = error.hint if "did you mean" in (error.hint or "") else None
        hint = hint or "`medtrack queue list` shows all"
        raise TopologyError(error.what, error.subject, hint=hint) from None
