"""Completions of the word at the cursor, in the forms bash, zsh and fish read."""

from collections.abc import Sequence
from typing import NamedTuple

from medtrack_cli.output.safe_text import is_invisible, safe_text
from medtrack_cli.shells.words import Typed, read, written

_WIDEST = 40  # width of a word's column, after which the meanings are aligned


class Word(NamedTuple):
    """A word, and what it means."""

    text: str
    meaning: str = ""


class Completions(NamedTuple):
    """The words that may stand at the cursor; without any, a file may be completed.

    `before_file` counts the typed characters, such as `--html=`, that don't belong to the file's
    name.
    """

    words: Sequence[Word] = ()
    takes_files: bool = False
    before_file: int = 0

    def bash(self, typed: Typed, word: str) -> str:
        """Give their kind and a line for each, quoted as needed.

        `word` is what bash replaces: the end of the typed word, after the last `=` or `:`, or an
        open quotation mark.
        """
        if not self.words and self.takes_files:
            return "files\n"
        if not typed.raw.endswith(word) or typed.quote == "$'":
            return "words\n"
        stays = len(read(typed.raw.removesuffix(word)).last)
        lines = [written(each.text[stays:], typed.quote, _is_hidden) for each in self.words]
        is_part = lines and all(each.text.endswith("=") for each in self.words)
        return "\n".join(["parts" if is_part else "words", *lines, ""])

    def zsh(self) -> str:
        """Give their kind, and each with its displayed text, separated by NUL."""
        if not self.words:
            return self._files()
        shown = [safe_text(each.text) for each in self.words]
        width = max((len(each) for each in shown if len(each) <= _WIDEST), default=0)
        parts = ["lines" if any(each.meaning for each in self.words) else "words"]
        for each, text in zip(self.words, shown, strict=True):
            meaning = safe_text(each.meaning)
            parts += each.text, f"{text:<{width}}  -- {meaning}" if meaning else text
        return _parted(*parts)

    def fish(self, quote: str) -> str:
        """Give their kind, and each with its meaning after a tab, separated by NUL.

        fish writes controls in ASCII, but not after an open quotation mark, nor other characters
        that a terminal obeys or hides: words that contain these or a tab are left out.
        """
        if not self.words:
            return self._files()
        rows = [
            f"{text}\t{safe_text(meaning)}"
            for text, meaning in self.words
            if "\t" not in text
            and not any(_is_hidden(char) for char in text if quote or not char.isascii())
        ]
        return _parted("words", *rows)

    def _files(self) -> str:
        return _parted("files", str(self.before_file)) if self.takes_files else ""


def _parted(*parts: str) -> str:
    return "".join(f"{each}\0" for each in parts)


def _is_hidden(char: str) -> bool:
    return not char.isprintable() or is_invisible(char)
