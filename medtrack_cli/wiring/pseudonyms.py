"""The key by which persons become others."""

from secrets import token_bytes

from medtrack_cli.core.publishing.pseudonyms import LEAST_KEY, Pseudonymizer
from medtrack_cli.errors import ConfigError
from medtrack_cli.runtime import Runtime

KEY = "MEDTRACK_PSEUDONYM_KEY"

_LENGTH = 32


def pseudonymizer(
    runtime: Runtime, *, maps_ids: bool = False, key: bytes | None = None
) -> Pseudonymizer:
    """Make one of the variable's key, else of the given one of an earlier run, else of a new one.

    ConfigError for a key that could be guessed.
    """
    text = runtime.world.environ.get(KEY)
    if text is not None:
        key = text.encode("utf-8", "surrogateescape")
        if len(key) < LEAST_KEY:
            what = f"the key has {len(key)} bytes, and needs {LEAST_KEY} at least"
            raise ConfigError(what, KEY, hint=f"export {KEY}=$(openssl rand -hex 16), and keep it")
    elif key is None:
        runtime.printer.note(f"fakes of this run alone: {KEY} isn't set")
    return Pseudonymizer(key or token_bytes(_LENGTH), runtime.registry, maps_ids=maps_ids)
