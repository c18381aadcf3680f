"""`streamapp config show` and `streamapp config check`: what the settings are, where from, and whether they are right.

In: the same flags that every verb takes. Out: a table, JSON or Markdown on stdout; problems end with exit code 3.
"""

import json
import os
import sys
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamapp.config import WrongSettingsError, load_settings, origins
from streamapp.config.names import LEAVES, SECTIONS, suggest
from streamapp.config.table import settings_table
from streamapp.errors import ConfigurationError
from streamapp.verbs.errors import VerbGroup
from streamapp.verbs.options import Assignments, ConfigFile, Home, sources_from

app = typer.Typer(cls=VerbGroup, name="config", help="Show and check the settings.", no_args_is_help=True)

_PIPE_COLUMNS = 200
"""Width of the table when nobody's terminal limits it: wide enough that no path is broken over lines."""

AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


@app.command(epilog="Example: streamapp config show kafka --set kafka.topic=shop")
def show(
    prefix: Annotated[str, typer.Argument(help="Only this group or setting, as in `kafka` or `kafka.topic`.")] = "",
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="All defaults, as the README shows them.")] = False,
    config: ConfigFile = None,
    home: Home = None,
    assignments: Assignments = None,
) -> None:
    """Every setting, its value (secrets masked) and where the value comes from."""
    if markdown:
        print(settings_table())
        return
    names = _chosen(prefix)
    overrides, file = sources_from(config, home, assignments)
    rows = {name: row for name, row in origins(overrides, file=file).items() if name in names}
    if as_json:
        values = load_settings(overrides, file=file).model_dump(mode="json")
        print(json.dumps({name: {"value": _inside(values, name), "origin": rows[name][1]} for name in rows}, indent=2))
    else:
        _print_table(rows)


@app.command(epilog="Example: STREAMAPP_KAFKA__PARTITIONS=many streamapp config check")
def check(
    as_json: AsJson = False, config: ConfigFile = None, home: Home = None, assignments: Assignments = None
) -> None:
    """Say whether the settings are good (exit code 0), or everything that is wrong with them (exit code 3)."""
    overrides, file = sources_from(config, home, assignments)
    try:
        load_settings(overrides, file=file)
    except ConfigurationError as error:
        if as_json:
            problems = error.problems if isinstance(error, WrongSettingsError) else (error.message,)
            print(json.dumps({"good": False, "problems": problems}, indent=2))
        raise
    print(json.dumps({"good": True, "problems": []}, indent=2) if as_json else "good")


def _chosen(prefix: str) -> list[str]:
    names = [name for name in LEAVES if not prefix or name == prefix or name.startswith(f"{prefix}.")]
    if not names:
        near = suggest(prefix)
        hint = f"Did you mean {near}?" if near else f"Groups are {', '.join(sorted(SECTIONS))}."
        raise ConfigurationError(f"There is no setting and no group of settings called {prefix!r}.", hint)
    return names


def _inside(values: dict[str, Any], name: str) -> Any:
    section, _, key = name.partition(".")
    return values[section][key] if key else values[section]


def _print_table(rows: dict[str, tuple[str, str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("setting", "value", "where from"):
        table.add_column(title, overflow="fold")
    for name, (value, origin) in rows.items():
        table.add_row(name, Text(value), Text(origin, style="" if origin != "default" else "dim"))
    wide = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", _PIPE_COLUMNS))
    Console(width=wide).print(table)
