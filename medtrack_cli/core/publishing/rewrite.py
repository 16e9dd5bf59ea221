"""What a replay changes of a recorded delivery on its way."""

from dataclasses import dataclass

from medtrack_cli.core.ports import To


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The changes that were asked for; none: it is sent as it was."""

    to: To | None = None  # where dead letters go


AS_IT_WAS = Rewrite()
