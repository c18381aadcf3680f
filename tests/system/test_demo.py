"""The demo, start to end, and what it leaves when nothing runs any more."""

import json
import signal
import socket
import subprocess

import pytest
from place import Place, end, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.slow]


def test_the_demo_with_exit_ends_0_and_leaves_a_balanced_audit(
    place: Place, demo: subprocess.CompletedProcess[str]
) -> None:
    assert demo.returncode == 0, demo.stderr
    audit = json.loads((place.folder / ".streamapp" / "audit.json").read_text())
    ledger = audit["topics"]["ecommerce-events"]
    assert audit["balanced"]
    assert audit["problems"] == []
    assert audit["spark"] is None
    assert ledger["consumed"] == 4000
    assert ledger["consumed"] == ledger["embedded"] + ledger["duplicate"] + ledger["rejected"] + ledger["deleted"]
    assert ledger["duplicate"] > 0
    assert ledger["rejected"] > 0
    assert ledger["lag"] == ledger["in_flight"] == 0
    assert audit["points"] == ledger["embedded"]
    assert audit["dead_letters"] == ledger["rejected"]


def test_a_search_answers_from_the_local_state_with_nothing_running(
    place: Place, demo: subprocess.CompletedProcess[str]
) -> None:
    assert demo.returncode == 0, demo.stderr
    hits = place.json("search", "wireless headphones", "--json", "--limit", "5")
    assert len(hits) == 5
    assert len({hit["product"]["id"] for hit in hits}) == 5
    assert "headphones" in hits[0]["product"]["name"].lower()
    texts = [f"{hit['product']['name']} {hit['product']['description']}".lower() for hit in hits]
    assert all(any(word in text for word in ("headphone", "earphone", "earbud", "headset")) for text in texts)
    assert all(hit["events"] > 0 for hit in hits)
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)


def test_recommendations_and_explanations_answer_with_nothing_running(
    place: Place, demo: subprocess.CompletedProcess[str]
) -> None:
    assert demo.returncode == 0, demo.stderr
    (hit,) = place.json("search", "running shoes", "--json", "--limit", "1")
    others = place.json("recommend", "--product", hit["product"]["id"], "--json", "--limit", "3")
    assert len(others) == 3
    assert hit["product"]["id"] not in {other["product"]["id"] for other in others}
    assert place.run("explain", "no-such-event").returncode == 1


def test_a_port_in_use_is_named(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = place.run("demo", "--events", "10", "--exit", "--set", f"web.port={port}")
    assert done.returncode == 3
    assert str(port) in done.stderr


def test_ctrl_c_ends_every_process_and_a_second_demo_in_the_same_folder_works(
    place: Place, demo: subprocess.CompletedProcess[str]
) -> None:
    process = place.start("demo", "--rate", "200", log="second")
    try:
        wait_until(lambda: "search" in place.log("second"), 120, f"the second demo: {place.log('second')}")
        wait_until(lambda: place.get("/status")["events"] > 0, 60, "events")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, 130), place.log("second")
    finally:
        end(process)
    for port in (place.kafka_port, place.web_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"port {port} is still open"
