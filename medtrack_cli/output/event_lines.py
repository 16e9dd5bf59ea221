"""Lines on stdout for each delivery: JSON, the body alone, a filled-in template, or for people."""

from collections.abc import Callable
from typing import IO, AnyStr, Generic, TextIO

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.listening.listen import Sink, Watched
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.listening import ShownHappening
from medtrack_cli.output.shown.shown import Shown
from medtrack_cli.output.style import marks_for
from medtrack_cli.output.template import renderer, template
from medtrack_cli.output.terminal import width_of

Tell = Callable[[Shown], None]


class EventLines(Generic[AnyStr]):
    """A `Sink` that writes lines, one flush a batch; anything but deliveries goes to `tell`."""

    def __init__(
        self, out: IO[AnyStr], line: Callable[[CheckedDelivery], AnyStr], tell: Tell
    ) -> None:
        self._out: IO[AnyStr] = out
        self._line: Callable[[CheckedDelivery], AnyStr] = line
        self._waiting: list[AnyStr] = []
        self._tell = tell

    def write(self, seen: CheckedDelivery) -> None:
        self._waiting.append(self._line(seen))

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._out.writelines(waiting)
        self._out.flush()

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        self._tell(ShownHappening(happening))


def bodies(stdout: TextIO, tell: Tell) -> Sink:
    """Write each body byte for byte; on a terminal, decompressed and escaped."""
    if stdout.isatty():
        return EventLines(
            stdout, lambda seen: safe_text(seen.body.decode(errors="replace")) + "\n", tell
        )
    return EventLines(stdout.buffer, lambda seen: seen.delivery.body + b"\n", tell)


def filled(stdout: TextIO, text: str, tell: Tell, *, reveal: bool, local_time: bool) -> Sink:
    """Write a line from the template for each delivery. Raises UsageError for a wrong template."""
    for_terminal = stdout.isatty()
    render = renderer(
        template(text), for_terminal=for_terminal, reveal=reveal, local_time=local_time
    )
    return EventLines(stdout, lambda seen: render(seen) + "\n", tell)


def rows(stdout: TextIO, watched: Watched, tell: Tell, *, colour: bool) -> Sink:
    """Write what people read where no view can be drawn; personal values are masked."""
    from medtrack_cli.output.event_rows import Look, event_lines
    from medtrack_cli.output.paint import console_for, paint

    console = console_for(colour=colour)
    look = Look.of(watched, marks_for(stdout.encoding))
    look = look._replace(body=watched.body, trace=watched.trace)

    def painted(seen: CheckedDelivery) -> str:
        width = width_of(stdout) if stdout.isatty() else None
        lines = event_lines(seen, look._replace(width=width))
        return "".join(f"{paint(line, console)}\n" for line in lines)

    return EventLines(stdout, painted, tell)
