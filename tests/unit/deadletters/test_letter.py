"""A dead letter: what its record was, how often it was replayed, which letters say the same."""

import pytest

from streamapp.deadletters.letter import REPLAYS, copied, identity, original_headers, read_letter, replayed
from streamapp.events import Reason

from .letters import record, rejection, stored


def test_a_replayed_record_is_the_original_and_a_counter() -> None:
    letter = rejection(record(7, b"k", b"\xff\x00", [("trace", b"abc"), ("trace", b"abd")]))
    again = replayed(letter)
    assert (again.key, again.value) == (b"k", b"\xff\x00")
    assert list(again.headers) == [("trace", b"abc"), ("trace", b"abd"), (REPLAYS, b"1")]
    assert again.timestamp_ms is None


def test_the_counter_survives_every_further_rejection() -> None:
    letter = rejection(record(7, headers=[("trace", b"abc")]))
    for count in range(1, 5):
        again = replayed(letter)
        assert list(again.headers) == [("trace", b"abc"), (REPLAYS, str(count).encode())]
        letter = rejection(stored(again, 100 + count, "shop"), at=count)
        assert letter.replays == count
        assert letter.dead.origin.offset == 100 + count


def test_headers_named_like_ours_stay_with_the_record_they_came_with() -> None:
    theirs = [("streamapp-reason", b"my own"), ("streamapp-other", b"\xff")]
    assert original_headers(rejection(record(headers=theirs)).headers) == theirs


@pytest.mark.parametrize("value", [b"", b"many", b"-1", b"\xff", b"1" * 50])
def test_a_counter_that_is_none_counts_as_never(value: bytes) -> None:
    assert rejection(record(headers=[(REPLAYS, value)])).replays == 0


def test_two_letters_of_one_record_have_one_identity() -> None:
    assert identity(rejection(record(3), at=0)) == identity(rejection(record(3), at=9))
    assert identity(rejection(record(3))) == identity(rejection(record(3), reason=Reason.EMPTY))


@pytest.mark.parametrize(
    "other",
    [record(4), record(3, partition=1), record(3, topic="other"), record(3, value=b"{}"), record(3, key=None),
     record(3, key=b"", value=b"user-1{"), record(3, key=b"user-1{", value=b""), record(3, value=None)],
)  # fmt: skip
def test_another_record_has_another_identity_even_where_a_new_topic_has_the_same_offsets(other: object) -> None:
    assert identity(rejection(record(3))) != identity(rejection(other))


def test_a_copy_is_the_letter_as_it_is() -> None:
    letter = rejection(record(3, None, None, [("a", b"b")], timestamp=123))
    again = read_letter(stored(copied(letter), 5, "shop-dlq-quarantine"))
    assert again is not None
    assert identity(again) == identity(letter)
    assert (again.headers, again.dead.timestamp_ms) == (letter.headers, 123)


def test_a_record_without_our_headers_is_no_letter() -> None:
    assert read_letter(record(headers=[("streamapp-topic", b"shop")])) is None
