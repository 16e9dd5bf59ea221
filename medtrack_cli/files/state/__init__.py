"""What outlives a run: journals, and where they are kept."""

from collections.abc import Mapping
from pathlib import Path


def state_folder(environ: Mapping[str, str], *names: str) -> Path:
    """Return the folder `$XDG_STATE_HOME/medtrack`.

    A relative XDG_STATE_HOME is ignored, as the XDG base directory specification asks.
    """
    state = Path(environ.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        state = Path(environ.get("HOME") or Path.home(), ".local", "state")
    return state.joinpath("medtrack", *names)
