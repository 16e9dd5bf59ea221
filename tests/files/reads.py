"""Reading real files in tests."""

from io import BytesIO
from pathlib import Path

from medtrack_cli.core.items import Item
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import AnyRule
from medtrack_cli.events.registry import built_in
from medtrack_cli.files.reading.sources import Source, expand
from medtrack_cli.files.reading.syntax import read


def read_file(path: Path, as_type: str | None = None) -> list[Item]:
    """Read all of a file."""
    items: list[Item] = []
    for source in expand([str(path)]):
        if isinstance(source, InputMissing):
            raise source
        items += read(source, wants_text=built_in().wants_text, as_type=as_type, open_stdin=BytesIO)
    return items


def read_stdin(content: bytes) -> list[Item]:
    """Read bytes as standard input."""
    source = Source("<stdin>")
    return list(read(source, wants_text=built_in().wants_text, open_stdin=lambda: BytesIO(content)))


def bodies(items: list[Item]) -> list[bytes | None]:
    """Only the bodies."""
    return [item.body for item in items]


def places(items: list[Item]) -> list[tuple[AnyRule, int, int]]:
    """Every finding's rule, line and column."""
    return [
        (finding.rule, finding.span.line, finding.span.column)
        for item in items
        for finding in item.findings
    ]
