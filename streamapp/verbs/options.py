"""The flags that every verb shares, and the settings they lead to.

    def verb(config: ConfigFile = None, home: Home = None, assignments: Assignments = None) -> None:
        settings = settings_from(config, home, assignments, {"kafka.topic": flag("--topic", topic)})

A verb's own flags win over `--set`, which wins over the environment, the file and the profile. A flag that was not
given is None and changes nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from streamapp.config import Found, load_settings
from streamapp.settings import Settings

_PANEL = "Settings"

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        rich_help_panel=_PANEL,
        help="Settings file; else STREAMAPP_CONFIG, else streamapp.yaml.",
    ),
]
Home = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", rich_help_panel=_PANEL, help="Folder of all local state."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        rich_help_panel=_PANEL,
        help="Any setting, as in --set kafka.topic=shop; repeatable.",
    ),
]


class Sources(NamedTuple):
    """Where the flags say settings come from: what `load_settings`, `origins` and `reload` take."""

    overrides: dict[str, Found]
    file: Path | None


def flag(name: str, value: Any) -> Found | None:
    """A verb's own flag as an override that knows its name, or None when it was not given."""
    return None if value is None else Found(value, name)


def sources_from(
    config: Path | None,
    home: Path | None,
    assignments: Sequence[str] | None,
    flags: Mapping[str, Found | None] | None = None,
) -> Sources:
    """The shared flags, and a verb's own by dotted name. An assignment without `=` is a usage error (exit code 2)."""
    overrides: dict[str, Found] = {}
    for assignment in assignments or ():
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{name!r} is not SECTION.KEY=VALUE", param_hint="--set")
        overrides[name.strip()] = Found(value, f"--set {name.strip()}")
    given = {"home": flag("--home", home), **(flags or {})}
    return Sources(overrides | {name: found for name, found in given.items() if found is not None}, config)


def given_flags(config: Path | None, home: Path | None, assignments: Sequence[str] | None) -> list[str]:
    """The shared flags as they were given, for another process of ours."""
    flags = ["--config", str(config)] if config else []
    flags += ["--home", str(home)] if home else []
    return flags + [word for assignment in assignments or () for word in ("--set", assignment)]


def settings_from(
    config: Path | None,
    home: Path | None,
    assignments: Sequence[str] | None,
    flags: Mapping[str, Found | None] | None = None,
) -> Settings:
    """The settings for a verb. Raises ConfigurationError with every problem at once."""
    overrides, file = sources_from(config, home, assignments, flags)
    return load_settings(overrides, file=file)
