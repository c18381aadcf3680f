"""Dead letters on the real Kafka: read, exported, replayed once and in order, put aside; and what the verbs say."""

import asyncio
import base64
import json
from pathlib import Path

import aiokafka
import pytest
from typer.testing import CliRunner, Result

from streamapp.cli import app
from streamapp.deadletters.choose import Filter, read_pattern
from streamapp.deadletters.letter import REPLAYS, copied
from streamapp.deadletters.quarantine import quarantine
from streamapp.deadletters.read import find_letter, quarantine_topic, read_letters, summarise
from streamapp.deadletters.replay import Order, Outcome, replay
from streamapp.errors import BrokerUnreachableError, ConfigurationError, StreamappError
from streamapp.events import Reason
from streamapp.kafka.broker import LocalBroker
from streamapp.kafka.clients import admin, producer, producer_options
from streamapp.kafka.ports import free_port
from streamapp.kafka.reader import read_topic
from streamapp.kafka.sender import Outgoing, Sender
from streamapp.kafka.topics import TopicSpec, end_offsets, ensure_topics, worker_topics
from streamapp.pipeline.deadletter import dead_letter
from streamapp.pipeline.decode import Rejected
from streamapp.settings import KafkaSettings

pytestmark = pytest.mark.broker


async def shop(broker: LocalBroker, topic: str) -> KafkaSettings:
    kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, topic=topic, partitions=4)
    await ensure_topics(kafka, worker_topics(kafka))
    return kafka


async def records_of(kafka: KafkaSettings, topic: str) -> list:
    return [record async for records in read_topic(kafka, topic) for record in records]


async def produce(kafka: KafkaSettings, *values: bytes | None) -> None:
    async with producer(kafka) as client:
        for number, value in enumerate(values):
            headers = [("trace", b"%d" % number)]
            await client.send_and_wait(kafka.topic, value, b"k%d" % number, partition=number % 4, headers=headers)


async def reject(kafka: KafkaSettings, reason: Reason = Reason.NOT_JSON) -> None:
    """Make a dead letter of every record of the source topic that has none, as a worker does."""
    done = {letter.dead.origin async for letter in read_letters(kafka, kafka.dlq) if letter is not None}
    records = sorted(await records_of(kafka, kafka.topic), key=lambda r: (r.offset, r.partition))
    letters = [
        dead_letter(r, Rejected(reason, "here")) for r in records if (r.topic, r.partition, r.offset) not in done
    ]
    if letters:
        await send(kafka, kafka.dlq, letters)


async def send(kafka: KafkaSettings, topic: str, records: list[Outgoing]) -> None:
    sender = Sender(lambda: aiokafka.AIOKafkaProducer(**producer_options(kafka)))
    await sender.send(topic, 0, records)
    await sender.close()


async def replayed(kafka: KafkaSettings, folder: Path, **order: object) -> Outcome:
    return await replay(kafka, folder, Order(order.pop("wanted", Filter()), **order))


def run(broker: LocalBroker, kafka: KafkaSettings, home: Path, *arguments: str) -> Result:
    flags = [
        "--home",
        str(home),
        "--topic",
        kafka.topic,
        "--set",
        f"kafka.bootstrap_servers={broker.bootstrap_servers}",
    ]
    return CliRunner().invoke(app, ["dlq", *arguments, *flags])


async def test_a_replay_gives_the_original_back_to_its_partition_with_its_headers_counted(broker, tmp_path) -> None:
    kafka = await shop(broker, "dlq-replay")
    await produce(kafka, b"{0", b"\xff\x00", b"", b"{3", b"{4")
    await reject(kafka)
    outcome = await replayed(kafka, tmp_path)
    assert (outcome.replayed, outcome.targets, outcome.left) == (5, {"dlq-replay": 5}, {})
    records = await records_of(kafka, kafka.topic)
    for partition in range(4):
        here = [record for record in records if record.partition == partition]
        before, again = here[: len(here) // 2], here[len(here) // 2 :]
        assert [(r.key, r.value) for r in again] == [(r.key, r.value) for r in before]
        assert [r.headers for r in again] == [(*r.headers, (REPLAYS, b"1")) for r in before]


async def test_a_null_value_without_a_key_can_be_replayed_too(broker, tmp_path) -> None:
    kafka = await shop(broker, "dlq-null")
    async with producer(kafka) as client:
        batch = client.create_batch()
        batch.append(key=None, value=None, timestamp=None)
        await (await client.send_batch(batch, kafka.topic, partition=1))
    await reject(kafka, Reason.BAD_TOMBSTONE)
    assert (await replayed(kafka, tmp_path)).replayed == 1
    assert [(r.partition, r.key, r.value) for r in await records_of(kafka, kafka.topic)] == [(1, None, None)] * 2


async def test_a_replay_goes_on_where_it_stopped_and_each_filter_has_its_own_place(broker, tmp_path) -> None:
    kafka = await shop(broker, "dlq-resume")
    await produce(kafka, *(b"{%d" % number for number in range(10)))
    await reject(kafka)
    first = await replayed(kafka, tmp_path, limit=4)
    assert (first.replayed, first.stopped_at_limit) == (4, True)
    second = await replayed(kafka, tmp_path)
    assert (second.replayed, second.left) == (6, {"earlier": 4})
    assert (await replayed(kafka, tmp_path)).replayed == 0
    assert (await replayed(kafka, tmp_path, wanted=Filter(grep=read_pattern("^.[12]$")))).replayed == 2
    again = await replayed(kafka, tmp_path, restart=True, dry_run=True)
    assert (again.replayed, again.dry_run) == (10, True)
    assert sum((await end_offsets(kafka, kafka.topic)).values()) == 10 + 10 + 2


async def test_a_dry_run_sends_and_remembers_nothing(broker, tmp_path) -> None:
    kafka = await shop(broker, "dlq-dry")
    await produce(kafka, b"{")
    await reject(kafka)
    for _ in range(2):
        assert (await replayed(kafka, tmp_path / "dlq", dry_run=True)).replayed == 1
    assert sum((await end_offsets(kafka, kafka.topic)).values()) == 1
    assert not (tmp_path / "dlq").exists()


async def test_a_doubled_letter_is_replayed_once(broker, tmp_path) -> None:
    kafka = await shop(broker, "dlq-doubled")
    await produce(kafka, b"{0", b"{1")
    await reject(kafka)
    assert (await replayed(kafka, tmp_path, limit=1)).replayed == 1
    kept = [letter async for letter in read_letters(kafka, kafka.dlq)]
    await send(kafka, kafka.dlq, [copied(letter) for letter in kept])  # once more, as after a crash
    stats = (await summarise(kafka, Filter())).stats()
    assert (stats["letters"], stats["doubled"]) == (2, 2)
    outcome = await replayed(kafka, tmp_path)
    assert (outcome.replayed, outcome.left) == (1, {"earlier": 1, "doubled": 2})


async def test_the_counter_survives_rejections_until_the_loop_guard_refuses(broker, tmp_path) -> None:
    kafka = await shop(broker, "dlq-loop")
    await produce(kafka, b"{")
    for round_ in range(3):
        await reject(kafka)
        assert (await replayed(kafka, tmp_path)).replayed == 1, round_
    await reject(kafka)
    refused = await replayed(kafka, tmp_path)
    assert (refused.replayed, refused.left["refused"]) == (0, 1)
    assert [letter.replays async for letter in read_letters(kafka, kafka.dlq)] == [0, 1, 2, 3]
    assert (await replayed(kafka, tmp_path, max_replays=4)).replayed == 1


async def test_quarantined_letters_are_copied_once_and_never_replayed(broker, tmp_path) -> None:
    kafka = await shop(broker, "dlq-aside")
    await produce(kafka, b"{good", b"{evil", b"{evil too")
    await reject(kafka)
    evil = Filter(grep=read_pattern("evil"))
    assert await quarantine(kafka, evil, dry_run=True) == (2, 0, "dlq-aside-dlq-quarantine")
    assert await end_offsets(kafka, quarantine_topic(kafka)) == {}
    assert await quarantine(kafka, evil) == (2, 0, "dlq-aside-dlq-quarantine")
    assert await quarantine(kafka, evil) == (0, 2, "dlq-aside-dlq-quarantine")
    copies = await records_of(kafka, quarantine_topic(kafka))
    letters = await records_of(kafka, kafka.dlq)
    assert [(c.value, c.headers, c.timestamp) for c in copies] == [
        (r.value, r.headers, r.timestamp) for r in letters if b"evil" in r.value
    ]
    outcome = await replayed(kafka, tmp_path)
    assert (outcome.replayed, outcome.left) == (1, {"quarantined": 2})
    assert (await summarise(kafka, Filter())).stats()["quarantined"] == 2


async def test_another_topic_is_replayed_to_by_key_and_never_a_topic_of_dead_letters(broker, tmp_path) -> None:
    kafka = await shop(broker, "dlq-to")
    await produce(kafka, b"{0", b"{1")
    await reject(kafka)
    await ensure_topics(kafka, [TopicSpec("dlq-to-mended", 1)])
    outcome = await replayed(kafka, tmp_path, target="dlq-to-mended")
    assert outcome.targets == {"dlq-to-mended": 2}
    assert [(r.partition, r.value) for r in await records_of(kafka, "dlq-to-mended")] == [(0, b"{0"), (0, b"{1")]
    for topic in (kafka.dlq, quarantine_topic(kafka)):
        with pytest.raises(ConfigurationError, match="never end"):
            await replayed(kafka, tmp_path, target=topic)
    with pytest.raises(ConfigurationError, match="There is no topic dlq-to-nowhere"):
        await replayed(kafka, tmp_path, target="dlq-to-nowhere")


async def test_a_topic_that_was_made_anew_is_replayed_from_its_first_letter(broker, tmp_path) -> None:
    kafka = await shop(broker, "dlq-anew")
    await produce(kafka, b"{0", b"{1")
    await reject(kafka)
    assert (await replayed(kafka, tmp_path)).replayed == 2
    async with admin(kafka) as client:
        await client.delete_topics([kafka.dlq])
    outcome = await replayed(kafka, tmp_path)
    assert (outcome.replayed, outcome.began_anew) == (0, True)


async def test_a_rate_is_kept(broker, tmp_path) -> None:
    kafka = await shop(broker, "dlq-rate")
    await produce(kafka, *(b"{%d" % number for number in range(30)))
    await reject(kafka)
    now = [0.0]

    def clock() -> float:
        now[0] += 10.0  # so much time passes between two groups that none has to wait
        return now[0]

    outcome = await replay(kafka, tmp_path, Order(Filter(), rate=5.0), clock)
    assert outcome.replayed == 30
    assert now[0] >= 30 * 10.0


async def test_a_letter_is_found_by_its_offset(broker) -> None:
    kafka = await shop(broker, "dlq-find")
    assert await find_letter(kafka, 0) is None
    await produce(kafka, b"{0", b"{1")
    await reject(kafka)
    letters = [letter async for letter in read_letters(kafka, kafka.dlq)]
    assert [await find_letter(kafka, 0), await find_letter(kafka, 1)] == letters
    with pytest.raises(StreamappError, match="offsets go from 0 to 1"):
        await find_letter(kafka, 2)


async def test_without_a_broker_the_address_is_named(tmp_path) -> None:
    kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}")
    with pytest.raises(BrokerUnreachableError, match=kafka.bootstrap_servers):
        await summarise(kafka, Filter())
    with pytest.raises(BrokerUnreachableError, match=kafka.bootstrap_servers):
        await replayed(kafka, tmp_path)


class TestVerbs:
    @pytest.fixture
    def kafka(self, broker, request) -> KafkaSettings:
        return asyncio.run(shop(broker, f"dlq-verbs-{abs(hash(request.node.name))}"))

    def fill(self, kafka: KafkaSettings, *values: bytes | None) -> None:
        asyncio.run(produce(kafka, *values))
        asyncio.run(reject(kafka))

    @pytest.mark.parametrize("verb", ["stats", "list", "show 0", "export -", "replay", "quarantine"])
    def test_an_empty_topic_is_said_calmly(self, broker, kafka, tmp_path, verb) -> None:
        result = run(broker, kafka, tmp_path, *verb.split())
        assert result.exit_code == 0, result.output
        assert kafka.dlq in result.output

    @pytest.mark.parametrize("verb", ["stats", "list", "show 0", "export -", "replay", "quarantine"])
    def test_an_absent_topic_is_said_calmly_and_stays_absent(self, broker, tmp_path, verb) -> None:
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, topic="dlq-absent")
        result = run(broker, kafka, tmp_path, *verb.split())
        assert result.exit_code == 0, result.output
        assert asyncio.run(end_offsets(kafka, kafka.dlq)) == {}

    @pytest.mark.parametrize("verb", ["stats", "list", "show 0", "export -", "replay", "quarantine"])
    def test_without_a_broker_every_verb_ends_with_four(self, tmp_path, verb) -> None:
        away = ["--home", str(tmp_path), "--set", f"kafka.bootstrap_servers=127.0.0.1:{free_port()}"]
        result = CliRunner().invoke(app, ["dlq", *verb.split(), *away])
        assert result.exit_code == 4
        assert "No Kafka broker answers" in result.stderr

    def test_counts_lines_and_bytes_are_shown(self, broker, kafka, tmp_path) -> None:
        self.fill(kafka, b"{\x1b[2J", b"{\xff")
        stats = json.loads(run(broker, kafka, tmp_path, "stats", "--json").stdout)
        assert (stats["topic"], stats["letters"], stats["reasons"]) == (kafka.dlq, 2, {"not_json": 2})
        assert [line["key"] for line in json.loads(run(broker, kafka, tmp_path, "list", "--json").stdout)] == [
            "k0",
            "k1",
        ]
        assert run(broker, kafka, tmp_path, "list", "--partition", "1").stdout.count("not_json") == 1
        assert "is like that; 2 are not" in run(broker, kafka, tmp_path, "list", "--reason", "empty").stdout
        assert "\\x1b[2J" in run(broker, kafka, tmp_path, "show", "0").stdout
        assert run(broker, kafka, tmp_path, "show", "1", "--raw").stdout_bytes == b"{\xff"
        assert run(broker, kafka, tmp_path, "show", "2").exit_code == 1

    def test_an_export_holds_every_letter_exactly(self, broker, kafka, tmp_path) -> None:
        self.fill(kafka, b"{\xff", b"", b"{2")
        file = tmp_path / "letters.jsonl"
        assert run(broker, kafka, tmp_path, "export", str(file)).exit_code == 0
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert [base64.b64decode(line["value"]) for line in lines] == [b"{\xff", b"", b"{2"]
        assert [line["offset"] for line in lines] == [0, 1, 2]
        assert list(tmp_path.glob("*.part")) == []
        assert run(broker, kafka, tmp_path, "export", "-", "--grep", "2").stdout.count("\n") == 1
        assert run(broker, kafka, tmp_path, "export", str(tmp_path / "no" / "file")).exit_code == 3

    def test_a_replay_says_what_it_did_and_what_it_left(self, broker, kafka, tmp_path) -> None:
        self.fill(kafka, b"{0", b"{1")
        assert (
            f"2 dead letters would be replayed to {kafka.topic}"
            in run(broker, kafka, tmp_path, "replay", "--dry-run").stdout
        )
        assert "Stopped at --max" in run(broker, kafka, tmp_path, "replay", "--max", "1").stdout
        found = json.loads(run(broker, kafka, tmp_path, "replay", "--json").stdout)
        assert (found["replayed"], found["left"]) == (1, {"earlier": 1})
        assert "nothing more to replay" in run(broker, kafka, tmp_path, "replay").stdout
        asyncio.run(reject(kafka))
        assert "2 refused: replayed 1 times" in run(broker, kafka, tmp_path, "replay", "--max-replays", "1").stdout
        assert "4 dead letters" in run(broker, kafka, tmp_path, "quarantine").stdout
