"""How much memory a run takes."""

import subprocess
import time

from tests.cli.tool import Running


def megabytes(running: Running) -> float:
    """Measure the memory a run has now, in MiB; 0 when it has ended."""
    command = ["ps", "-o", "rss=", "-p", str(running.process.pid)]
    seen = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return int(seen or 0) / 1024


def peak_memory(running: Running) -> float:
    """Watch a run to its end; give the most memory it had, in MiB."""
    peak = 0.0
    while running.process.poll() is None:
        peak = max(peak, megabytes(running))
        time.sleep(0.05)
    return peak
