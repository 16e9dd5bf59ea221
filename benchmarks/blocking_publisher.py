"""The other side of the publishing benchmark: pika's BlockingConnection, one confirm at a time.

`python -m benchmarks.blocking_publisher FILE COUNT` prints the seconds and the seconds of CPU
that COUNT events took, without the start of the process.
"""

import os
import sys
import time
from itertools import islice
from pathlib import Path

import pika

from medtrack_cli.private_broker import EXCHANGE


def main(file: str, count: int) -> None:
    """Publish the first events of a file, persistent, mandatory, confirmed."""
    properties = pika.BasicProperties(content_type="application/json", delivery_mode=2)
    with Path(file).open("rb") as lines:
        bodies = [line.rstrip(b"\n") for line in islice(lines, count)]
    with pika.BlockingConnection(pika.URLParameters(os.environ["MEDTRACK_URL"])) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        started, cpu = time.perf_counter(), time.process_time()
        for body in bodies:
            channel.basic_publish(EXCHANGE, "student.created", body, properties, mandatory=True)
        print(time.perf_counter() - started, time.process_time() - cpu)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
