"""The lines that findings point at."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from medtrack_cli.core.inputs import Item
from medtrack_cli.files.sources import Source
from medtrack_cli.files.streams import BOM, open_source

MAX_SHOWN = 1024 * 1024
"""Bytes of a line that are looked at; a place further right is shown without its line."""


class FileLines:
    """Lines of a regular file by number, read forward as findings come."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stream: BinaryIO | None = None
        self._number = 0
        self._line = b""

    def __call__(self, number: int) -> str | None:
        """Give a line without its end; None when it can't be had."""
        try:
            if self._stream is None or number < self._number:
                self.close()
                self._stream = open_source(self._source, open_stdin=_never).__enter__()
            while self._number < number and self._next():
                pass
        except (OSError, EOFError):
            return None
        if self._number != number or (len(self._line) == MAX_SHOWN and self._line[-1:] != b"\n"):
            return None
        return _text(self._line)

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._stream is not None:
            self._stream.close()
        self._stream = None
        self._number = 0

    def _next(self) -> bool:
        assert self._stream is not None  # noqa: S101 -- opened by the caller
        self._line = self._stream.readline(MAX_SHOWN)
        rest = self._line
        while len(rest) == MAX_SHOWN and not rest.endswith(b"\n"):
            rest = self._stream.readline(MAX_SHOWN)
        self._number += bool(self._line)
        return bool(self._line)


class StreamLines:
    """Lines of what can be read only once: those of the event being looked at."""

    def __init__(self) -> None:
        self._item: Item | None = None

    def watch(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass the items on and remember the last."""
        for item in items:
            self._item = item
            yield item

    def __call__(self, number: int) -> str | None:
        """Give a line of the last item; None when its text is not the source's own."""
        item = self._item
        if item is None or item.body is None or not item.exact or len(item.body) > MAX_SHOWN:
            return None
        lines = item.body.split(b"\n")
        at = number - item.line
        return _text(lines[at]) if 0 <= at < len(lines) else None


def _text(line: bytes) -> str:
    return line.removeprefix(BOM).rstrip(b"\r\n").decode("utf-8", "replace")


def _never() -> BinaryIO:
    raise OSError("standard input is read only once")
