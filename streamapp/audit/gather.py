"""Gathers what an audit needs: everything of the topic, the ledger, the dead letters and the store.

The ledger is read from its changelog in Kafka, so an audit works beside a running worker, after it, or elsewhere.
"""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec

from streamapp.audit.facts import Facts, Offsets
from streamapp.audit.recount import Recount
from streamapp.errors import UnreachableError
from streamapp.kafka.reader import Progress, read_topic
from streamapp.kafka.topics import begin_offsets, committed_offsets, end_offsets
from streamapp.local import Scrolls
from streamapp.pipeline.deadletter import DeadLetter, read_dead_letter
from streamapp.pipeline.decode import create_decoder
from streamapp.pipeline.entries import LedgerEntry
from streamapp.settings import Settings

PAGE = 2000
"""Points per page: some hundred kilobytes of payloads."""


class Gathered(NamedTuple):
    """What should be, and what is."""

    recount: Recount
    facts: Facts


async def gather(settings: Settings, store: Scrolls, in_flight: int, progress: Progress) -> Gathered:
    """Read it all. The store must be open; `progress` follows the reading of the topic.

    Raises BrokerUnreachableError, StoreUnavailableError, UnreachableError when the topic does not exist.
    """
    kafka, names = settings.kafka, settings.store
    ledger = await read_ledger(settings)
    offsets = Offsets(
        await begin_offsets(kafka, kafka.topic),
        await end_offsets(kafka, kafka.topic),
        await committed_offsets(kafka, kafka.group, kafka.topic),
    )
    if not offsets.end:
        raise UnreachableError(
            f"There is no topic {kafka.topic} at {kafka.bootstrap_servers}.",
            "Name yours with --topic, or produce something: `streamapp generate shop --count 1000`.",
        )
    letters, foreign = await _read_letters(settings)
    points = {point.id: point.payload async for point in _all_points(store, names.events_collection)}
    products = {
        str(point.payload["product_id"]): point.payload async for point in _all_points(store, names.products_collection)
    }
    recount = Recount(kafka.topic, create_decoder(settings.events), settings.dedup.ttl_seconds)
    # Only what the ledger has counted: what came after it is lag, not an error.
    reach = {partition: entry.offset + 1 for partition, entry in ledger.items()}
    async for records in read_topic(kafka, kafka.topic, end=reach, progress=progress):
        recount.add(records)
    return Gathered(recount, Facts(kafka.topic, offsets, ledger, letters, foreign, points, products, in_flight))


async def read_ledger(settings: Settings) -> dict[int, LedgerEntry]:
    """The newest ledger entry of every partition, from the table's changelog."""
    decode = msgspec.msgpack.Decoder(LedgerEntry).decode
    entries: dict[int, LedgerEntry] = {}
    async for records in read_topic(settings.kafka, f"{settings.kafka.group}-ledger-changelog"):
        entries.update({int(record.key): decode(record.value) for record in records if record.value is not None})
    return entries


async def _read_letters(settings: Settings) -> tuple[list[DeadLetter], int]:
    letters: list[DeadLetter] = []
    foreign = 0
    async for records in read_topic(settings.kafka, settings.kafka.dlq):
        read = [read_dead_letter(record) for record in records]
        letters.extend(letter for letter in read if letter is not None)
        foreign += read.count(None)
    return letters, foreign


async def _all_points(store: Scrolls, collection: str) -> AsyncIterator[Any]:
    after: str | None = None
    while True:
        page = await store.scroll(collection, after, PAGE)
        for point in page.points:
            yield point
        if page.next is None:
            return
        after = page.next
