"""medtrack completion: the shells' scripts, and the answers to them."""

from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum

from medtrack_cli.commands.options import Panel, argument, command
from medtrack_cli.errors import ExitCode
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World

EXAMPLES = (
    "medtrack completion bash > medtrack.bash",
    "medtrack completion zsh > _medtrack",
    "medtrack completion fish > medtrack.fish",
)


class Shell(StrEnum):
    """The shells that have a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@command("completion", *EXAMPLES, effect="read", panel=Panel.SET_UP)
def completion(
    runtime: Runtime,
    shell: Shell = argument("SHELL", "bash, zsh or fish."),
    words: list[str] | None = argument(
        "WORD…", "The words typed so far, to be completed; for the script.", default=None
    ),
) -> int:
    """Print the script that completes medtrack.

    In every bash from now on: echo 'eval "$(medtrack completion bash)"' >> ~/.bashrc

    In every zsh: echo 'eval "$(medtrack completion zsh)"' >> ~/.zshrc

    In every fish: medtrack completion fish > ~/.config/fish/completions/medtrack.fish

    Types, versions, fields, profiles, codes and queues are looked up at each Tab:
    docs/completion.md says where.
    """
    stdout = runtime.world.stdout
    if words is None:
        from importlib.resources import files

        script = files("medtrack_cli.shells").joinpath(f"medtrack.{shell}")
        stdout.write(script.read_text("utf-8"))
        return ExitCode.DONE
    with suppress(Exception):  # pressing Tab is no occasion to report errors
        stdout.write(_told(runtime.world, shell, words))
    return ExitCode.DONE


def _told(world: World, shell: Shell, words: Sequence[str]) -> str:
    """Answer a script in its shell's form."""
    from medtrack_cli.commands.typed_line import completions
    from medtrack_cli.shells.words import read

    if shell is Shell.BASH:
        line, word = words
        typed = read(line)
        return completions(world, typed.words[1:], typed.last).bash(typed, word)
    *before, last = words
    if shell is Shell.ZSH:
        return completions(world, before, last).zsh()
    typed = read(last)
    return completions(world, before, typed.last).fish(typed.quote)
