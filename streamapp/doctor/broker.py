"""What Kafka is like: its address, whether it answers, its topics, and the jars to start one of our own."""

import asyncio
from collections.abc import Mapping

from streamapp.doctor.check import Finding
from streamapp.doctor.place import address, is_local, someone_listens
from streamapp.errors import BrokerUnreachableError
from streamapp.kafka.clients import admin
from streamapp.kafka.credentials import servers
from streamapp.kafka.jars import default_folder, missing_jars, read_lock
from streamapp.kafka.ports import LOCALHOST, check_port, holder
from streamapp.pipeline.tables import TABLE_NAMES
from streamapp.settings import BrokerSettings, KafkaSettings

ANSWER_SECONDS = 6.0
"""Within the limit of a check; a broker that is well answers in a tenth of a second."""

START_ONE = "Start one with `streamapp kafka` or `make demo`."


def check_broker_port(kafka: KafkaSettings) -> Finding:
    """The port for a Kafka of this machine is free, or a Kafka answers there."""
    if not is_local(kafka):
        return Finding("good", f"none is needed here: Kafka is at {kafka.bootstrap_servers}")
    _, port = address(servers(kafka)[0])
    if not someone_listens(kafka):
        check_port(port)
        return Finding("good", f"{LOCALHOST}:{port} is free")
    try:
        topics = ask_topics(kafka)
    except BrokerUnreachableError:
        return Finding(
            "bad",
            f"{LOCALHOST}:{port} is in use by {holder(port)}, which does not answer as a Kafka",
            f"Stop that, or choose another port: STREAMAPP_KAFKA__BOOTSTRAP_SERVERS={LOCALHOST}:{port + 100}.",
        )
    return Finding("good", f"a Kafka with {len(topics)} topics answers at {LOCALHOST}:{port}")


def check_answer(kafka: KafkaSettings) -> Finding:
    """A broker answers. None yet is a warning where one can be started here."""
    where = kafka.bootstrap_servers
    if not someone_listens(kafka):
        if is_local(kafka):
            return Finding("warning", f"none runs at {where} yet", START_ONE)
        return Finding("bad", f"nobody answers at {where}", "Is it up, and may this machine reach it? " + _NAME_YOURS)
    try:
        brokers = asyncio.run(_ask_brokers(kafka))
    except BrokerUnreachableError as error:
        return Finding("bad", error.message, "Does the security setting (kafka.security_protocol) fit? " + _NAME_YOURS)
    return Finding("good", f"{brokers} broker{'s' if brokers != 1 else ''} at {where}")


_NAME_YOURS = "Else name yours with STREAMAPP_KAFKA__BOOTSTRAP_SERVERS."


def check_topics(kafka: KafkaSettings) -> Finding:
    """The topics there are fit each other."""
    if not someone_listens(kafka):
        return Finding("warning", "cannot be seen while no broker answers", START_ONE if is_local(kafka) else "")
    return judge_topics(kafka, ask_topics(kafka))


def judge_topics(kafka: KafkaSettings, topics: Mapping[str, int]) -> Finding:
    """What follows from the topics there are, with their partitions. Pure."""
    source = topics.get(kafka.topic, kafka.partitions)
    changelogs = {
        name: topics[name] for name in (f"{kafka.group}-{table}-changelog" for table in TABLE_NAMES) if name in topics
    }
    wrong = {name: partitions for name, partitions in changelogs.items() if partitions != source}
    if wrong:
        return _misfit(kafka, source, wrong)
    missing = [name for name in (kafka.topic, kafka.dlq) if name not in topics]
    seen = [f"{name} has {topics[name]} partition{'s' * (topics[name] != 1)}" for name in (kafka.topic, kafka.dlq)
            if name in topics]  # fmt: skip
    seen += [f"{len(changelogs)} changelogs fit"] if changelogs else []
    seen += [f"{' and '.join(missing)} will be made by the worker"] if missing else []
    return Finding("good", "; ".join(seen))


def _misfit(kafka: KafkaSettings, source: int, wrong: Mapping[str, int]) -> Finding:
    name, partitions = next(iter(wrong.items()))
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return Finding(
        "bad",
        f"{name}{more} has {partitions} partitions, but {kafka.topic} has {source}",
        "The tables cannot be kept like that. Take another STREAMAPP_KAFKA__GROUP, which reads the topic anew, "
        f"or delete the changelogs of group {kafka.group}.",
    )


def check_jars(kafka: KafkaSettings, broker: BrokerSettings) -> Finding:
    """Kafka's own files, which the first start loads."""
    if not is_local(kafka):
        return Finding("good", "not needed: Kafka is elsewhere")
    folder, jars = broker.jars or default_folder(), read_lock()
    missing = missing_jars(folder, jars)
    if missing:
        return Finding(
            "warning",
            f"{len(missing)} of {len(jars)} are not in {folder} yet",
            "The first `streamapp kafka` or `make demo` loads them (43 MB, half a minute, needs a network).",
        )
    return Finding("good", f"{len(jars)} in {folder}, each as expected")


def ask_topics(kafka: KafkaSettings) -> dict[str, int]:
    """The partitions of every topic. Raises BrokerUnreachableError."""
    return asyncio.run(_ask_topics(kafka))


async def _ask_topics(kafka: KafkaSettings) -> dict[str, int]:
    async with admin(kafka, ANSWER_SECONDS) as client, asyncio.timeout(ANSWER_SECONDS):
        return {topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics()}


async def _ask_brokers(kafka: KafkaSettings) -> int:
    async with admin(kafka, ANSWER_SECONDS) as client, asyncio.timeout(ANSWER_SECONDS):
        return len((await client.describe_cluster())["brokers"])
