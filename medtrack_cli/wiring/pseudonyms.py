"""The key that turns persons into made-up ones, and where it is kept."""

from collections.abc import Mapping
from secrets import token_bytes
from typing import Any

from medtrack_cli.core.publishing.pseudonyms import LEAST_KEY, Pseudonymizer
from medtrack_cli.errors import ConfigError, UsageError
from medtrack_cli.files.state.replay_journal import OWN_KEY
from medtrack_cli.runtime import Runtime

KEY = "MEDTRACK_PSEUDONYM_KEY"

_MARK = "pseudonym_mark"
_LENGTH = 32


def pseudonymizer(
    runtime: Runtime, *, maps_ids: bool = False, kept: Mapping[str, Any] | None = None
) -> Pseudonymizer:
    """Make one with the variable's key, else a random one; `kept` has that of an earlier run.

    ConfigError for a key that could be guessed, UsageError for another than that run's.
    """
    if kept and OWN_KEY in kept:
        return _made(runtime, bytes.fromhex(kept[OWN_KEY]), maps_ids=maps_ids, is_random=True)
    text = runtime.world.environ.get(KEY)
    if text is None and not kept:
        runtime.printer.note(f"fakes of this run alone: {KEY} isn't set")
        return _made(runtime, token_bytes(_LENGTH), maps_ids=maps_ids, is_random=True)
    key = (text or "").encode("utf-8", "surrogateescape")
    if text is not None and len(key) < LEAST_KEY:
        what = f"the key has {len(key)} bytes, and needs {LEAST_KEY} at least"
        raise ConfigError(what, KEY, hint=f"export {KEY}=$(openssl rand -hex 16), and keep it")
    made = _made(runtime, key, maps_ids=maps_ids, is_random=False)
    if kept and made.mark != kept.get(_MARK):
        hint = f"export {KEY} as it was when the run began"
        raise UsageError("the run's fakes were made with another key", KEY, hint=hint)
    return made


def to_keep(made: Pseudonymizer | None) -> dict[str, str]:
    """Give what a journal keeps so that the run can continue with the same fakes."""
    if made is None:
        return {}
    return {_MARK: made.mark} | ({OWN_KEY: made.key.hex()} if made.is_random else {})


def _made(runtime: Runtime, key: bytes, *, maps_ids: bool, is_random: bool) -> Pseudonymizer:
    return Pseudonymizer(key, runtime.registry, maps_ids=maps_ids, is_random=is_random)
