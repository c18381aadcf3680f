"""The live tables as pages: which there are, their rows, and one entry.

Reading a table may scan RocksDB, so every call of a `TableView` runs in a thread.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from streamapp.pipeline.views import Row, TableView
from streamapp.web.errors import NotFoundError
from streamapp.web.keys import WORKER
from streamapp.web.negotiate import Answer
from streamapp.web.parameters import text, whole

DEFAULT_ROWS, MAX_ROWS = 50, 200
"""Rows per page: what a screen reads, and what renders in under 50 ms."""
MAX_PAGE = 10_000_000
MAX_COLUMNS = 6
"""Columns beside the key that fit a laptop screen."""


class TableInfo(msgspec.Struct, frozen=True):
    """One table: what it holds, how many keys, and the partitions that this worker holds."""

    name: str
    help: str
    size: int
    partitions: list[int]


class TableRow(msgspec.Struct, frozen=True):
    """One entry of a table."""

    key: str
    value: dict[str, Any]


class TablePage(TableInfo, frozen=True):
    """Some rows of a table in key order; `more` says whether another page follows."""

    page: int
    limit: int
    search: str
    rows: list[TableRow]
    more: bool


async def tables(request: web.Request) -> Answer:
    """`/tables/`: the tables with help text, size and partitions."""
    views = request.app[WORKER].tables.values()
    found = await asyncio.gather(*(asyncio.to_thread(describe, view) for view in views))
    return Answer(sorted(found, key=lambda table: table.name), "tables.html", "Tables")


async def table(request: web.Request) -> Answer:
    """`/tables/NAME`: a page of rows, searched."""
    view = table_named(request.app[WORKER].tables, request.match_info["name"])
    page = whole(request, "page", 1, 1, MAX_PAGE)
    limit = whole(request, "limit", DEFAULT_ROWS, 1, MAX_ROWS)
    data = await asyncio.to_thread(read_page, view, page, limit, text(request, "search"))
    return Answer(data, "table.html", view.name, {"columns": columns(data.rows)})


async def entry(request: web.Request) -> Answer:
    """`/tables/NAME/KEY`: one entry."""
    view = table_named(request.app[WORKER].tables, request.match_info["name"])
    key = request.match_info["key"]
    row = await asyncio.to_thread(view.get, key)
    if row is None:
        raise NotFoundError(
            f"Table {view.name} has no entry “{key[:100]}”.", f"Look for it with /tables/{view.name}?search=…"
        )
    return Answer(TableRow(row.key, row.value), "entry.html", row.key, {"table": view.name})


def table_named(tables: Mapping[str, TableView], name: str) -> TableView:
    """The table of this name. Raises NotFoundError that names those there are."""
    if name in tables:
        return tables[name]
    known = ", ".join(sorted(tables)) or "none yet"
    raise NotFoundError(f"There is no table “{name[:100]}”.", f"Tables: {known}. /tables/ describes them.")


def describe(view: TableView) -> TableInfo:
    """What a table is, without its rows."""
    return TableInfo(view.name, view.help, view.size(), sorted(view.partitions()))


def read_page(view: TableView, page: int, limit: int, search: str) -> TablePage:
    """One page of rows; one row more than asked for is read to know whether more follow."""
    rows: Sequence[Row] = view.page((page - 1) * limit, limit + 1, search)
    shown = [TableRow(row.key, row.value) for row in rows[:limit]]
    return TablePage(
        view.name, view.help, view.size(), sorted(view.partitions()), page, limit, search, shown, len(rows) > limit
    )


def columns(rows: Sequence[TableRow]) -> list[str]:
    """The fields worth a column: those of the first rows, in their order, plain values before nested ones."""
    names = list(dict.fromkeys(name for row in rows for name in row.value))
    nested = {name for row in rows for name, value in row.value.items() if isinstance(value, dict | list)}
    return sorted(names, key=lambda name: name in nested)[:MAX_COLUMNS]
