"""What a single Kafka node is told: its properties, its logging, its command line. Pure text, nothing runs here.

In: ports and `BrokerSettings`. Out: the files and arguments of one KRaft node that is broker and controller at once.
Paths in them are relative to the node's folder, where it runs, so that no odd character of a home folder (a comma
separates log folders, a colon classpath entries) reaches Kafka. Trap: Kafka's defaults expect three brokers.
"""

import base64
import uuid
from collections.abc import Sequence
from pathlib import Path

from streamapp.kafka.ports import LOCALHOST
from streamapp.settings import BrokerSettings

DATA = "data"
PROPERTIES = "server.properties"
LOG4J = "log4j2.properties"
LOG = "../logs/kafka.log"

OFFSETS_PARTITIONS = 8
"""Kafka's 50 open 50 folders for a handful of groups."""

OFFSETS_RETENTION_MINUTES = 90 * 24 * 60
"""Kafka forgets a silent group after a week; a laptop closed for longer must not read everything again."""

CLEANER_BYTES = 16 * 1024 * 1024
"""Kafka's 128 MB would be a quarter of the heap; this compacts 600,000 keys of a changelog in one pass."""


def server_properties(port: int, controller_port: int, settings: BrokerSettings) -> str:
    """Write the node's `server.properties`: one node, 127.0.0.1 only, no topics made by accident."""
    values: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        # A static quorum, since the controller's port is chosen anew at every start.
        "controller.quorum.voters": f"1@{LOCALHOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOCALHOST}:{port},CONTROLLER://{LOCALHOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOCALHOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": DATA,
        "log.retention.hours": settings.retention_hours,
        "log.cleaner.dedupe.buffer.size": CLEANER_BYTES,
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": OFFSETS_PARTITIONS,
        "offsets.retention.minutes": OFFSETS_RETENTION_MINUTES,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # After kill -9 the controller waits this long for the broker that it remembers before it lets the new one in:
        # 9 s by default, and so 13 s until it answers. Both live in one process, so a short silence means a real end.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # Nobody else will join in the first three seconds.
        "group.initial.rebalance.delay.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def log4j2_properties() -> str:
    """Write a quiet logging: warnings, and that the node came and went; three files of 5 MB at most."""
    return f"""\
status=error
appender.file.type=RollingFile
appender.file.name=FILE
appender.file.fileName={LOG}
appender.file.filePattern={LOG}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{{yyyy-MM-dd'T'HH:mm:ss.SSS}} %p %m (%c)%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=5MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=2
rootLogger.level=WARN
rootLogger.appenderRef.file.ref=FILE
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=INFO
logger.parser.name=org.apache.kafka.common.utils.AppInfoParser
logger.parser.level=ERROR
"""


def java_command(
    java: Path, jars: Sequence[Path], main: str, arguments: Sequence[str], heap_megabytes: int
) -> list[str]:
    """Return the command that runs one of Kafka's main classes."""
    return [
        str(java),
        f"-Xmx{heap_megabytes}m",
        # One small heap on a shared machine: the serial collector starts soonest and keeps no threads of its own.
        "-XX:+UseSerialGC",
        # The quick compiler alone. Measured here: 2.4 s of CPU until it answers instead of 4.0, and 400,000 records
        # come in for 1.2 s of CPU instead of 2.6, since the thorough one competes with the work for two cores.
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={LOG4J}",
        "-cp",
        ":".join(str(jar) for jar in jars),
        main,
        *arguments,
    ]


def new_cluster_id() -> str:
    """Return a random cluster id in the form Kafka wants: 16 bytes, base64 for URLs, no padding."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass  # a leading dash would be read as an option
    return text
