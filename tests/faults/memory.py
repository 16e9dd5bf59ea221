"""How much memory a run takes."""

import re
import subprocess
import time
from pathlib import Path

from tests.cli.tool import Running


def _most(running: Running) -> float:
    """Measure the most memory a run has had, in MiB, where the system tells; else what it has."""
    try:
        told = Path(f"/proc/{running.process.pid}/status").read_text("ascii")
    except OSError:
        return megabytes(running)
    return int((re.search(r"VmHWM:\s+([0-9]+)", told) or [0, 0])[1]) / 1024


def megabytes(running: Running) -> float:
    """Measure the memory a run has now, in MiB; 0 when it has ended."""
    command = ["ps", "-o", "rss=", "-p", str(running.process.pid)]
    seen = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return int(seen or 0) / 1024


def peak_memory(running: Running) -> float:
    """Watch a run to its end; give the most memory it had, in MiB."""
    peak = 0.0
    while running.process.poll() is None:
        peak = max(peak, _most(running))
        time.sleep(0.05)
    return peak
