"""A broker's first answer: that it runs, and its version."""

import socket


def broker_version(host: str, port: int, patience: float) -> str | None:
    """Ask for AMQP 0-9-1 and read the version from the broker's answer, connection.start.

    None without such an answer within about `patience` seconds. There is no login. AMQP 0-9-1
    §4.2.2 (the protocol header) and §4.2.3 (the frame).
    """
    try:
        with socket.create_connection((host, port), patience) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            with connection.makefile("rb") as stream:
                header = stream.read(7)
                frame = stream.read(min(int.from_bytes(header[3:7]), 65_536))
    except OSError:
        return None
    if frame[:4] != b"\x00\x0a\x00\x0a":  # class 10, method 10: connection.start
        return None
    _, _, text = frame.partition(b"\x07versionS")
    return text[4 : 4 + int.from_bytes(text[:4])].decode("utf-8", "replace")
