"""What the local node is told, how its end is explained, and what guards its port and its folder."""

import os
import re
import socket
from pathlib import Path

import pytest

from streamapp.errors import BrokerUnreachableError, ConfigurationError, PortInUseError
from streamapp.kafka import node
from streamapp.kafka.fate import explain_end, last_words
from streamapp.kafka.folder import check_disk, clear_unfinished, locked, write_owner
from streamapp.kafka.ports import check_port, free_port
from streamapp.settings import BrokerSettings


def properties() -> dict[str, str]:
    text = node.server_properties(9092, 9093, BrokerSettings(retention_hours=5))
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_node_listens_on_this_machine_alone() -> None:
    addresses = [properties()[name] for name in ("listeners", "advertised.listeners", "controller.quorum.voters")]
    assert all(re.findall(r"(?://|@)([^:]+):", text) == ["127.0.0.1"] * text.count("127.0.0.1") for text in addresses)


def test_one_node_is_enough_for_every_internal_topic() -> None:
    factors = {name: value for name, value in properties().items() if name.endswith(("replication.factor", "min.isr"))}
    assert len(factors) == 5
    assert set(factors.values()) == {"1"}


def test_settings_reach_the_node_and_topics_are_not_made_by_accident() -> None:
    assert properties()["log.retention.hours"] == "5"
    assert properties()["auto.create.topics.enable"] == "false"
    assert "-Xmx300m" in node.java_command(Path("java"), [Path("a.jar")], "kafka.Kafka", [], 300)


def test_cluster_ids_are_22_characters_and_never_look_like_an_option() -> None:
    ids = {node.new_cluster_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", text) for text in ids)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("ERROR x\njava.io.IOException: No space left on device", ConfigurationError, "disk is full"),
        (
            "org.apache.kafka.common.KafkaException: Socket server failed: Address already in use",
            PortInUseError,
            "9092",
        ),
        ("java.lang.OutOfMemoryError: Java heap space", ConfigurationError, "HEAP_MEGABYTES"),
        ("Failed to acquire lock on file .lock in data", ConfigurationError, "same data folder"),
        ("WARN fine\nERROR it broke\n    at a.b.C\nbecause", BrokerUnreachableError, "ERROR it broke\n    because"),
        ("", BrokerUnreachableError, "(nothing)"),
    ],
)
def test_an_early_end_is_explained(said: str, kind: type[Exception], words: str) -> None:
    error = explain_end(said, 1, 9092, "kafka.log")
    assert type(error) is kind
    assert words in str(error)


def test_a_quiet_end_is_quoted_by_its_last_lines() -> None:
    assert last_words("\n".join(f"line {n}" for n in range(50)))[-1] == "line 49"


def test_a_taken_port_is_named_with_its_holder_and_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError) as caught:
            check_port(port)
    assert f"Port {port}" in caught.value.message
    assert f"(process {os.getpid()})" in caught.value.message
    assert "BOOTSTRAP_SERVERS" in caught.value.hint
    assert "STREAMAPP_KAFKA__BOOTSTRAP_SERVERS" in caught.value.hint
    check_port(port)


def test_a_port_taken_on_all_addresses_is_taken() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken, pytest.raises(PortInUseError):
        check_port(taken.getsockname()[1])


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(ConfigurationError, match="no port number"):
        check_port(port)


def test_a_free_port_passes_the_check() -> None:
    check_port(free_port())


def test_a_full_disk_is_named_with_what_is_needed(tmp_path: Path) -> None:
    check_disk(tmp_path, needed_bytes=1)
    with pytest.raises(ConfigurationError, match="almost full"):
        check_disk(tmp_path, needed_bytes=1 << 62)


def test_a_folder_in_use_names_its_owner_and_a_stale_lock_file_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text('{"pid": 1, "port": 1}')
    with locked(tmp_path) as lock:
        with pytest.raises(ConfigurationError, match="another start"), locked(tmp_path):
            pass
        write_owner(lock, 4711, 9092)
        with pytest.raises(ConfigurationError, match="process 4711, port 9092"), locked(tmp_path):
            pass
    with locked(tmp_path):
        pass


def test_an_interrupted_format_is_cleared_but_topics_are_never_touched(tmp_path: Path) -> None:
    data = tmp_path / "data"
    clear_unfinished(data)
    data.mkdir()
    (data / "bootstrap.checkpoint").touch()
    clear_unfinished(data)
    assert list(data.iterdir()) == []
    (data / "orders-0").mkdir()
    with pytest.raises(ConfigurationError, match="holds topics"):
        clear_unfinished(data)
    assert (data / "orders-0").exists()
