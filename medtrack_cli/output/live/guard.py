"""Restores a terminal when we can't: after kill -9, or a crash."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress

from medtrack_cli import programs

# Reads which screen is shown, a line each time. If the input ends without a word, it shows the
# first screen again, with a cursor. Most shells set their own modes when a program is killed, so a
# moment later ours are only undone where they are still set.
_SCRIPT = r"""
exec 3>&1
ours=$(stty -g <&3)
while read -r screen; do last=$screen; done
case $last in
    alternate) printf '\033[?1049l\033[?25h\033[?7h\033[?2026l' ;;
    log) printf '\033[?25h\033[?7h\033[?2026l\n' ;;
    left) exit ;;
esac
sleep 0.2
[ $# = 0 ] || [ "$(stty -g <&3)" != "$ours" ] || stty "$@" <&3
"""

END_SECONDS = 1.0
"""Seconds that it may take to end."""


class Guard:
    """A process that outlives ours by a moment, in a session of its own: no key ends it.

    Where it can't be started, there is none.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._process: subprocess.Popen[bytes] | None = None
        self._told = ""

    def begin(self, modes: Sequence[str]) -> None:
        """Guard a terminal whose modes we have set; stty's arguments restore them."""
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
        """Say what is shown: the `log`, the `alternate` screen, or `none` of ours."""
        if self._process and self._process.stdin and screen != self._told:
            self._told = screen
            with suppress(OSError):  # it was killed
                self._process.stdin.write(f"{screen}\n".encode())

    def dismiss(self) -> None:
        self.tell("left")
        if process := self._process:
            self._process, self._told = None, ""
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=END_SECONDS)
            process.kill()
            process.wait()
