"""Gives a terminal back when nobody else can: after kill -9, or a crash."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress

from medtrack_cli import programs

# Reads which screen is shown, a line each time. Where that ends without a word, the first screen is
# shown again, with a cursor. Most shells set their own modes when a program is killed, so ours are
# only taken back where they still are, a moment later.
_SCRIPT = r"""
exec 3>&1
ours=$(stty -g <&3)
while read -r screen; do last=$screen; done
case $last in
    aside) printf '\033[?1049l\033[?25h\033[?7h\033[?2026l' ;;
    log) printf '\033[?25h\033[?7h\033[?2026l\n' ;;
    left) exit ;;
esac
sleep 0.2
[ $# = 0 ] || [ "$(stty -g <&3)" != "$ours" ] || stty "$@" <&3
"""

END_SECONDS = 1.0
"""So long it may take to end."""


class Guard:
    """A process that ends a moment after ours, in a session of its own: no key ends it.

    Where it can't be started there is none.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._process: subprocess.Popen[bytes] | None = None
        self._told = ""

    def begin(self, modes: Sequence[str]) -> None:
        """Guard a terminal whose modes are ours; stty's words take them back."""
        self.dismiss()
        with suppress(OSError):
            self._process = subprocess.Popen(  # noqa: S603 -- a script of our own
                ["/bin/sh", "-c", _SCRIPT, "sh", *modes],
                env=programs.for_others(),
                stdin=subprocess.PIPE,
                stdout=self._terminal,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )

    def tell(self, screen: str) -> None:
        """Say what is shown: the `log`, what is `aside` of it, or `none` of ours."""
        if self._process and self._process.stdin and screen != self._told:
            self._told = screen
            with suppress(OSError):  # it was killed
                self._process.stdin.write(f"{screen}\n".encode())

    def dismiss(self) -> None:
        """Let it go."""
        self.tell("left")
        if process := self._process:
            self._process, self._told = None, ""
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=END_SECONDS)
            process.kill()
            process.wait()
