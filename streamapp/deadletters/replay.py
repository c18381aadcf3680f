"""Letters produced back to where their records came from, group by group, each confirmed before it is noted.

In: an `Order`. Out: an `Outcome`, the counts of it. The traps: letters that arrive meanwhile are for the next run, so a
replay that is rejected again cannot feed itself; and a partition of origin may be gone, the key's is taken then.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec

from streamapp.clock import Clock, monotonic
from streamapp.deadletters.bookmark import Bookmark, fits, read_bookmark, write_bookmark
from streamapp.deadletters.choose import Filter
from streamapp.deadletters.judge import Fate, Judge
from streamapp.deadletters.letter import Letter, replayed
from streamapp.deadletters.pace import FULL_GROUP, Pace
from streamapp.deadletters.read import cluster_id, quarantine_topic, read_identities, read_letters
from streamapp.deadletters.send import Post, Posted, open_post
from streamapp.errors import ConfigurationError
from streamapp.kafka.topics import end_offsets, topic_partitions
from streamapp.settings import KafkaSettings
from streamapp.sources.producer import Partitioner
from streamapp.sources.record import Record

GROUP_LETTERS, GROUP_BYTES = FULL_GROUP, 4 * 1024**2
"""What is sent and noted at once: a few milliseconds of work, and bounded memory for letters of a megabyte."""

OnProgress = Callable[[int, int], None]


class Order(msgspec.Struct, frozen=True):
    """What a replay is asked for; see `streamapp dlq replay --help`."""

    wanted: Filter
    target: str | None = None
    """Another topic than the one that each record came from."""
    dry_run: bool = False
    limit: int | None = None
    rate: float | None = None
    """Letters a second."""
    max_replays: int = 3
    restart: bool = False


class Outcome(msgspec.Struct):
    """What became of the letters; `left` is why the others were not sent."""

    dry_run: bool
    replayed: int = 0
    """Sent and confirmed; with `dry_run` those that would be."""
    targets: dict[str, int] = {}
    left: dict[str, int] = {}
    began_anew: bool = False
    """The bookmark was of a topic that has been deleted and made again."""
    stopped_at_limit: bool = False


async def replay(
    kafka: KafkaSettings, folder: Path, order: Order, clock: Clock = monotonic, progress: OnProgress | None = None
) -> Outcome:
    """Replay what is ordered, from where the last run of the same order stopped; `folder` keeps the bookmarks.

    Raises BrokerUnreachableError, and ConfigurationError for a target that is not there or would loop.
    """
    refuse_loops(kafka, order.target)
    ends = await end_offsets(kafka, kafka.dlq)
    mark, began_anew = await _bookmark(kafka, folder, order, ends)
    outcome = Outcome(order.dry_run, began_anew=began_anew)
    judge = Judge(order.wanted, mark, await read_identities(kafka, quarantine_topic(kafka)), order.max_replays)
    async with open_post(kafka) as post:
        run = _Run(kafka, folder, order, mark, outcome, post, Pace(order.rate, clock))
        async with (
            aclosing(read_letters(kafka, kafka.dlq, end=ends, progress=progress)) as letters,
            aclosing(_groups(letters, judge, order, run.pace.group)) as groups,
        ):
            async for group in groups:
                await run.send(group)
    outcome.stopped_at_limit = outcome.replayed == order.limit
    outcome.left = {fate.value: n for fate, n in judge.counts.items() if fate not in (Fate.SEND, Fate.OTHER)}
    if not order.dry_run:
        write_bookmark(folder, mark)  # also past the letters at the end that were left
    return outcome


def refuse_loops(kafka: KafkaSettings, target: str | None) -> None:
    """Raise ConfigurationError for a target among the dead letters' own topics."""
    if target in (kafka.dlq, quarantine_topic(kafka)):
        raise ConfigurationError(
            f"{target} is a topic of dead letters: replaying into it would never end.",
            "Name another with --to, or leave it away to go back to the source topic.",
        )


async def _bookmark(kafka: KafkaSettings, folder: Path, order: Order, ends: dict[int, int]) -> tuple[Bookmark, bool]:
    """The bookmark to go on from, and whether one was there that no longer fits."""
    subject: dict[str, Any] = {"cluster": await cluster_id(kafka), "topic": kafka.dlq, "to": order.target}
    subject["filter"] = order.wanted.words()
    if order.restart:
        return Bookmark(subject), False
    mark = read_bookmark(folder, subject)
    return (mark, False) if fits(mark, ends) else (Bookmark(subject), True)


async def _groups(
    letters: AsyncGenerator[Letter | None], judge: Judge, order: Order, size: int
) -> AsyncGenerator[list[Letter]]:
    """The letters to send, as many at once as fit, no more in all than the order's limit."""
    group: list[Letter] = []
    total = group_bytes = 0
    async for letter in letters:
        if letter is None or judge.judge(letter) is not Fate.SEND:
            continue
        group.append(letter)
        total, group_bytes = total + 1, group_bytes + len(letter.dead.value or b"")
        if len(group) == size or group_bytes >= GROUP_BYTES or total == order.limit:
            yield group
            group, group_bytes = [], 0
        if total == order.limit:
            return
    if group:
        yield group


class _Run:
    """One replay under way: where letters go, and what is noted of them."""

    def __init__(
        self, kafka: KafkaSettings, folder: Path, order: Order, mark: Bookmark, outcome: Outcome, post: Post, pace: Pace
    ) -> None:
        self.pace = pace
        self._kafka, self._folder, self._order = kafka, folder, order
        self._mark, self._outcome, self._post = mark, outcome, post
        self._partitions: dict[str, int] = {}

    async def send(self, group: list[Letter]) -> None:
        """Send a group when it is due, then note it; a dry run only counts."""
        posted = [await self._address(letter) for letter in group]
        if not self._order.dry_run:
            await self.pace.due(len(group))
            await self._post.send(posted)
            write_bookmark(self._folder, self._mark)
        self._outcome.replayed += len(group)
        for one in posted:
            self._outcome.targets[one.topic] = self._outcome.targets.get(one.topic, 0) + 1

    async def _address(self, letter: Letter) -> Posted:
        origin = letter.dead.origin
        topic = self._order.target or origin.topic
        partitions = await self._count(topic)
        if topic == origin.topic and origin.partition < partitions:
            return Posted(topic, origin.partition, replayed(letter))
        partition = Partitioner(partitions).partition(Record(letter.dead.key, letter.dead.value))
        return Posted(topic, partition, replayed(letter))

    async def _count(self, topic: str) -> int:
        if topic not in self._partitions:
            refuse_loops(self._kafka, topic)
            found = await topic_partitions(self._kafka, topic)
            if not found:
                raise ConfigurationError(
                    f"There is no topic {topic} at {self._kafka.bootstrap_servers} to replay to.",
                    "Start the worker, which makes it, or name another with --to.",
                )
            self._partitions[topic] = found
        return self._partitions[topic]
