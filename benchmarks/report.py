"""Runs to figures: medians per contender, ratios between them, one JSON document. Pure.

In: every single run. Out: `Report`, in the shape that all benchmarks share: name, machine, runs, figures, ratios.
The trap: a median of two is their mean; three rounds or more are what keeps one bad run out of the figures.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import msgspec


class Run(msgspec.Struct, frozen=True):
    """One contender's way through its topic, verified."""

    contender: str
    round: int
    events: int
    """Records of the topic, duplicates and invalid ones among them."""
    seconds: float
    """From the last look that saw nothing begun until the broker has every offset committed."""
    events_per_second: float
    cpu_seconds: dict[str, float]
    """Processor time in that while: of the process, of its store's process, of the broker."""


class Report(msgspec.Struct, frozen=True):
    """What a benchmark says."""

    name: str
    machine: dict[str, Any]
    runs: list[Run]
    figures: dict[str, float]
    """Median events per second, by contender."""
    ratios: dict[str, float]
    """By rival: how many times its figure ours is."""


def make_report(name: str, machine: Mapping[str, Any], ours: str, runs: Sequence[Run]) -> Report:
    """Figures and ratios of these runs; `ours` is the contender that the ratios are about."""
    speeds: dict[str, list[float]] = {}
    for run in runs:
        speeds.setdefault(run.contender, []).append(run.events_per_second)
    figures = {contender: median(found) for contender, found in speeds.items()}
    ratios = {rival: round(figures[ours] / figure, 3) for rival, figure in figures.items() if rival != ours}
    rounded = {contender: round(figure, 1) for contender, figure in figures.items()}
    return Report(name, dict(machine), list(runs), rounded, ratios)


def to_json(report: Report) -> str:
    """The report as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()


def to_text(report: Report) -> str:
    """The report for a person."""
    return "\n".join(_line(name, figure, report.ratios.get(name)) for name, figure in report.figures.items())


def _line(name: str, figure: float, ratio: float | None) -> str:
    line = f"{name:20} {figure:>9,.0f} events/s"
    return line if ratio is None else f"{line}   ours is {ratio:.2f} times that"
