"""Numbers of things, in words."""


def counted(number: int, noun: str) -> str:
    """Write how many there are: 1 event, 2,000 events."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
