"""Where the settings say Kafka is: on this machine, and at which port."""

import contextlib
import socket

from streamapp.kafka.credentials import servers
from streamapp.settings import KafkaSettings

LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")

KNOCK_SECONDS = 2.0
"""How long a first connection may take before nobody is said to be at home."""


def address(server: str) -> tuple[str, int]:
    """Host and port of `host:port`.

    >>> address("[::1]:9092")
    ('[::1]', 9092)
    """
    host, _, port = server.rpartition(":")
    return host, int(port)


def is_local(kafka: KafkaSettings) -> bool:
    """Whether Kafka is expected on this machine, where we could start one."""
    return all(address(server)[0] in LOCAL_NAMES for server in servers(kafka))


def someone_listens(kafka: KafkaSettings) -> bool:
    """Whether anything takes a connection where Kafka should be; spares aiokafka's complaints when nobody does."""
    for server in servers(kafka):
        host, port = address(server)
        with contextlib.suppress(OSError), socket.create_connection((host.strip("[]"), port), KNOCK_SECONDS):
            return True
    return False
