"""How much memory a run takes."""

import subprocess
import time

from tests.cli.tool import Running


def peak_memory(running: Running) -> float:
    """Watch a run to its end; give the most memory it had, in MiB."""
    peak = 0
    command = ["ps", "-o", "rss=", "-p", str(running.process.pid)]
    while running.process.poll() is None:
        seen = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        peak = max(peak, int(seen or 0))
        time.sleep(0.05)
    return peak / 1024
