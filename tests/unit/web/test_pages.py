"""What people and programs get from every path."""

import asyncio
import json
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs
from yarl import URL

from streamapp.pipeline.views import Health

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = ("/", "/status", "/tables/", "/tables/products", "/tables/users/u-1", "/search", "/search?q=shoe", "/recommend",
         "/recommend?product=p-1", "/recommend?user=u-1", "/recommend?positive=p-1&negative=p-3", "/events",
         "/events/e-1", "/health", "/health/live", "/health/ready", "/health/kafka", "/docs")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_opens_in_a_browser(client, worker, path):
    worker.events["e-1"] = {"verdict": "fresh", "origin": {"partition": 3, "offset": 81_270}, "point": None}
    answer = await client.get(path, headers=HTML)
    text = await answer.text()
    assert answer.status == 200
    assert answer.content_type == "text/html"
    assert "<h1" in text
    assert 'href="#content"' in text
    assert "<script>alert" not in text
    assert "http://" not in text
    assert "https://" not in text


@pytest.mark.parametrize("path", [path for path in PAGES if path not in ("/search", "/recommend", "/events")])
async def test_every_page_is_json_for_whoever_does_not_ask_for_html(client, worker, path):
    worker.events["e-1"] = {"verdict": "fresh"}
    answer = await client.get(path)
    assert answer.status == 200
    assert answer.content_type == "application/json"
    await answer.json()


async def test_format_decides_over_the_accept_header(client):
    answer = await client.get("/health?format=json", headers=HTML)
    assert answer.content_type == "application/json"
    answer = await client.get("/health?format=html")
    assert answer.content_type == "text/html"


async def test_search_gives_one_hit_per_product_in_the_agreed_shape(client):
    hits = await (await client.get("/search", params={"q": "wireless headphones", "limit": 2})).json()
    assert len(hits) == 2
    assert list(hits[0]) == ["score", "product", "events"]
    assert hits[0]["product"] == {
        "id": "p-1", "name": "Wireless headphones", "description": "sound", "category": "Electronics", "price": 99.5,
    }  # fmt: skip
    assert hits[0]["events"] == 2
    assert hits[0]["score"] == pytest.approx(1.0, abs=1e-3)


async def test_search_keeps_to_a_category(client):
    hits = await (await client.get("/search?q=headphones&category=Sports")).json()
    assert [hit["product"]["id"] for hit in hits] == ["a/b ü"]


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/search?q=", 400, "empty"),
        ("/search?q=%20%20", 400, "empty"),
        ("/search?q=a%00b", 400, "NUL"),
        ("/search?q=" + "x" * 1001, 400, "1,001"),
        ("/search?q=shoe&limit=abc", 400, "whole number"),
        ("/search?q=shoe&limit=0", 400, "1 to 100"),
        ("/search?q=shoe&limit=101", 400, "1 to 100"),
        ("/tables/products?page=-1", 400, "page is -1"),
        ("/tables/products?page=0", 400, "page is 0"),
        ("/tables/products?limit=99999999999999999999", 400, "whole number"),
        ("/tables/products?limit=1e3", 400, "whole number"),
        ("/tables/nothing", 404, "no table"),
        ("/tables/products/nothing", 404, "no entry"),
        ("/recommend?product=p-1&user=u-1", 400, "Name one thing"),
        ("/recommend?negative=p-1", 400, "no positive"),
        ("/recommend?positive=p-1&negative=p-1", 400, "positive and a negative"),
        ("/recommend?product=nothing", 404, "No product"),
        ("/recommend?user=nobody", 404, "user"),
        ("/events/nothing", 404, "No event"),
        ("/health/nothing", 404, "no component"),
        ("/nowhere", 404, "no page"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTML])
async def test_a_bad_request_is_answered_with_what_is_wrong_and_what_to_do(client, path, status, word, headers):
    answer = await client.get(path, headers=headers)
    text = await answer.text()
    assert answer.status == status
    assert word in text
    if not headers:
        told = json.loads(text)
        assert list(told) == ["error", "hint"]
        assert told["hint"]


@pytest.mark.parametrize(
    ("path", "word"), [("/search", "q is missing"), ("/recommend", "Name one thing"), ("/events", "id is missing")]
)
async def test_without_a_question_a_program_is_told_and_a_browser_gets_the_form(client, path, word):
    answer = await client.get(path)
    assert answer.status == 400
    assert word in (await answer.json())["error"]
    page = await client.get(path, headers=HTML)
    assert page.status == 200
    assert "<form" in await page.text()


async def test_other_methods_are_refused_with_a_sentence(client):
    answer = await client.post("/search?q=shoe")
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]
    assert "GET" in (await answer.json())["error"]


async def test_bytes_that_are_no_utf8_in_a_path_do_no_harm(client):
    for path in ("/tables/products/%FF%FE", "/events/%ED%A0%80", "/search?q=%FF"):
        answer = await client.get(path, allow_redirects=False)
        assert answer.status in (200, 400, 404)


async def test_an_outage_of_the_store_is_a_503_with_its_reason(client, store):
    store.away = True
    answer = await client.get("/search?q=shoe")
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert (await answer.json())["error"] == "The store does not answer."
    page = await (await client.get("/recommend?user=u-1", headers=HTML)).text()
    assert "The store does not answer." in page


async def test_a_failure_that_nobody_foresaw_shows_nothing_of_its_insides(client, worker):
    worker.components = None
    with capture_logs() as logs:
        answer = await client.get("/health/kafka")
    assert answer.status == 500
    assert "Traceback" not in await answer.text()
    assert [(line["event"], line["path"]) for line in logs] == [("a page failed", "/health/{component}")]


async def test_tables_are_listed_with_help_size_and_partitions(client):
    tables = await (await client.get("/tables/")).json()
    assert tables[0] == {"name": "products", "help": "What happened to each product.", "size": 3, "partitions": [0, 1]}


async def test_a_table_pages_and_searches(client):
    first = await (await client.get("/tables/products?limit=2")).json()
    second = await (await client.get("/tables/products?limit=2&page=2")).json()
    assert [row["key"] for row in first["rows"] + second["rows"]] == ["a/b ü", "p-1", "p-3"]
    assert (first["more"], second["more"]) == (True, False)
    found = await (await client.get("/tables/products", params={"search": "TRAIL"})).json()
    assert [row["key"] for row in found["rows"]] == ["a/b ü"]


async def test_a_key_with_slash_space_and_umlaut_is_found_from_its_link(client):
    page = await (await client.get("/tables/products", headers=HTML)).text()
    link = f"/tables/products/{quote('a/b ü', safe='')}"
    assert f'href="{link}"' in page
    row = await (await client.get(URL(link, encoded=True))).json()
    assert row["key"] == "a/b ü"
    assert row["value"]["name"] == "Trail shoe"


async def test_an_event_form_leads_to_the_events_own_path(client):
    answer = await client.get("/events", params={"id": "e 1/2"}, allow_redirects=False)
    assert answer.status == 303
    assert answer.headers["Location"] == "/events/e%201%2F2"


async def test_a_path_with_or_without_its_slash_leads_there(client):
    assert (await client.get("/tables")).status == 200
    assert (await client.get("/search/?q=shoe")).status == 200


async def test_health_is_200_while_it_holds_and_503_with_the_reason_when_not(client, worker):
    assert (await client.get("/health/ready")).status == 200
    worker.components["store"] = Health("degraded", "The breaker is half open.", 5.0)
    assert (await client.get("/health")).status == 200
    worker.components["store"] = Health("down", "The breaker is open.", 6.0)
    for path in ("/health", "/health/ready", "/health/store", "/health/qdrant"):
        answer = await client.get(path)
        told = await answer.json()
        assert answer.status == 503
        assert told["state"] == "down"
        assert "The breaker is open." in told["reason"]
        assert told["since"] == 6.0
    assert (await client.get("/health/kafka")).status == 200


async def test_an_outage_elsewhere_does_not_fail_liveness(client, worker):
    worker.components["kafka"] = Health("down", "No broker answers.", 6.0)
    assert (await client.get("/health/live")).status == 200
    worker.turns = False
    answer = await client.get("/health/live")
    assert answer.status == 503
    assert (await answer.json())["state"] == "down"


async def test_metrics_come_in_prometheus_own_format_for_browsers_too(client):
    answer = await client.get("/metrics", headers=HTML)
    assert answer.content_type == "text/plain"
    assert "streamapp_web_tests_total 0.0" in await answer.text()


async def test_an_empty_start_page_says_how_to_send_events(client):
    page = await (await client.get("/", headers=HTML)).text()
    assert "streamapp generate shop" in page
    assert 'data-empty="true"' in page


async def test_the_start_page_shows_the_numbers_that_the_worker_tells(client, worker):
    worker.numbers = {"events_per_second": 1234.5, "ledger": {"consumed": 12}, "latency_seconds": {"p95": 0.85}}
    page = await (await client.get("/", headers=HTML)).text()
    assert "1,234.5" in page
    assert "850 ms" in page
    assert "streamapp generate shop" not in page


async def test_the_status_is_pushed(client, worker):
    worker.numbers = {"ledger": {"consumed": 12_000}}
    async with client.get("/status/stream") as answer:
        assert answer.content_type == "text/event-stream"
        line = await asyncio.wait_for(answer.content.readline(), 5)
    told = json.loads(line.removeprefix(b"data: "))
    assert told == {"empty": False, "texts": {"ledger.consumed": "12,000"}}


async def test_every_answer_ties_the_page_down(client):
    for path in ("/", "/nowhere", "/static/streamapp.css"):
        answer = await client.get(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await client.get("/status")).headers["Cache-Control"] == "no-store"
