"""What leaves the live view: events into a recording, ids into the clipboard."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.listening.listen import Recording, Watched
from medtrack_cli.errors import MedtrackError
from medtrack_cli.output.live.kept import History, ids_of
from medtrack_cli.output.live.statistics import event_of
from medtrack_cli.output.masking import masked
from medtrack_cli.output.safe_text import safe_text


class Capture:
    """Records kept events and all that follow; copies ids. `notice` says what it did."""

    def __init__(self, watched: Watched, history: History, send: Callable[[str], None]) -> None:
        self.notice = ""
        self.copied: list[str] = []  # to be printed at the end
        self._watched, self._history, self._send = watched, history, send
        self._recording: Recording | None = None

    def press(self, key: str) -> None:
        """Do what a key means, unless it is part of typed text."""
        self.notice = ""
        if self._history.controls.typed is not None:
            return
        if key == "w":
            self.notice = self._begin(self._history.kept, self._history.missing)
        elif key == "y" and (seen := self._history.selected):
            self.notice = self._copy(id_of(seen))

    def record(self, batch: Iterable[CheckedDelivery]) -> None:
        """Record a batch; it is on disk after that. Raises CannotWrite."""
        if self._recording:
            _add(self._recording, batch)

    def close(self) -> None:
        if self._recording:
            self._recording.close()

    def _begin(self, kept: Sequence[CheckedDelivery], missing: int) -> str:
        """Begin a recording with the kept events; return where it is, or why there is none."""
        if self._recording:
            return f"recording to {safe_text(self._recording.path.name)} already"
        if not self._watched.record:
            return "nothing can be recorded here"
        recording = None
        try:
            recording = self._watched.record(kept[0].delivery if kept else None)
            _add(recording, kept)
        except MedtrackError as error:
            if recording:
                recording.close()
            return f"not recorded: {safe_text(error.message)}"
        self._recording = recording
        gap = f" ({missing:,} between them are no longer kept)" if missing else ""
        name = safe_text(recording.path.name)
        return f"{len(kept):,} kept written to {name}{gap}, recording goes on"

    def _copy(self, name: str | None) -> str:
        if name is None:
            return "it has no id"
        shown = shown_id(name, reveal=self._watched.reveal)
        if self._watched.clipboard:
            self._send(to_clipboard(name))
            return f"copied {shown}"
        self.copied.append(shown)
        return f"printed at the end: {shown}"


def _add(recording: Recording, batch: Iterable[CheckedDelivery]) -> None:
    for seen in batch:
        recording.write(seen)
        seen.line = ""  # made again when wanted: a kept event takes no more memory than its body
    recording.flush()


def id_of(seen: CheckedDelivery) -> str | None:
    """Give the id that names an event: its message's, else the first in its payload."""
    return seen.delivery.message_id or next(ids_of(event_of(seen)), None)


def shown_id(text: str, *, reveal: bool) -> str:
    """Write an id for a screen."""
    return safe_text(text if reveal else masked("message_id", text))


def to_clipboard(text: str) -> str:
    """Give the sequence that asks a terminal to put a text in its clipboard: OSC 52."""
    return f"\x1b]52;c;{b64encode(text.encode()).decode('ascii')}\x07"
