"""What a worker without fault leaves behind, made by hand from records: facts that match, to be bent by a test."""

import uuid

import msgspec
from aiokafka.structs import ConsumerRecord

from streamapp.audit.facts import Facts, Offsets
from streamapp.audit.recount import Recount
from streamapp.events import Event, Product, event_point_id
from streamapp.pipeline.deadletter import dead_letter, read_dead_letter
from streamapp.pipeline.decode import create_decoder
from streamapp.pipeline.entries import LedgerEntry, fold_ledger
from streamapp.pipeline.ingest import plan
from streamapp.settings import EventSettings

TOPIC = "ecommerce-events"
NOON = 1_750_000_000.0
decode = create_decoder(EventSettings(contract="strict"))


def event_id(number):
    return str(uuid.UUID(int=number))


def event(number=1, *, at=NOON, user="u-1", product="p-1", name="Kettle", price=10.0):
    described = Product(product, name, f"{name}, described", "Kitchen", price)
    return Event(event_id(number), at, user, "page_view", described, "s-1")


def record(offset, value=None, *, key=b"u-1", partition=0, timestamp=NOON, headers=()):
    data = msgspec.json.encode(value) if isinstance(value, Event) else value
    return ConsumerRecord(
        TOPIC, partition, offset, int(timestamp * 1000), 0, key, data, None, 0, 0, tuple(headers)
    )  # fmt: skip


def tombstone(offset, key, **more):
    return record(offset, None, key=key.encode(), **more)


def point_of(one, partition, offset):
    """An event's point as the store gives it back: (point id, payload)."""
    product = one.product
    return event_point_id(one.event_id), {
        "event_id": one.event_id,
        "timestamp": one.timestamp,
        "user_id": one.user_id,
        "event_type": one.event_type,
        "session_id": one.session_id,
        "product_id": product.id,
        "name": product.name,
        "description": product.description,
        "category": product.category,
        "price": product.price,
        "topic": TOPIC,
        "partition": partition,
        "offset": offset,
    }


def letter_of(bad, offset=0):
    """The dead letter that a rejected record becomes, as it is read back."""
    made = dead_letter(bad, decode(bad.key, bad.value))
    read = ConsumerRecord(
        f"{TOPIC}-dlq", 0, offset, made.timestamp_ms, 0, made.key, made.value, None, 0, 0, made.headers
    )
    found = read_dead_letter(read)
    assert found is not None
    return found


def recount_of(*runs, ttl=86_400.0):
    made = Recount(TOPIC, decode, ttl)
    for run in runs:
        made.add(run)
    return made


def facts_of(*runs):
    """What a worker without fault leaves behind after these runs, each of one partition, in this order."""
    ledger, letters, points, products, seen, order = {}, [], {}, {}, {}, {}
    begin, end = {}, {}

    def lookup(ids):
        return [seen.get(key) for key in ids]

    for run in runs:
        made = plan(run, decode, lookup)
        seen.update(made.ids)
        entry = ledger.setdefault(run[0].partition, LedgerEntry())
        for offset, outcome in made.outcomes:
            fold_ledger(entry, offset, outcome)
        letters += [letter_of(one, len(letters)) for one in run if any(one.offset == bad for bad, _ in made.letters)]
        start = 0
        for stop, key in [*((deletion.before, deletion.key) for deletion in made.deletions), (len(made.fresh), None)]:
            for one in made.fresh[start:stop]:
                points |= [point_of(one.event, one.partition, one.offset)]
                version = (one.event.timestamp, one.partition, one.offset)
                if version >= order.get(one.event.product.id, version):
                    order[one.event.product.id] = version
                    products[one.event.product.id] = {
                        "product_id": one.event.product.id,
                        "name": one.event.product.name,
                        "description": one.event.product.description,
                        "category": one.event.product.category,
                        "price": one.event.product.price,
                        "version": one.event.timestamp,
                    }
            start = stop
            if key is not None:
                gone = [point for point, payload in points.items() if key in (payload["event_id"], payload["user_id"])]
                for point in gone:
                    del points[point]
        begin.setdefault(run[0].partition, run[0].offset)
        end[run[0].partition] = run[-1].offset + 1
    return Facts(TOPIC, Offsets(begin, end, dict(end)), ledger, letters, 0, points, products)
