"""The console script. The version and helps are printed without Typer: its import takes longer."""

import gc
import io
import os
import sys

from medtrack_cli import __version__

MOST_GARBAGE = 100_000
"""Objects allocated before the garbage collector runs: imports allocate as many, and they stay."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    try:
        _run(sys.argv[1:] if arguments is None else arguments)
    except (KeyboardInterrupt, RuntimeError) as error:  # before there is a command to end
        if not isinstance(error.__cause__ or error, KeyboardInterrupt):  # Python 3.11 wraps it
            raise
        sys.exit(130)


def _run(words: list[str]) -> None:
    if sys.stdout is not None:
        if isinstance(raw := sys.stdout.buffer, io.RawIOBase):
            sys.stdout = _buffered(raw, sys.stdout.encoding)
        if not sys.stdout.isatty():
            sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        if has_told(words):
            sys.exit()
    gc.set_threshold(MOST_GARBAGE)
    from medtrack_cli.dispatch import run_and_exit

    run_and_exit(words)


def _buffered(raw: io.RawIOBase, encoding: str) -> io.TextIOWrapper:
    """Stand in for the output that PYTHONUNBUFFERED makes.

    That one drops what is left where a write is interrupted, as by Ctrl-Z. What must be seen at
    once is flushed anyway.
    """
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, line_buffering=raw.isatty())


def has_told(words: list[str]) -> bool:
    """Print the version or a help, if nothing else was typed and the output takes it."""
    try:
        if words == ["--version"]:
            text = f"medtrack {__version__}\n"
        elif words[-1:] in ([], ["--help"], ["-h"]) and not any(" " in each for each in words):
            from medtrack_cli.output.shown.help_page import help_text
            from medtrack_cli.output.style import wants_colour

            path = " ".join(["medtrack", *words[:-1]])
            text = help_text(path, sys.stdout, has_colours=wants_colour(sys.stdout, os.environ))
        else:
            return False
        sys.stdout.write(text)
        sys.stdout.flush()
    except (LookupError, OSError):
        return False
    return True


if __name__ == "__main__":
    main()
