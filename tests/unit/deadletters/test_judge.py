"""Which letters a replay sends, and how it goes on from where it stopped."""

from collections import Counter
from pathlib import Path

import pytest

from streamapp.deadletters.bookmark import Bookmark, bookmark_file, fits, read_bookmark, write_bookmark
from streamapp.deadletters.choose import Filter
from streamapp.deadletters.judge import Fate, Judge
from streamapp.deadletters.letter import REPLAYS, identity
from streamapp.errors import ConfigurationError
from streamapp.events import Reason

from .letters import record, rejection

SUBJECT = {"topic": "shop-dlq", "filter": {}}
LETTERS = [
    rejection(record(0), at=0),
    rejection(record(1), at=1, reason=Reason.EMPTY),
    rejection(record(0), at=2),
    rejection(record(3, headers=[(REPLAYS, b"3")]), at=3),
    rejection(record(4), at=4),
]


def judge(mark: Bookmark, *, max_replays: int = 3, wanted: Filter | None = None, aside: int | None = None) -> Judge:
    put_aside = set() if aside is None else {identity(LETTERS[aside])}
    return Judge(wanted or Filter(), mark, put_aside, max_replays)


def fates(one: Judge) -> list[Fate]:
    return [one.judge(letter) for letter in LETTERS]


def test_every_letter_has_its_fate() -> None:
    one = judge(Bookmark(SUBJECT), wanted=Filter(reasons=("not_json",)), aside=4)
    assert fates(one) == [Fate.SEND, Fate.OTHER, Fate.DOUBLED, Fate.REFUSED, Fate.QUARANTINED]
    assert one.counts == Counter(fates(judge(Bookmark(SUBJECT), wanted=Filter(reasons=("not_json",)), aside=4)))


def test_a_second_run_sends_nothing_again() -> None:
    mark = Bookmark(SUBJECT)
    assert fates(judge(mark)).count(Fate.SEND) == 3
    assert Fate.SEND not in fates(judge(mark))


def test_a_run_that_stopped_is_gone_on_with_and_a_later_double_is_still_known() -> None:
    mark = Bookmark(SUBJECT)
    assert judge(mark).judge(LETTERS[0]) is Fate.SEND
    assert fates(judge(mark)) == [Fate.EARLIER, Fate.SEND, Fate.DOUBLED, Fate.REFUSED, Fate.SEND]


def test_a_refused_letter_is_found_again_by_a_higher_limit_and_then_done_with() -> None:
    mark = Bookmark(SUBJECT)
    fates(judge(mark))
    assert fates(judge(mark))[3] is Fate.REFUSED
    assert fates(judge(mark, max_replays=4)) == [Fate.EARLIER, Fate.EARLIER, Fate.DOUBLED, Fate.SEND, Fate.EARLIER]
    assert fates(judge(mark, max_replays=4))[3] is Fate.EARLIER


def test_a_bookmark_comes_back_as_it_was_written(tmp_path: Path) -> None:
    mark = read_bookmark(tmp_path / "dlq", SUBJECT)
    assert mark == Bookmark(SUBJECT)
    fates(judge(mark))
    write_bookmark(tmp_path / "dlq", mark)
    assert read_bookmark(tmp_path / "dlq", SUBJECT) == Bookmark(SUBJECT, {0: 5}, {(0, 3)})
    assert [path.name for path in (tmp_path / "dlq").iterdir()] == [bookmark_file(tmp_path, SUBJECT).name]


def test_every_filter_has_a_bookmark_of_its_own(tmp_path: Path) -> None:
    write_bookmark(tmp_path, Bookmark(SUBJECT, {0: 5}))
    assert read_bookmark(tmp_path, {**SUBJECT, "filter": {"grep": "x"}}).next == {}


def test_a_bookmark_beyond_the_topics_end_does_not_fit() -> None:
    assert fits(Bookmark(SUBJECT, {0: 5}), {0: 5})
    assert not fits(Bookmark(SUBJECT, {0: 5}), {0: 4})
    assert not fits(Bookmark(SUBJECT, {0: 5}), {})


def test_a_damaged_bookmark_is_named_with_the_way_out(tmp_path: Path) -> None:
    bookmark_file(tmp_path, SUBJECT).write_text("{")
    with pytest.raises(ConfigurationError, match="--restart"):
        read_bookmark(tmp_path, SUBJECT)
