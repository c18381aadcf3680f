"""Values as people read them, and which shape an Accept header asks for."""

import doctest
import math

import pytest

from streamapp.pipeline.views import Health
from streamapp.web import format, guard, health, negotiate, status, tables


@pytest.mark.parametrize("module", [format, guard, health, negotiate, status])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/html", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", True),
        ("text/html;q=0.5,application/json", False),
        ("application/json;q=0.4, text/*;q=0.9", True),
        ("image/png", False),
        ("text/html;q=nan,*/*", False),
        ("text/html;q=x", False),
        (";;;,,,=", False),
    ],
)
def test_an_accept_header_asks_for_a_page_only_when_it_prefers_html(accept, page):
    assert negotiate.prefers_html(accept) is page


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (None, "", "—"),
        (True, "", "yes"),
        (0, "price", "0.00"),
        (math.nan, "", "—"),
        (math.inf, "lag_seconds", "—"),
        (1_750_000_000.0, "timestamp", "2025-06-15 15:06:40 UTC"),
        (3, "version", "3"),
        (0, "lag_seconds", "0 ms"),
        (10**30, "", "1,000,000,000,000,000,000,000,000,000,000"),
        (81_270, "offset", "81270"),
        (12_345_678, "disk_bytes", "11.8 MB"),
    ],
)
def test_the_name_decides_what_a_number_means(value, name, text):
    assert format.shown(value, name) == text


def test_keys_that_browsers_would_swallow_lead_to_a_search():
    assert format.entry_path("users", "..") == "/tables/users?search=.."
    assert format.entry_path("users", "") == "/tables/users?search="
    assert format.entry_path("users", "a.b/c?d#e%") == "/tables/users/a.b%2Fc%3Fd%23e%25"


def test_columns_are_plain_fields_first_and_few():
    rows = [tables.TableRow("k", {"recent": [1], "a": 1, "b": 2}), tables.TableRow("l", dict.fromkeys("cdefgh", 1))]
    assert tables.columns(rows) == ["a", "b", "c", "d", "e", "f"]


def test_health_is_as_bad_as_its_worst_part():
    parts = {"a": Health("degraded", "slow", 3.0), "b": Health("up", "", 9.0)}
    assert health.report(parts, 0.0).state == "degraded"
    assert health.report({**parts, "c": Health("down", "gone", 5.0)}, 0.0).reason == "c: gone"
    assert health.report({}, 7.0) == health.HealthReport("up", "Every component does its part.", 7.0, {})
