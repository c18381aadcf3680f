"""Settings become the same connection for aiokafka and for Faust, and secrets stay secret."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from streamapp.errors import ConfigurationError
from streamapp.kafka.clients import client_options, faust_broker_options, producer_options
from streamapp.kafka.topics import TopicSpec, check_partitions, worker_topics
from streamapp.settings import KafkaSettings


def settings(**values: Any) -> KafkaSettings:
    return KafkaSettings.model_validate({"bootstrap_servers": "a:1, b:2"} | values)


SECURED = [
    settings(security_protocol="SSL"),
    *(
        settings(security_protocol=protocol, sasl_mechanism=mechanism, username="me", password="hush", token="hush")
        for protocol in ("SASL_PLAINTEXT", "SASL_SSL")
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
    ),
]


def test_a_plain_connection_needs_no_more_than_its_addresses() -> None:
    assert client_options(settings()) == {"bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT"}
    assert faust_broker_options(settings()) == {"broker": ["kafka://a:1", "kafka://b:2"]}


@pytest.mark.parametrize("kafka", SECURED, ids=lambda kafka: f"{kafka.security_protocol} {kafka.sasl_mechanism}")
async def test_faust_connects_just_as_our_own_clients_do(kafka: KafkaSettings) -> None:
    ours = client_options(kafka)
    theirs = dict(credentials_to_aiokafka_auth(faust_broker_options(kafka)["broker_credentials"]))
    for name in ("security_protocol", "sasl_mechanism", "sasl_plain_username", "sasl_plain_password"):
        assert ours.get(name) == theirs.get(name), name
    assert isinstance(ours.get("ssl_context"), ssl.SSLContext) == kafka.security_protocol.endswith("SSL")
    assert isinstance(theirs.get("ssl_context"), ssl.SSLContext) == kafka.security_protocol.endswith("SSL")
    if kafka.sasl_mechanism == "OAUTHBEARER" and kafka.security_protocol != "SSL":
        assert await ours["sasl_oauth_token_provider"].token() == "hush"
        assert await theirs["sasl_oauth_token_provider"].token() == "hush"


def test_host_names_are_checked() -> None:
    context = client_options(settings(security_protocol="SSL"))["ssl_context"]
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_missing_or_broken_tls_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    for write in (False, True):
        if write:
            broken.write_text("no certificate")
        with pytest.raises(ConfigurationError, match=r"ca\.pem"):
            client_options(settings(security_protocol="SSL", ca_file=broken))


def test_a_producer_loses_and_doubles_nothing() -> None:
    options = producer_options(settings())
    assert options["acks"] == "all"
    assert options["enable_idempotence"] is True
    assert options["compression_type"] == "snappy"
    assert producer_options(settings(compression="none"))["compression_type"] is None
    assert options["max_request_size"] > 8 * 1024 * 1024


def test_the_workers_topics_are_the_events_and_the_dead_letters() -> None:
    events, dead_letters = worker_topics(settings(topic="orders", partitions=7))
    assert (events.name, events.partitions) == ("orders", 7)
    assert (dead_letters.name, dead_letters.partitions) == ("orders-dlq", 1)


def test_only_an_exact_topic_must_have_its_partitions() -> None:
    check_partitions([TopicSpec("t", 16)], {"t": 2})
    check_partitions([TopicSpec("t", 16, exact=True)], {"t": 16})
    with pytest.raises(ConfigurationError, match="has 2 partitions, and 16 are needed"):
        check_partitions([TopicSpec("t", 16, exact=True)], {"t": 2})
