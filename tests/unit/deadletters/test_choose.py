"""Filters: times as people write them, and which letters are meant."""

import pytest

from streamapp.deadletters.choose import Filter, Moment, read_moment, read_pattern
from streamapp.events import Reason

from .letters import record, rejection

LETTER = rejection(
    record(3, value='{"name": "Kühlbox"}'.encode(), partition=2, timestamp=1_000_000), reason=Reason.EMPTY
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h", 996_400.0),
        ("1.5h", 994_600.0),
        ("2d12h", 784_000.0),
        (" 30s ", 999_970.0),
        ("1970-01-02", 86_400.0),
        ("1970-01-02T00:00:00Z", 86_400.0),
        ("1970-01-02T02:00+02:00", 86_400.0),
    ],
)
def test_a_moment_is_an_age_or_iso(text: str, seconds: float) -> None:
    assert read_moment(text, clock=lambda: 1_000_000.0) == Moment(seconds, text.strip())


@pytest.mark.parametrize("text", ["", "yesterday", "1", "h", "1h ago", "-1h", "1970-13-01"])
def test_what_is_no_moment_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="90m, 1h, 2d"):
        read_moment(text)


def test_a_broken_expression_is_refused() -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        read_pattern("(")


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        (Filter(), True),
        (Filter(reasons=("empty", "not_json")), True),
        (Filter(reasons=("not_json",)), False),
        (Filter(since=Moment(1000.0, "")), True),
        (Filter(since=Moment(1000.5, "")), False),
        (Filter(until=Moment(1000.0, "")), False),
        (Filter(until=Moment(1000.5, "")), True),
        (Filter(partition=2), True),
        (Filter(partition=0), False),
        (Filter(grep=read_pattern("Kühl.ox")), True),
        (Filter(grep=read_pattern("kühlbox")), False),
        (Filter(reasons=("empty",), partition=0), False),
    ],
)
def test_a_letter_is_meant_when_all_of_the_filter_fits(wanted: Filter, meant: bool) -> None:
    assert wanted.matches(LETTER) is meant


def test_a_null_value_holds_no_words() -> None:
    assert not Filter(grep=read_pattern("x")).matches(rejection(record(value=None)))
    assert not Filter(grep=read_pattern("x")).matches(rejection(record(value=b"\xff")))


def test_a_filter_is_known_again_by_its_words() -> None:
    first = Filter(("b", "a"), since=read_moment("1h", lambda: 5e8), grep=read_pattern("x"))
    later = Filter(("a", "b"), since=read_moment("1h", lambda: 6e8), grep=read_pattern("x"))
    assert first.words() == later.words() == {"reasons": ["a", "b"], "since": "1h", "grep": "x"}
    assert Filter().words() == {}
    assert Filter(partition=0).words() == {"partition": 0}
