from collections import Counter
from itertools import count

import pytest

from streamapp.sources.producer import Partitioner, take
from streamapp.sources.record import Record


@pytest.mark.parametrize(("key", "hash_in_java"), [(b"21", -973932308), (b"foobar", -790332482), (b"abc", 479470107)])
def test_a_key_goes_to_the_partition_that_java_chooses(key, hash_in_java):
    # The hashes are those of Kafka's own test of Utils.murmur2.
    assert Partitioner(16).partition(Record(key, b"")) == (hash_in_java & 0x7FFFFFFF) % 16


def test_a_route_takes_the_place_of_the_key():
    partitioner = Partitioner(16)
    assert partitioner.partition(Record(b"event", None, route=b"abc")) == partitioner.partition(Record(b"abc", b""))


def test_records_without_a_key_are_spread():
    partitioner = Partitioner(4)
    assert len(Counter(partitioner.partition(Record(None, b"")) for _ in range(400))) == 4


def test_a_chunk_ends_at_its_limit_and_at_the_end_of_the_source():
    records = iter([Record(None, b"")] * 100)
    assert [(len(chunk), ended) for chunk, ended in (take(records, 70, 60.0) for _ in range(2))] == [
        (70, False),
        (30, True),
    ]


def test_a_slow_source_hands_over_what_it_has():
    endless = (Record(None, str(number).encode()) for number in count())
    chunk, ended = take(endless, 1_000_000, 0.0)
    assert (1 <= len(chunk) <= 64, ended) == (True, False)


def test_nothing_is_taken_when_nothing_is_wanted():
    assert take(iter([Record(None, b"")]), 0, 1.0) == ([], False)
