"""What the programs that medtrack starts learn of its environment."""

from collections.abc import Mapping


def for_others(environ: Mapping[str, str]) -> dict[str, str]:
    """Leave out every MEDTRACK_… variable: any of them may hold a password."""
    return {name: text for name, text in environ.items() if not name.startswith("MEDTRACK_")}
