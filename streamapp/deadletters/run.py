"""A replay from the command line: progress on stderr, and its outcome in words."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from streamapp.deadletters.quarantine import PutAside
from streamapp.deadletters.replay import Order, Outcome, replay
from streamapp.settings import KafkaSettings

LEFT = {
    "doubled": "{n} came twice and count once.",
    "quarantined": "{n} are in quarantine and stay there.",
    "earlier": "{n} were done with in an earlier run; --restart begins with the first again.",
    "refused": "{n} refused: replayed {limit} times or more, and rejected each time. Mend what rejects them "
    "(`streamapp dlq stats`), put them aside (`streamapp dlq quarantine`), or raise --max-replays.",
}
"""Why letters were left, in words."""


async def run_replay(kafka: KafkaSettings, home: Path, order: Order) -> Outcome:
    """Replay, with a bar for the letters looked at; see `replay` for what is raised."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Reading {kafka.dlq}", total=None)
        return await replay(
            kafka, home / "dlq", order, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )


def outcome_text(outcome: Outcome, topic: str, order: Order) -> Iterator[str]:
    """What became of the letters, line by line."""
    if outcome.began_anew:
        yield f"{topic} ends before the place where the last run stopped, so it was made anew: began with its first."
    for target, count in outcome.targets.items():
        yield f"{count:,} dead letters {'would be ' if outcome.dry_run else ''}replayed to {target}."
    if not outcome.targets:
        yield f"There is nothing {'more ' if outcome.left else ''}to replay in {topic}."
    for name, count in outcome.left.items():
        yield LEFT[name].format(n=f"{count:,}", limit=order.max_replays)
    if outcome.stopped_at_limit:
        yield "Stopped at --max; the same command goes on from here."


def put_aside_text(done: PutAside, topic: str, *, dry_run: bool) -> str:
    """What a quarantine did, in a sentence."""
    already = f" {done.already:,} were there already." if done.already else ""
    if not done.quarantined:
        return f"There is nothing {'more ' if done.already else ''}to put aside in {topic}.{already}"
    would = "would be " if dry_run else ""
    return f"{done.quarantined:,} dead letters of {topic} {would}put aside in {done.topic}.{already}"
