"""aio-pika with confirms, up to 500 waiting at a time; it needs nothing of medtrack.

`python aio_publisher.py URL EXCHANGE FILE COUNT` prints the seconds and the seconds of CPU that
COUNT events took, without the start of the process.
"""

import asyncio
import sys
import time
from itertools import islice
from pathlib import Path

import aio_pika  # type: ignore[import-not-found] # in the folder of the peers

WINDOW = 500


async def publish(url: str, name: str, bodies: list[bytes]) -> None:
    """Publish persistent, mandatory, confirmed."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        exchange = await channel.get_exchange(name)
        started, cpu = time.perf_counter(), time.process_time()
        for begin in range(0, len(bodies), WINDOW):
            sent = (
                exchange.publish(
                    aio_pika.Message(*(body,), content_type="application/json", delivery_mode=2),
                    "student.created",
                    mandatory=True,
                )
                for body in bodies[begin : begin + WINDOW]
            )
            await asyncio.gather(*sent)
        print(time.perf_counter() - started, time.process_time() - cpu)


def main(url: str, exchange: str, file: str, count: int) -> None:
    """Publish the first events of a file."""
    with Path(file).open("rb") as lines:
        bodies = [line.rstrip(b"\n") for line in islice(lines, count)]
    asyncio.run(publish(url, exchange, bodies))


if __name__ == "__main__":
    _, *texts, number = sys.argv
    main(texts[0], texts[1], texts[2], int(number))
