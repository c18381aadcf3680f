"""The doctor: no check raises or hangs it, and each finding says what was seen and how to mend it."""

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from streamapp.doctor.broker import check_answer, check_broker_port, check_jars, check_topics, judge_topics
from streamapp.doctor.check import Check, Finding, print_checks, report, run_checks
from streamapp.doctor.machine import check_disk, check_home, check_java, check_memory, check_web_port
from streamapp.doctor.parts import check_model, check_store, holder_of
from streamapp.doctor.place import address, is_local
from streamapp.errors import ConfigurationError
from streamapp.kafka.ports import free_port
from streamapp.pipeline.tables import TABLE_NAMES
from streamapp.running import process_start, running_file
from streamapp.settings import BrokerSettings, EmbeddingSettings, KafkaSettings, Settings, WebSettings
from streamapp.store.lock import hold_folder
from streamapp.verbs.doctor import doctor


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def kafka_at(port: int, host: str = "127.0.0.1") -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=f"{host}:{port}", topic="shop", group="us", partitions=4)


def note_worker(home: Path, pid: int) -> None:
    running_file(home).parent.mkdir(parents=True)
    running_file(home).write_text(
        json.dumps({"pid": pid, "url": "http://127.0.0.1:8080", "started": process_start(pid)})
    )


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(doctor)
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments))


class TestRunning:
    def test_findings_come_in_the_order_of_their_checks(self) -> None:
        late = threading.Event()

        def first() -> Finding:
            late.wait(5)
            return Finding("good", "first")

        def second() -> Finding:
            late.set()
            return Finding("warning", "second", "mend")

        assert run_checks({"a": first, "b": second}) == [
            Check("a", "good", "first", ""),
            Check("b", "warning", "second", "mend"),
        ]

    def test_a_check_that_raises_is_a_finding(self) -> None:
        def ours() -> Finding:
            raise ConfigurationError("It is broken.", "Mend it.")

        def unforeseen() -> Finding:
            raise ZeroDivisionError("by zero")

        known, other = run_checks({"ours": ours, "unforeseen": unforeseen})
        assert known == Check("ours", "bad", "It is broken.", "Mend it.")
        assert (other.state, "by zero" in other.seen) == ("bad", True)

    def test_a_check_that_hangs_keeps_nobody_waiting(self) -> None:
        ended = threading.Event()

        def hang() -> Finding:
            ended.wait(60)
            return Finding("good", "too late")

        started = time.monotonic()
        (check,) = run_checks({"hangs": hang}, limit_seconds=0.05)
        ended.set()
        assert (check.state, check.seen) == ("bad", "no result within 0 s")
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize(
        ("states", "good"), [(["good"], True), (["good", "warning"], True), (["warning", "bad"], False)]
    )
    def test_only_what_is_bad_makes_the_whole_bad(self, states: list[str], good: bool) -> None:
        assert report([Check("c", state, "", "") for state in states])["good"] is good  # type: ignore[arg-type]

    def test_the_table_shows_what_was_seen_and_how_to_mend_it_as_plain_text(self) -> None:
        console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115 - closed below
        print_checks([Check("java", "good", "Java 17 [bold]", ""), Check("disk", "bad", "full", "Make room.")], console)
        console.file.close()
        text = console.export_text()
        for part in (
            "✓  java  Java 17 [bold]",
            "✗  disk  full",
            "Make room.",
            "1 of 2 checks found something to mend.",
        ):
            assert part in text


class TestMachine:
    def test_java_is_only_needed_for_a_kafka_of_this_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert check_java(kafka_at(9092)).state == "good"
        monkeypatch.setenv("PATH", "")
        monkeypatch.delenv("JAVA_HOME", raising=False)
        here, elsewhere = check_java(kafka_at(9092)), check_java(kafka_at(9092, "kafka.example"))
        assert (here.state, elsewhere.state) == ("bad", "warning")
        assert "apt install" in here.mend

    def test_a_web_port_is_free_ours_or_somebodys(self, tmp_path: Path, listener: socket.socket) -> None:
        port = listener.getsockname()[1]
        taken = check_web_port(tmp_path, WebSettings(port=port))
        assert taken.state == "bad"
        assert "in use by" in taken.seen
        assert "STREAMAPP_WEB__PORT" in taken.mend
        assert check_web_port(tmp_path, WebSettings(port=free_port())).state == "good"
        assert check_web_port(tmp_path, WebSettings(port=0)).state == "good"
        note_worker(tmp_path, os.getpid())
        assert "our worker" in check_web_port(tmp_path, WebSettings(port=port)).seen

    def test_an_address_of_another_machine_cannot_be_listened_on(self, tmp_path: Path) -> None:
        elsewhere = WebSettings(host="192.0.2.1", port=free_port(), token="t")  # type: ignore[arg-type]
        assert check_web_port(tmp_path, elsewhere).state == "bad"

    def test_a_folder_that_is_not_there_is_judged_by_what_is_above_it(self, tmp_path: Path) -> None:
        home = tmp_path / "a" / "b"
        assert check_disk(home).state in ("good", "warning", "bad")
        assert "can be made" in check_home(home).seen
        assert "can be written" in check_home(tmp_path).seen
        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_the_place_of_the_folder_is_bad(self, tmp_path: Path) -> None:
        home = tmp_path / "state"
        home.write_text("")
        assert check_home(home).state == "bad"
        assert "STREAMAPP_HOME" in check_home(home).mend

    def test_memory_is_told(self, tmp_path: Path) -> None:
        assert "GiB available" in check_memory(tmp_path).seen


class TestKafka:
    def test_no_broker_yet_is_a_warning_here_and_bad_elsewhere(self) -> None:
        here = check_answer(kafka_at(free_port()))
        assert here.state == "warning"
        assert "`streamapp kafka`" in here.mend
        assert check_answer(kafka_at(1, "no-such-host.invalid")).state == "bad"

    def test_a_free_port_is_good_and_one_without_a_kafka_behind_it_bad(
        self, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("streamapp.doctor.broker.ANSWER_SECONDS", 0.3)
        assert check_broker_port(kafka_at(free_port())).state == "good"
        kafka = kafka_at(listener.getsockname()[1])
        taken = check_broker_port(kafka)
        assert taken.state == "bad"
        assert "does not answer as a Kafka" in taken.seen
        assert check_answer(kafka).state == "bad"
        assert check_broker_port(kafka_at(1, "kafka.example")).state == "good"

    def test_topics_cannot_be_seen_without_a_broker(self) -> None:
        assert check_topics(kafka_at(free_port())).state == "warning"

    def test_topics_that_fit_are_told(self) -> None:
        changelogs = {f"us-{table}-changelog": 4 for table in TABLE_NAMES}
        found = judge_topics(kafka_at(1), {"shop": 4, "shop-dlq": 1, **changelogs})
        assert found == Finding("good", "shop has 4 partitions; shop-dlq has 1 partition; 6 changelogs fit")
        assert "will be made by the worker" in judge_topics(kafka_at(1), {}).seen

    @pytest.mark.parametrize("topics", [{"shop": 5}, {}])
    def test_a_changelog_with_other_partitions_is_bad(self, topics: dict[str, int]) -> None:
        found = judge_topics(kafka_at(1), {"us-ledger-changelog": 3, **topics})
        assert found.state == "bad"
        assert f"has 3 partitions, but shop has {topics.get('shop', 4)}" in found.seen
        assert "STREAMAPP_KAFKA__GROUP" in found.mend

    def test_jars_that_are_not_there_yet_will_be_loaded(self, tmp_path: Path) -> None:
        found = check_jars(kafka_at(9092), BrokerSettings(jars=tmp_path))
        assert found.state == "warning"
        assert check_jars(kafka_at(9092, "kafka.example"), BrokerSettings(jars=tmp_path)).state == "good"

    def test_an_address_is_told_apart(self) -> None:
        assert address("[::1]:9092") == ("[::1]", 9092)
        assert is_local(kafka_at(1, "localhost"))
        assert not is_local(KafkaSettings(bootstrap_servers="localhost:1,kafka.example:1"))


class TestParts:
    def test_the_models_files_are_found_without_loading_it(self, tmp_path: Path) -> None:
        assert "MB in" in check_model(EmbeddingSettings()).seen
        assert "needs no model" in check_model(EmbeddingSettings(kind="light")).seen
        empty = check_model(EmbeddingSettings(model=str(tmp_path)))
        assert (empty.state, "no weights" in empty.seen) == ("bad", True)

    def test_a_model_that_is_not_there_is_bad(self) -> None:
        (check,) = run_checks({"model": lambda: check_model(EmbeddingSettings(model="no-such-model"))})
        assert check.state == "bad"
        assert "embedding.kind" in check.mend

    def test_a_store_that_is_not_there_yet_is_good(self, tmp_path: Path) -> None:
        assert check_store(Settings(home=tmp_path)).state == "good"
        (tmp_path / "store").mkdir()
        assert check_store(Settings(home=tmp_path)) == Finding("good", f"no points in {tmp_path / 'store'} yet")

    def test_a_store_is_held_by_our_worker_or_by_a_stranger(self, tmp_path: Path) -> None:
        settings = Settings(home=tmp_path)
        with hold_folder(tmp_path / "store", 0):
            assert holder_of(tmp_path / "store") == os.getpid()
            stranger = check_store(settings)
            assert stranger.state == "bad"
            assert f"process {os.getpid()}" in stranger.seen
            note_worker(tmp_path, os.getpid())
            assert check_store(settings).state == "good"
        assert holder_of(tmp_path / "store") is None

    def test_looking_at_the_lock_does_not_take_it(self, tmp_path: Path) -> None:
        hold_folder(tmp_path, 0).close()
        assert holder_of(tmp_path) is None
        with (tmp_path / "in-use-by.pid").open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class TestVerb:
    def test_wrong_settings_are_all_that_is_said(self) -> None:
        result = run("--json", "--set", "kafka.partitions=many", "--set", "web.port=-1")
        found = json.loads(result.stdout)
        assert [check["name"] for check in found["checks"]] == ["settings"]
        assert "kafka.partitions" in found["checks"][0]["seen"]
        assert "web.port" in found["checks"][0]["seen"]
        assert result.exit_code == 1

    def test_before_the_first_start_nothing_is_bad(self, tmp_path: Path) -> None:
        here = ["--home", str(tmp_path), "--set", f"kafka.bootstrap_servers=127.0.0.1:{free_port()}"]
        result = run("--json", *here, "--set", "web.port=0")
        states = {check["name"]: check["state"] for check in json.loads(result.stdout)["checks"]}
        assert (states["kafka"], states["topics"], states["store"]) == ("warning", "warning", "good")
        assert result.exit_code == (1 if "bad" in states.values() else 0)
        assert list(tmp_path.iterdir()) == []
