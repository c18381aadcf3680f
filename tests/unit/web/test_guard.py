"""Who may read, and where the server listens."""

import asyncio
import os
import socket
from base64 import b64encode

import aiohttp
import pytest
from pydantic import SecretStr

from streamapp.errors import ConfigurationError, PortInUseError
from streamapp.pipeline.views import Health
from streamapp.search.recommend import Recommend
from streamapp.search.search import Search
from streamapp.settings import WebSettings
from streamapp.web.guard import carries, check_binding
from streamapp.web.server import WebServer, create_web

from .fakes import EVENTS, PRODUCTS, embed_words

TOKEN = WebSettings(token=SecretStr("geheim-ü"))


@pytest.fixture
def serve(store, worker, registry):
    def build(settings):
        search, recommend = Search(store, embed_words, EVENTS, PRODUCTS), Recommend(store, EVENTS, PRODUCTS)
        return WebServer(create_web(worker, search, recommend, settings, registry), settings)

    return build


async def test_without_the_token_nothing_but_probes_and_style_is_answered(clients):
    client = await clients(TOKEN)
    for path in ("/", "/search?q=shoe", "/metrics", "/openapi.json", "/nowhere", "/status/stream"):
        answer = await client.get(path)
        assert answer.status == 401
        assert "Basic" in answer.headers["WWW-Authenticate"]
        assert (await answer.json())["hint"]
    for path in ("/health/live", "/health/ready", "/static/streamapp.css"):
        assert (await client.get(path)).status == 200


async def test_a_probe_without_the_token_learns_the_state_and_no_more(clients, worker):
    worker.components["kafka"] = Health("down", "10.1.2.3:9092 does not answer.", 5.0)
    client = await clients(TOKEN)
    answer = await client.get("/health/ready")
    assert answer.status == 503
    assert "10.1.2.3" not in await answer.text()


async def test_the_token_opens_as_a_bearer_and_as_a_password(clients):
    client = await clients(TOKEN)
    token = TOKEN.token.get_secret_value()
    basic = b64encode(f"anyone:{token}".encode()).decode()
    for value in (f"Bearer {token}", f"bearer {token}", f"Basic {basic}"):
        assert (await client.get("/status", headers={"Authorization": value})).status == 200
    for value in ("Bearer wrong", "Basic wrong", "Basic " + b64encode(b"anyone:wrong").decode(), "Bearer", "Digest x"):
        assert (await client.get("/status", headers={"Authorization": value})).status == 401


def test_an_empty_token_opens_nothing():
    assert not carries("", "x")
    assert not carries("Bearer ", "x")


async def test_a_foreign_host_name_is_turned_away_on_loopback(client):
    for host in ("evil.example", "evil.example:8080", "localhost.evil.example"):
        assert (await client.get("/status", headers={"Host": host})).status == 403
    for host in ("localhost", "127.0.0.1:8080", "[::1]:8080"):
        assert (await client.get("/status", headers={"Host": host})).status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.5", "shop.example"])
def test_binding_wider_than_this_machine_needs_a_token(host):
    with pytest.raises(ConfigurationError, match="STREAMAPP_WEB__TOKEN"):
        check_binding(WebSettings.model_construct(host=host, token=SecretStr("")))
    check_binding(WebSettings(host=host, token=SecretStr("t")))


async def test_port_zero_takes_a_free_port_and_tells_it(serve):
    server = serve(WebSettings(port=0))
    url = await server.start()
    try:
        assert server.port > 0
        assert url == f"http://127.0.0.1:{server.port}"
        async with aiohttp.ClientSession() as session, session.get(f"{url}/health/live") as answer:
            assert answer.status == 200
    finally:
        await server.stop()
    await server.stop()


async def test_a_taken_port_is_named_with_its_holder_and_a_way_out(serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError) as refused:
            await serve(WebSettings(port=port)).start()
    assert f"127.0.0.1:{port}" in refused.value.message
    assert f"process {os.getpid()}" in refused.value.message
    assert "STREAMAPP_WEB__PORT=" in refused.value.hint


async def test_an_address_that_is_not_ours_is_a_clear_refusal(serve):
    settings = WebSettings(host="192.0.2.1", token=SecretStr("t"), port=0)
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1"):
        await serve(settings).start()


async def test_stopping_ends_live_streams_at_once(serve):
    server = serve(WebSettings(port=0))
    url = await server.start()
    async with aiohttp.ClientSession() as session, session.get(f"{url}/status/stream") as answer:
        await answer.content.readline()
        async with asyncio.timeout(2.5):
            await server.stop()
