"""Letters put aside: copied to a topic that keeps them, and left alone by every replay from then on.

The topic itself is the memory, so it holds on every machine; a letter that is there already is not copied again.
"""

from typing import NamedTuple

from streamapp.deadletters.choose import Filter
from streamapp.deadletters.letter import Letter, copied, identity
from streamapp.deadletters.read import matching, quarantine_topic, read_identities
from streamapp.deadletters.replay import GROUP_BYTES, GROUP_LETTERS
from streamapp.deadletters.send import Post, Posted, open_post
from streamapp.kafka.clients import DEAD_LETTER_BYTES
from streamapp.kafka.topics import TopicSpec, ensure_topics
from streamapp.settings import KafkaSettings


class PutAside(NamedTuple):
    """What a quarantine did: letters copied, letters that were there before, and the topic."""

    quarantined: int
    already: int
    topic: str


async def quarantine(kafka: KafkaSettings, wanted: Filter, *, dry_run: bool = False) -> PutAside:
    """Put the letters that are meant aside; `dry_run` only counts them. Raises BrokerUnreachableError."""
    topic = quarantine_topic(kafka)
    known = await read_identities(kafka, topic)
    copies = already = size = 0
    group: list[Letter] = []
    async with open_post(kafka) as post:
        async for letter in matching(kafka, wanted):
            if identity(letter) in known:
                already += 1
                continue
            copies += 1
            if dry_run:
                continue
            group.append(letter)
            size += len(letter.dead.value or b"")
            if len(group) == GROUP_LETTERS or size >= GROUP_BYTES:
                await _copy(kafka, post, group)
                group, size = [], 0
        if group:
            await _copy(kafka, post, group)
    return PutAside(copies, already, topic)


async def _copy(kafka: KafkaSettings, post: Post, group: list[Letter]) -> None:
    topic = quarantine_topic(kafka)
    # Kept for ever: if a copy went before its letter, a replay would pick the letter up again.
    await ensure_topics(
        kafka, [TopicSpec(topic, 1, {"max.message.bytes": str(DEAD_LETTER_BYTES), "retention.ms": "-1"})]
    )
    await post.send([Posted(topic, 0, copied(letter)) for letter in group])
