"""What a change of a contract means, with the events that prove it."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.compatibility import Compared
from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.shown.shown import Record, Sheet


class ShownComparison(NamedTuple):
    """Two contracts, and the changes between them."""

    compared: Compared

    def records(self) -> Iterator[Record]:
        compared = self.compared
        result = compared.comparison
        yield {
            "kind": Kind.COMPARISON,
            "old": compared.old.name,
            "new": compared.new.name if compared.new else None,
            "backward": result.backward if result else "no",
            "forward": result.forward if result else "yes",
            "full": result.full if result else "no",
            "changes": [
                {
                    "rule": change.rule,
                    "pointer": compared.pointer(change),
                    "message": change.message,
                    "breaks": sorted(change.breaks),
                    "undecided": sorted(change.undecided),
                    "deploy_first": (result and result.deploy_first(change)) or None,
                    "event": compared.event(change),
                }
                for change in (result.changes if result else ())
            ],
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        return sheet.text("\n".join(self._texts()))

    def _texts(self) -> Iterator[str]:
        """Say what a change means for readers and for writers."""
        compared, result = self.compared, self.compared.comparison
        if result is None or compared.new is None:
            yield f"{compared.old.name} is gone: events that are still sent are not understood"
            return
        answers = f"backward {result.backward}, forward {result.forward}, full {result.full}"
        yield f"{compared.old.name} -> {compared.new.name}: {answers}"
        for change in result.changes:
            verdicts = {"breaking": change.breaks, "undecided": change.undecided}
            said = [f"{each} {' and '.join(sorted(of))}" for each, of in verdicts.items() if of]
            label = ", ".join(said) or "compatible"
            yield f"  {label}: {change.rule} at {compared.pointer(change)}: {change.message}"
            if first := result.deploy_first(change):
                yield f"    deploy the {first} first, everywhere"
            if (event := compared.event(change)) is not None:
                yield f"    no longer understood: {json.dumps(event, ensure_ascii=False)}"
