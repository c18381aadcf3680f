"""The pages of a running worker, in a real browser, and the same paths as JSON."""

from typing import Any
from urllib.parse import quote

import pytest
from place import Place
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = [pytest.mark.broker, pytest.mark.slow]

TABLES = {"products", "users", "minutes", "dedup", "ledger"}


def open_page(browser: Any, place: Place, path: str) -> str:
    browser.get(place.url(path))
    WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.TAG_NAME, "main"))
    return str(browser.find_element(By.TAG_NAME, "main").text)


def test_a_browser_lists_the_tables_with_help_size_and_partitions(browser: Any, running: Place) -> None:
    text = open_page(browser, running, "/tables/")
    listed = {table["name"]: table for table in running.get("/tables/")}
    assert listed.keys() >= TABLES
    for name in TABLES:
        assert name in text
        assert listed[name]["help"] in text
        assert listed[name]["partitions"]


def test_a_browser_pages_and_searches_a_table_and_opens_an_entry(browser: Any, running: Place) -> None:
    text = open_page(browser, running, "/tables/products?search=headphones")
    rows = running.get("/tables/products?search=headphones")["rows"]
    assert rows
    assert rows[0]["key"] in text
    entry = open_page(browser, running, f"/tables/products/{quote(rows[0]['key'], safe='')}")
    assert rows[0]["value"]["name"] in entry
    assert running.get(f"/tables/products/{quote(rows[0]['key'], safe='')}")["value"] == rows[0]["value"]
    second = running.get("/tables/products?page=2&limit=10")["rows"]
    assert second
    assert second[0] not in running.get("/tables/products?page=1&limit=10")["rows"]


def test_a_browser_searches_by_meaning(browser: Any, running: Place) -> None:
    text = open_page(browser, running, "/search?q=" + quote("something to make espresso at home"))
    assert "espresso" in text.lower() or "coffee" in text.lower()


def test_an_event_is_explained_on_its_own_page(browser: Any, running: Place) -> None:
    event = running.get("/points/ecommerce_embeddings?limit=1")["points"][0]["payload"]
    explained = running.get(f"/events/{event['event_id']}")
    assert explained["verdict"] == "embedded"
    assert explained["origin"]["offset"] == event["offset"]
    assert explained["checkpoint"] is not None
    assert event["event_id"] in open_page(browser, running, f"/events/{event['event_id']}")


@pytest.mark.parametrize("path", ["/", "/status", "/health", "/docs", "/recommend"])
def test_every_other_page_opens_in_a_browser_without_errors(browser: Any, running: Place, path: str) -> None:
    assert open_page(browser, running, path)
    errors = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert errors == []


def test_health_ready_and_live_answer_and_metrics_carry_every_stage(running: Place) -> None:
    import urllib.request

    assert running.get("/health/ready")["state"] == "up"
    assert running.get("/health/live")["state"] == "up"
    with urllib.request.urlopen(running.url("/metrics"), timeout=10) as response:
        text = response.read().decode()
    for stage in ("ingest", "embed", "sink", "checkpoint", "kafka", "deadletter", "store"):
        assert f"streamapp_{stage}_" in text
