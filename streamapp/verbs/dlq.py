"""`streamapp dlq`: dead letters counted, listed, shown, exported, replayed, put aside.

Every verb takes the same filters; a record that came to the topic twice is one letter. An empty or absent topic is no
error.
"""

import asyncio
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from streamapp.deadletters.choose import Filter, Moment, read_moment, read_pattern
from streamapp.events import Reason
from streamapp.settings import KafkaSettings, Settings
from streamapp.verbs.errors import VerbGroup
from streamapp.verbs.options import Assignments, ConfigFile, Home, flag, settings_from

app = typer.Typer(cls=VerbGroup, name="dlq", help="Look at dead letters, and replay them.", no_args_is_help=True)

_PANEL = "Which letters"


def _moment(text: str) -> Moment:
    try:
        return read_moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return read_pattern(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Reasons = Annotated[
    list[Reason] | None,
    typer.Option("--reason", metavar="REASON", rich_help_panel=_PANEL, help="Of this reason; repeatable."),
]
Since = Annotated[
    Moment | None,
    typer.Option(parser=_moment, metavar="TIME", rich_help_panel=_PANEL,
                 help="Of records not older: 90m, 1h, 2d, or ISO 8601 (UTC without a zone)."),
]  # fmt: skip
Until = Annotated[
    Moment | None,
    typer.Option(parser=_moment, metavar="TIME", rich_help_panel=_PANEL, help="Of records before this time."),
]
Partition = Annotated[
    int | None, typer.Option(min=0, rich_help_panel=_PANEL, help="Of records of this partition of the source topic.")
]
Grep = Annotated[
    re.Pattern[str] | None,
    typer.Option(parser=_pattern, metavar="REGEX", rich_help_panel=_PANEL, help="Found in the value's text."),
]
Topic = Annotated[str | None, typer.Option(help="Source topic; its dead letters are meant.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@app.command(epilog="Example: streamapp dlq stats --since 1h")
def stats(
    reason: Reasons = None, since: Since = None, until: Until = None, partition: Partition = None, grep: Grep = None,
    topic: Topic = None, as_json: AsJson = False, config: ConfigFile = None, home: Home = None,
    assignments: Assignments = None,
) -> None:  # fmt: skip
    """How many letters, of which reasons, from which partitions, since when."""
    from streamapp.deadletters.read import summarise
    from streamapp.deadletters.text import stats_text

    kafka = _settings(config, home, assignments, topic).kafka
    summary = asyncio.run(summarise(kafka, _filter(reason, since, until, partition, grep)))
    found = {"topic": kafka.dlq, **summary.stats()}
    _show(found, stats_text(kafka.dlq, found) if found["letters"] else [_none(kafka, summary.others)], as_json)


@app.command("list", epilog="Example: streamapp dlq list --reason missing_field --grep user-17")
def list_letters(
    reason: Reasons = None, since: Since = None, until: Until = None, partition: Partition = None, grep: Grep = None,
    topic: Topic = None, as_json: AsJson = False, config: ConfigFile = None, home: Home = None,
    assignments: Assignments = None,
) -> None:  # fmt: skip
    """A line per letter: offset, reason, origin, detail, key. What it holds is shown by `dlq show OFFSET` only."""
    from streamapp.deadletters.read import summarise
    from streamapp.deadletters.text import one_line

    kafka = _settings(config, home, assignments, topic).kafka
    summary = asyncio.run(summarise(kafka, _filter(reason, since, until, partition, grep)))
    lines = summary.lines()
    _show(lines, map(one_line, lines) if lines else [_none(kafka, summary.others)], as_json)


@app.command(epilog="Example: streamapp dlq show 17 --raw > original.json")
def show(
    offset: Annotated[int, typer.Argument(min=0, help="The letter's offset, as `dlq list` shows it.")],
    raw: Annotated[bool, typer.Option("--raw", help="Only the original value on stdout, byte for byte.")] = False,
    topic: Topic = None, as_json: AsJson = False, config: ConfigFile = None, home: Home = None,
    assignments: Assignments = None,
) -> None:  # fmt: skip
    """One letter whole: headers, key and value, with everything that does not print shown as an escape."""
    from streamapp.deadletters.read import find_letter
    from streamapp.deadletters.text import export_line, letter_text

    kafka = _settings(config, home, assignments, topic).kafka
    letter = asyncio.run(find_letter(kafka, offset))
    if letter is None:
        _say_none(kafka, raw or as_json)
    elif raw:
        sys.stdout.buffer.write(letter.dead.value or b"")
    else:
        _show(export_line(letter), letter_text(letter), as_json)


@app.command(epilog="Example: streamapp dlq export letters.jsonl --since 2026-01-31T08:00Z")
def export(
    file: Annotated[str, typer.Argument(help="File of JSON lines to write; - for stdout.")],
    reason: Reasons = None, since: Since = None, until: Until = None, partition: Partition = None, grep: Grep = None,
    topic: Topic = None, config: ConfigFile = None, home: Home = None, assignments: Assignments = None,
) -> None:  # fmt: skip
    """Letters as JSON lines with everything that is known of them; bytes in base64."""
    from streamapp.deadletters.export import export

    kafka = _settings(config, home, assignments, topic).kafka
    count = asyncio.run(export(kafka, _filter(reason, since, until, partition, grep), file))
    print(f"{count:,} dead letters of {kafka.dlq} exported to {file}.", file=sys.stderr)


@app.command(epilog="Example: streamapp dlq replay --reason bad_timestamp --max 100 --rate 50 --dry-run")
def replay(
    reason: Reasons = None, since: Since = None, until: Until = None, partition: Partition = None, grep: Grep = None,
    to: Annotated[str | None, typer.Option(metavar="TOPIC", help="Another topic than the records came from.")] = None,
    dry_run: DryRun = False,
    limit: Annotated[int | None, typer.Option("--max", min=1, help="Letters to replay now, at most.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="Letters a second; else as fast as it goes.")] = None,
    max_replays: Annotated[
        int, typer.Option(min=1, help="Leave letters that were replayed so often already: the loop guard.")
    ] = 3,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin with the first letter again, not after the last one replayed.")
    ] = False,
    topic: Topic = None, as_json: AsJson = False, config: ConfigFile = None, home: Home = None,
    assignments: Assignments = None,
) -> None:  # fmt: skip
    """Send the original records to their source topic again, each once; the next run of the same filter goes on."""
    from streamapp.deadletters.replay import Order
    from streamapp.deadletters.run import outcome_text, run_replay

    settings = _settings(config, home, assignments, topic)
    wanted = _filter(reason, since, until, partition, grep)
    order = Order(wanted, to, dry_run, limit, rate, max_replays, restart)
    outcome = asyncio.run(run_replay(settings.kafka, settings.home, order))
    _show(msgspec.to_builtins(outcome), outcome_text(outcome, settings.kafka.dlq, order), as_json)


@app.command(epilog="Example: streamapp dlq quarantine --reason not_json --until 1h")
def quarantine(
    reason: Reasons = None, since: Since = None, until: Until = None, partition: Partition = None, grep: Grep = None,
    dry_run: DryRun = False,
    topic: Topic = None, as_json: AsJson = False, config: ConfigFile = None, home: Home = None,
    assignments: Assignments = None,
) -> None:  # fmt: skip
    """Copy letters to the topic's quarantine, where they are kept; replays leave them alone from then on."""
    from streamapp.deadletters.quarantine import quarantine
    from streamapp.deadletters.run import put_aside_text

    kafka = _settings(config, home, assignments, topic).kafka
    done = asyncio.run(quarantine(kafka, _filter(reason, since, until, partition, grep), dry_run=dry_run))
    _show(done._asdict() | {"dry_run": dry_run}, [put_aside_text(done, kafka.dlq, dry_run=dry_run)], as_json)


def _settings(config: Path | None, home: Path | None, assignments: list[str] | None, topic: str | None) -> Settings:
    return settings_from(config, home, assignments, {"kafka.topic": flag("--topic", topic)})


def _filter(
    reasons: list[Reason] | None, since: Moment | None, until: Moment | None, partition: int | None,
    grep: re.Pattern[str] | None,
) -> Filter:  # fmt: skip
    return Filter(tuple(reason.value for reason in reasons or ()), since, until, partition, grep)


def _none(kafka: KafkaSettings, others: int) -> str:
    if others:
        return f"No dead letter of {kafka.dlq} is like that; {others:,} are not."
    return f"There are no dead letters in {kafka.dlq}: every record could be used so far."


def _say_none(kafka: KafkaSettings, quiet_stdout: bool) -> None:
    print(_none(kafka, 0), file=sys.stderr if quiet_stdout else sys.stdout)


def _show(found: Any, lines: Iterable[str], as_json: bool) -> None:
    """JSON, or lines for people; plain prints, since nothing of a letter may be read as markup."""
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for line in lines:
        print(line)
