"""What is said of letters: each record once, nothing invisible on the screen, exact bytes in an export."""

import base64
import json

import pytest

from streamapp.deadletters.choose import Filter
from streamapp.deadletters.letter import REPLAYS, identity
from streamapp.deadletters.summary import Summary
from streamapp.deadletters.text import export_json, letter_text, one_line, stats_text, visible
from streamapp.events import Reason

from .letters import record, rejection

HOSTILE = b"\x1b]0;owned\x07\x1b[2J \xff\r\n[bold]caf\xc3\xa9 \xe2\x80\xae \x00"


def summary() -> Summary:
    aside = rejection(record(9))
    found = Summary(Filter(reasons=("not_json", "empty")), {identity(aside)})
    found.add(rejection(record(1, partition=1), at=0))
    found.add(None)
    found.add(rejection(record(1, partition=1), at=1))
    found.add(
        rejection(record(2, None, b"", [(REPLAYS, b"2")], timestamp=1_699_999_999_000), at=2, reason=Reason.EMPTY)
    )
    found.add(rejection(record(3), at=3, reason=Reason.BAD_EVENT_ID))
    found.add(rejection(record(9), at=4))
    return found


def test_a_doubled_letter_counts_once_and_is_shown_as_doubled() -> None:
    stats = summary().stats()
    assert (stats["letters"], stats["doubled"], stats["quarantined"], stats["replayed_before"]) == (3, 1, 1, 1)
    assert stats["foreign"] == 1
    assert stats["reasons"] == {"not_json": 2, "empty": 1}
    assert stats["partitions"] == {"shop/0": 2, "shop/1": 1}
    assert (stats["first"], stats["last"]) == ("2023-11-14T22:13:19.000+00:00", "2023-11-14T22:13:20.000+00:00")
    assert "doubled, 2 copies" in one_line(summary().lines()[0])
    assert summary().others == 1


def test_a_line_shows_offset_reason_origin_detail_and_key_but_no_content() -> None:
    line = one_line(summary().lines()[0])
    for part in ("0  not_json", "shop/1@1", "at byte 0", "key=user-1"):
        assert part in line
    assert "{" not in line
    assert [one_line(other) for other in summary().lines()][1].endswith("key=(null)  (replays: 2)")
    assert one_line(summary().lines()[2]).endswith("(quarantined)")


def test_stats_are_told_in_sentences() -> None:
    text = "\n".join(stats_text("shop-dlq", summary().stats()))
    for part in ("3 dead letters in shop-dlq", "1 came a second time", "1 other records", "       2  not_json"):
        assert part in text


def test_an_empty_summary_has_no_times() -> None:
    stats = Summary(Filter()).stats()
    assert (stats["letters"], stats["first"], stats["reasons"]) == (0, None, {})


@pytest.mark.parametrize("part", ["key", "value", "header", "topic", "detail"])
def test_nothing_of_a_letter_reaches_the_terminal_as_a_command(part: str) -> None:
    text = HOSTILE.decode("latin-1")
    letter = rejection(
        record(
            1,
            HOSTILE if part == "key" else b"k",
            HOSTILE if part == "value" else b"v",
            [(text, HOSTILE)] if part == "header" else [],
            topic=text if part == "topic" else "shop",
        ),
        detail=text if part == "detail" else "",
    )
    found = Summary(Filter())
    found.add(letter)
    for line in [one_line(found.lines()[0]), *letter_text(letter)]:
        assert all(char.isprintable() or char in "\n\t" for char in line)
    assert "\\x1b" in "".join(letter_text(letter))


def test_what_can_be_read_stays_as_it_is() -> None:
    assert visible("Kühlbox 50 °C, „neu“ 日本".encode()) == "Kühlbox 50 °C, „neu“ 日本"
    assert visible(b"a\tb\nc", keep="\n\t") == "a\tb\nc"
    assert visible(b"a\nb") == "a\\nb"


def test_an_export_gives_every_byte_back() -> None:
    letter = rejection(record(5, b"\xff", HOSTILE, [("h", b"\x00")]), at=17)
    line = export_json(letter)
    found = json.loads(line)
    assert "\n" not in line
    assert base64.b64decode(found["key"]) == b"\xff"
    assert base64.b64decode(found["value"]) == HOSTILE
    assert found["origin"] == {"topic": "shop", "partition": 0, "offset": 5}
    assert found["headers"][0] == ["h", "AA=="]
    assert json.loads(export_json(rejection(record(5, None, None))))["value"] is None
