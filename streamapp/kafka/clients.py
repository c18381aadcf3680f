"""One place that turns `KafkaSettings` into what clients want: aiokafka's options, Faust's credentials.

In: the kafka section of the settings. Out: dictionaries to spread into aiokafka's clients or `faust.App`. Trap: a
password without TLS is SASL_PLAINTEXT to Faust, whatever else was said; so the TLS context comes from here, always.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streamapp.errors import BrokerUnreachableError
from streamapp.kafka.credentials import StaticToken, servers, tls_context
from streamapp.settings import KafkaSettings

DEAD_LETTER_BYTES = 8 * 1024 * 1024
"""The largest dead letter: a record of the usual 1 MB limit, whatever it grows to with headers, with room to spare."""

REQUEST_BYTES = 9 * 1024 * 1024
"""The largest request of a producer: one dead letter and its frame."""

BATCH_BYTES = 128 * 1024
"""About 350 shop events before compression; aiokafka's 16 kB would be one request for every 45."""

LINGER_MS = 5
"""Fills batches at 1,000 events/s and adds nothing that a person would see."""


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Return the options that every aiokafka client (consumer, producer, admin) needs to connect.

    Raises `ConfigurationError` for TLS files that cannot be used.
    """
    options: dict[str, Any] = {"bootstrap_servers": servers(kafka), "security_protocol": kafka.security_protocol}
    if (context := tls_context(kafka)) is not None:
        options["ssl_context"] = context
    if not kafka.security_protocol.startswith("SASL"):
        return options
    options["sasl_mechanism"] = kafka.sasl_mechanism
    if kafka.sasl_mechanism == "OAUTHBEARER":
        options["sasl_oauth_token_provider"] = StaticToken(kafka.token)
    else:
        options["sasl_plain_username"] = kafka.username
        options["sasl_plain_password"] = kafka.password.get_secret_value()
    return options


def producer_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Return the options of a producer that loses and doubles nothing: `client_options` and acks=all, idempotence."""
    return client_options(kafka) | {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": None if kafka.compression == "none" else kafka.compression,
        "max_request_size": REQUEST_BYTES,
        "max_batch_size": BATCH_BYTES,
        "linger_ms": LINGER_MS,
    }


def faust_broker_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Return `faust.App`'s `broker` and, unless the connection is plain, its `broker_credentials`."""
    from faust import auth  # the readers of the command line need no Faust, which takes half a second to load

    options = client_options(kafka)
    broker = {"broker": [f"kafka://{server}" for server in options["bootstrap_servers"]]}
    context = options.get("ssl_context")
    if kafka.security_protocol == "PLAINTEXT":
        return broker
    if kafka.security_protocol == "SSL":
        return broker | {"broker_credentials": auth.SSLCredentials(context=context)}
    if kafka.sasl_mechanism == "OAUTHBEARER":
        provider = options["sasl_oauth_token_provider"]
        return broker | {"broker_credentials": auth.OAuthCredentials(oauth_cb=provider, ssl_context=context)}
    credentials = auth.SASLCredentials(
        username=options["sasl_plain_username"],
        password=options["sasl_plain_password"],
        mechanism=kafka.sasl_mechanism,
        ssl_context=context,
    )
    return broker | {"broker_credentials": credentials}


@asynccontextmanager
async def admin(kafka: KafkaSettings, timeout_seconds: float = 30.0) -> AsyncIterator[Any]:
    """Give an admin client that is connected, and close it afterwards.

    Raises `BrokerUnreachableError` when no broker answers, also while it is used.
    """
    async with reached(kafka):
        client = AIOKafkaAdminClient(**client_options(kafka), request_timeout_ms=int(timeout_seconds * 1000))
        try:
            async with asyncio.timeout(timeout_seconds):
                await client.start()
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def producer(kafka: KafkaSettings) -> AsyncIterator[Any]:
    """Give a started producer (`producer_options`), and flush and close it afterwards."""
    client = AIOKafkaProducer(**producer_options(kafka))
    try:
        async with reached(kafka):
            await client.start()
        yield client
    finally:
        await client.stop()


async def check_broker(kafka: KafkaSettings, timeout_seconds: float = 10.0) -> None:
    """Return when a broker answers a metadata request; raise `BrokerUnreachableError` otherwise."""
    async with admin(kafka, timeout_seconds) as client, asyncio.timeout(timeout_seconds):
        await client.describe_cluster()


async def wait_for_broker(kafka: KafkaSettings, patience_seconds: float = 120.0) -> None:
    """Return when a broker answers, trying for a while; raise `BrokerUnreachableError` after it."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            await check_broker(kafka, timeout_seconds=5.0)
            return
        except BrokerUnreachableError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.5)


@asynccontextmanager
async def reached(kafka: KafkaSettings) -> AsyncIterator[None]:
    """Translate aiokafka's ways to say that nobody answers."""
    try:
        yield
    except (KafkaError, OSError) as error:  # TimeoutError is an OSError
        why = str(error) or type(error).__name__
        raise BrokerUnreachableError(
            f"No Kafka broker answers at {kafka.bootstrap_servers} ({why}).",
            "Start one with `streamapp kafka`, or name yours with STREAMAPP_KAFKA__BOOTSTRAP_SERVERS.",
        ) from error
