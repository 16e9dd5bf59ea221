"""rich's texts as characters for a terminal: 16 colours, or none."""

from rich.color import ColorSystem
from rich.console import Console
from rich.text import Text


def console_for(*, colour: bool) -> Console:
    """Make the console that `paint` asks for styles; it writes nothing itself."""
    return Console(color_system="standard" if colour else None, force_terminal=colour)


def paint(text: Text, console: Console) -> str:
    """Write a text with its colours; nothing in it is wrapped, cut or highlighted."""
    if console.color_system is None:
        return text.plain
    return "".join(
        segment.style.render(segment.text, color_system=ColorSystem.STANDARD)
        if segment.style
        else segment.text
        for segment in text.render(console)
    )
