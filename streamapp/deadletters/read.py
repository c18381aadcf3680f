"""The dead-letter topics read: everything that is there now, or one offset. Leaves no trace in Kafka.

A topic that is not there yet holds no letters. Raises BrokerUnreachableError when no broker answers, and nothing else.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from streamapp.deadletters.choose import Filter
from streamapp.deadletters.letter import Letter, identity, read_letter
from streamapp.deadletters.summary import Summary
from streamapp.errors import StreamappError
from streamapp.kafka.clients import admin, reached
from streamapp.kafka.reader import Progress, read_topic
from streamapp.kafka.topics import begin_offsets, end_offsets, topic_partitions
from streamapp.settings import KafkaSettings


def quarantine_topic(kafka: KafkaSettings) -> str:
    """Where letters are put aside."""
    return f"{kafka.dlq}-quarantine"


async def cluster_id(kafka: KafkaSettings) -> str:
    """Which Kafka this is, whatever address it is reached by."""
    async with admin(kafka) as client:
        return str((await client.describe_cluster())["cluster_id"])


async def read_letters(
    kafka: KafkaSettings,
    topic: str,
    *,
    start: Mapping[int, int] | None = None,
    end: Mapping[int, int] | None = None,
    progress: Progress | None = None,
) -> AsyncGenerator[Letter | None]:
    """Every record of a topic, each partition in offset order; None for one that is no dead letter."""
    if not await topic_partitions(kafka, topic):
        return
    batches = read_topic(kafka, topic, start=start, end=end, progress=progress)
    async with reached(kafka), aclosing(batches):  # its connection goes when the reader of this has enough
        async for records in batches:
            for record in records:
                yield read_letter(record)


async def read_identities(kafka: KafkaSettings, topic: str) -> set[bytes]:
    """What the letters of a topic are about; for the quarantine, what replays leave alone."""
    return {identity(letter) async for letter in read_letters(kafka, topic) if letter is not None}


async def summarise(kafka: KafkaSettings, wanted: Filter) -> Summary:
    """All letters that are meant, counted and listed without their content."""
    summary = Summary(wanted, await read_identities(kafka, quarantine_topic(kafka)))
    async for letter in read_letters(kafka, kafka.dlq):
        summary.add(letter)
    return summary


async def find_letter(kafka: KafkaSettings, offset: int) -> Letter | None:
    """The letter at an offset, None in a topic without any letter.

    Raises StreamappError when the topic has letters, but none there.
    """
    begins, ends = await begin_offsets(kafka, kafka.dlq), await end_offsets(kafka, kafka.dlq)
    start, end = dict.fromkeys(ends, offset), dict.fromkeys(ends, offset + 1)
    async with aclosing(read_letters(kafka, kafka.dlq, start=start, end=end)) as letters:
        async for letter in letters:
            if letter is not None and letter.dead.offset == offset:
                return letter
    if begins == ends:
        return None
    raise StreamappError(
        f"There is no dead letter at offset {offset} of {kafka.dlq}; "
        f"offsets go from {min(begins.values())} to {max(ends.values()) - 1}.",
        "`streamapp dlq list` shows them.",
    )


async def matching(kafka: KafkaSettings, wanted: Filter) -> AsyncGenerator[Letter]:
    """The letters that are meant, each record's first."""
    seen: set[bytes] = set()
    async with aclosing(read_letters(kafka, kafka.dlq)) as letters:
        async for letter in letters:
            if letter is not None and wanted.matches(letter) and (key := identity(letter)) not in seen:
                seen.add(key)
                yield letter
