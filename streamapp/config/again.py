"""What SIGHUP changes: the pure half. The worker installs the handler and hands the new values to its parts.

In: the settings in use, and the same arguments that `load_settings` was given. Out: new settings in which only what may
change at run time has changed. A file that has become wrong raises, and the caller keeps what it has.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from streamapp.config.names import LEAVES, RELOADABLE, value_of
from streamapp.config.read import load_settings
from streamapp.settings import Settings


class Reloaded(NamedTuple):
    """The settings to use from now on, what changed in them, and what would need a restart to change."""

    settings: Settings
    changed: list[str]
    ignored: list[str]


def reload(
    old: Settings,
    overrides: Mapping[str, Any] | None = None,
    *,
    file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Reloaded:
    """Read the settings again and take over what may change while the worker runs. Raises as `load_settings` does."""
    new = load_settings(overrides, file=file, environ=environ)
    differing = [name for name in LEAVES if value_of(old, name) != value_of(new, name)]
    changed = [name for name in differing if name in RELOADABLE]
    return Reloaded(_with(old, new, changed), changed, [name for name in differing if name not in RELOADABLE])


def _with(old: Settings, new: Settings, names: list[str]) -> Settings:
    values = {name: value_of(new, name) for name in names}
    sections = {name.partition(".")[0] for name in names}
    copies = {
        section: getattr(old, section).model_copy(
            update={name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{section}.")}
        )
        for section in sections
    }
    return old.model_copy(update=copies)
