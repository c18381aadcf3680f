"""The profiles: sets of defaults, by dotted name, for the places where streamapp runs.

Anything here can be overruled by the file, the environment or a flag.
"""

from typing import Any

PROFILES: dict[str, dict[str, Any]] = {
    # A laptop: the defaults of `settings.py` are made for it.
    "local": {},
    # Containers that find each other by name. The web listens for the host too, so web.token must be given.
    "compose": {
        "kafka.bootstrap_servers": "kafka:9092",
        "logs.format": "json",
        "web.host": "0.0.0.0",  # noqa: S104 - a container's own interface; the token rule guards it
    },
    # A cluster of three brokers or more: no topic of ours may be lost with one of them.
    "production": {
        "kafka.replication": 3,
        "logs.format": "json",
    },
}
