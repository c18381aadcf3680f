"""The verbs that ask: search and recommend."""

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from streamapp.verbs.example import example
from streamapp.verbs.options import Assignments, ConfigFile, Home, settings_from

AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Limit = Annotated[int, typer.Option(min=1, max=100, help="How many hits.")]


@example('streamapp search "wireless headphones" --limit 5')
def search(
    text: Annotated[str, typer.Argument(help="What you are looking for, in plain words.")],
    limit: Limit = 10,
    category: Annotated[str | None, typer.Option(help="Only products of exactly this category.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """The products nearest in meaning to your words; asks the running worker, or the local state when none runs."""
    from streamapp.local import ask_search

    settings = settings_from(config, home, assignments)
    _show(asyncio.run(ask_search(settings, text, limit, category)), as_json)


@example("streamapp recommend --user user-00042")
def recommend(
    product: Annotated[str, typer.Option(help="Like this product (id).")] = "",
    user: Annotated[str, typer.Option(help="What fits this user's recent events (id).")] = "",
    positive: Annotated[list[str] | None, typer.Option(help="Like these products; repeatable.")] = None,
    negative: Annotated[list[str] | None, typer.Option(help="And unlike these; repeatable.")] = None,
    limit: Limit = 10,
    as_json: AsJson = False,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """What else? From a product, from what a user did lately, or from examples; each hit says why."""
    from streamapp.local import ask_recommend

    if sum(map(bool, (product, user, positive or negative))) != 1:
        raise typer.BadParameter("name one thing to start from: --product, --user, or --positive/--negative")
    settings = settings_from(config, home, assignments)
    _show(asyncio.run(ask_recommend(settings, product, user, positive or [], negative or [], limit)), as_json)


def _show(hits: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(hits, indent=2, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("score", justify="right")
    for name in ("id", "product", "category"):
        table.add_column(name)
    table.add_column("price", justify="right")
    table.add_column("events", justify="right")
    if any("because" in hit for hit in hits):
        table.add_column("because")
    for hit in hits:
        product = hit["product"]
        price = "" if product["price"] is None else f"{product['price']:,.2f}"
        row = (f"{hit['score']:.3f}", product["id"], product["name"], product["category"], price, f"{hit['events']:,}")
        table.add_row(*row, *([hit["because"]] if "because" in hit else []))
    Console().print(table if hits else "Nothing found: no product fits (yet); a category must be spelt exactly.")
