"""What was expected of a run as a JUnit report: a test case each."""

from typing import TextIO

from medtrack_cli.core.simulating.expectations import Expectations
from medtrack_cli.output.reporters.junit import JunitDocument
from medtrack_cli.output.shown.expectations import near_misses, time_line


def report(out: TextIO, expected: Expectations, seconds: float, *, reveal: bool) -> None:
    """Write it; what isn't met is a failure with its near misses and the time line."""
    document, unmet = JunitDocument(out, "simulate run"), expected.unmet
    for each in expected.wanted:
        document.begin(f"{each.text} ({each.place})")
        if each in unmet:
            document.result("failure", "not_met", each.came)
            for line in (*near_misses(each, reveal=reveal), *time_line(expected)):
                document.write(line)
    document.finish(seconds)
