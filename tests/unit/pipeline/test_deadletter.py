"""A dead letter: the record's own bytes, why it is here, and where it came from."""

from aiokafka.structs import ConsumerRecord

from streamapp.events import Origin, Reason
from streamapp.pipeline.deadletter import by_origin, dead_letter, read_dead_letter
from streamapp.pipeline.decode import Rejected

from .making import NOON, TOPIC, record

REFUSED = Rejected(Reason.NOT_JSON, "the value is not JSON")


def as_read(outgoing, offset=0):
    return ConsumerRecord(
        f"{TOPIC}-dlq", 0, offset, outgoing.timestamp_ms, 0, outgoing.key, outgoing.value, None, -1, -1,
        tuple(outgoing.headers),
    )  # fmt: skip


def test_it_keeps_key_value_timestamp_and_headers_and_adds_ours():
    original = record(7, b"\xff\x00junk", key=b"\xfe", partition=3, headers=[("trace", b"\x01"), ("empty", b"")])
    made = dead_letter(original, REFUSED)
    assert (made.key, made.value, made.timestamp_ms) == (b"\xfe", b"\xff\x00junk", int(NOON * 1000))
    assert list(made.headers) == [
        ("trace", b"\x01"),
        ("empty", b""),
        ("streamapp-reason", b"not_json"),
        ("streamapp-detail", b"the value is not JSON"),
        ("streamapp-topic", TOPIC.encode()),
        ("streamapp-partition", b"3"),
        ("streamapp-offset", b"7"),
    ]


def test_it_reads_back_as_it_was_written():
    for key, value in [(None, b""), (b"", None), (None, None), (b"k", b"v" * 1000)]:
        letter = read_dead_letter(as_read(dead_letter(record(7, value, key=key, partition=3), REFUSED), offset=99))
        assert letter is not None
        assert letter.origin == Origin(TOPIC, 3, 7)
        assert (letter.reason, letter.detail) == ("not_json", "the value is not JSON")
        assert (letter.key, letter.value, letter.offset) == (key, value, 99)


def test_a_replayed_letter_that_fails_again_names_its_last_origin():
    first = as_read(dead_letter(record(7, b"junk"), REFUSED))
    returned = record(500, b"junk", partition=9, headers=first.headers)
    letter = read_dead_letter(as_read(dead_letter(returned, Rejected(Reason.EMPTY, "now"))))
    assert letter is not None
    assert (letter.origin, letter.reason) == (Origin(TOPIC, 9, 500), "empty")


def test_a_record_that_is_not_ours_is_none():
    good = dict(dead_letter(record(7, b"junk"), REFUSED).headers)
    for name in good:
        missing = [(other, text) for other, text in good.items() if other != name]
        assert read_dead_letter(record(1, b"x", headers=missing)) is None
    for name, text in [
        ("streamapp-offset", b"seven"),
        ("streamapp-offset", b""),
        ("streamapp-partition", b"\xff"),
        ("streamapp-topic", b"\xff"),
        ("streamapp-reason", b"\xff"),
        ("streamapp-offset", None),
        ("streamapp-partition", None),
    ]:
        assert read_dead_letter(record(1, b"x", headers=[*(good | {name: text}).items()])) is None
    assert read_dead_letter(record(1, b"x")) is None


def test_doubled_letters_count_once_by_origin():
    letters = [
        read_dead_letter(as_read(dead_letter(record(offset, b"junk", partition=partition), REFUSED), place))
        for place, (partition, offset) in enumerate([(0, 1), (0, 2), (0, 1), (1, 1)])
    ]
    assert [(origin.partition, origin.offset, letter.offset) for origin, letter in by_origin(letters).items()] == [
        (0, 1, 0),
        (0, 2, 1),
        (1, 1, 3),
    ]
