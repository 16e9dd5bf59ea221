"""The page of stats."""

from pathlib import Path
from typing import TYPE_CHECKING

from medtrack_cli.output.new_file import report_file
from medtrack_cli.output.stats.html import refuse_place, stats_html

if TYPE_CHECKING:
    from medtrack_cli.core.statistics.counts import Stats

__all__ = ["refuse_place", "write_page"]


def write_page(path: Path, stats: "Stats", subject: str) -> None:
    """Write statistics as a page of HTML, which appears under its name when it is complete."""
    with report_file(path) as out:
        out.write(stats_html(stats, subject))
