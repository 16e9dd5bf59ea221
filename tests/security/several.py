"""Run command lines one after the other in one process, on whatever terminal it has.

The file named holds a JSON list of them; their exit codes take its place.
"""

import json
import sys
from pathlib import Path

from medtrack_cli.dispatch import run
from medtrack_cli.world import World

if __name__ == "__main__":
    path = Path(sys.argv[1])
    codes = [run(World(), arguments) for arguments in json.loads(path.read_text())]
    sys.stdout.flush()
    path.write_text(json.dumps(codes))
