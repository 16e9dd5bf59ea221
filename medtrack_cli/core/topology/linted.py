"""The result of a topology lint."""

from dataclasses import dataclass

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.topology.model import Topology
from medtrack_cli.core.verdict import Verdict
from medtrack_cli.plural import counted


@dataclass(slots=True)
class Linted(Verdict):
    """Counts of a lint."""

    kind = Kind.LINTED

    queues: int = 0
    bindings: int = 0

    @classmethod
    def of(cls, topology: Topology, *, strict: bool) -> "Linted":
        """Count what is to be checked."""
        bindings = sum(map(len, topology.bindings.values()))
        return cls(strict=strict, queues=len(topology.queues), bindings=bindings)

    def numbers(self) -> dict[str, float]:
        """Give the numbers of the summary."""
        return {
            "queues": self.queues,
            "bindings": self.bindings,
            "errors": self.errors,
            "warnings": self.warnings,
            "seconds": round(self.seconds, 3),
            "exit_code": self.exit_code,
        }

    def so_far(self) -> str:
        """Say how much has been checked."""
        return f"checked {counted(self.queues, 'queue')}, {counted(self.bindings, 'binding')}"
