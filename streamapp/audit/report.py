"""An audit's result: the JSON of `audit --json`, and the same for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

from streamapp.audit.facts import Facts

OUTCOMES = ("consumed", "embedded", "duplicate", "rejected", "deleted")


def report(facts: Facts, problems: list[str]) -> dict[str, Any]:
    """What `audit` found; `consumed` = embedded + duplicate + rejected + deleted + in_flight."""
    counts = {name: sum(getattr(entry, name) for entry in facts.ledger.values()) for name in OUTCOMES}
    counts["consumed"] += facts.in_flight
    origins = {letter.origin for letter in facts.letters}
    return {
        "balanced": not problems,
        "topics": {facts.topic: counts | {"in_flight": facts.in_flight, "lag": facts.offsets.lag}},
        "points": len(facts.points),
        "dead_letters": len(origins),
        "dead_letters_doubled": len(facts.letters) - len(origins),
        "products": len(facts.products),
        "spark": None,
        "problems": problems,
    }


def print_report(found: dict[str, Any], console: Console) -> None:
    """The ledger as a table, then what is off, or that nothing is."""
    for topic, counts in found["topics"].items():
        table = Table(title=f"Ledger of {topic}", title_justify="left")
        for name in counts:
            table.add_column(name.replace("_", " "), justify="right")
        table.add_row(*(f"{count:,}" for count in counts.values()))
        console.print(table)
    doubled = f" ({found['dead_letters_doubled']:,} of them twice)" if found["dead_letters_doubled"] else ""
    console.print(
        f"{found['points']:,} event points, {found['products']:,} products, "
        f"{found['dead_letters']:,} dead letters{doubled}"
    )
    for problem in found["problems"]:
        console.print(f"[red]✗[/red] {problem}", highlight=False)
    if found["balanced"]:
        console.print("[green]✓[/green] Balanced: every record of the topic is accounted for.")
