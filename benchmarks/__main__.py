"""`python -m benchmarks NAME`: run one benchmark; progress on stderr, the result on stdout."""

import argparse
import asyncio
import signal
import sys

from benchmarks.report import Report, to_json, to_text
from streamapp.verbs.errors import exit_codes


def main() -> None:
    """Parse, run, print. Ends with streamapp's exit codes: 130 for Ctrl-C, 5 for events unaccounted for."""
    given = _parser().parse_args()
    with exit_codes():
        report = asyncio.run(_run(given))
        print(to_json(report) if given.json else to_text(report))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure streamapp on this machine.")
    parser.add_argument("name", choices=["pipeline"], help="which benchmark")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, nothing else")
    parser.add_argument("--events", type=_count, default=100_000, help="records in the topic [default: 100000]")
    parser.add_argument("--stock-events", type=_count, default=20_000, help="records for stock Faust [default: 20000]")
    parser.add_argument("--rounds", type=_count, default=3, help="runs per contender, alternating [default: 3]")
    return parser


def _count(text: str) -> int:
    number = int(text.replace("_", ""))
    if number < 1:
        raise ValueError
    return number


async def _run(given: argparse.Namespace) -> Report:
    from benchmarks.pipeline import run_pipeline

    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run_pipeline(
        events=given.events,
        stock_events=min(given.stock_events, given.events),
        rounds=given.rounds,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )


if __name__ == "__main__":
    main()
