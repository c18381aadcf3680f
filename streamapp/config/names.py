"""The dotted names of settings (`kafka.topic`), taken from the `Settings` class itself.

In: a name as somebody wrote it. Out: where it belongs, what it is called in the environment, what it may hold, and
what was probably meant. A mapping setting (`events.fields`) has names below it: `events.fields.product.name`.
"""

import difflib
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from streamapp.settings import Section, Settings

PREFIX = "STREAMAPP_"
"""What every setting's name in the environment begins with."""

MASK = "**********"
"""What is shown in place of a secret, as pydantic shows it too."""


class Found(NamedTuple):
    """A setting's value as somebody wrote it, and where: `streamapp.yaml:12`, `STREAMAPP_KAFKA__TOPIC`, `--topic`."""

    value: Any
    origin: str


def _leaves() -> dict[str, FieldInfo]:
    leaves: dict[str, FieldInfo] = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            leaves |= {f"{name}.{key}": inner for key, inner in field.annotation.model_fields.items()}
        else:
            leaves[name] = field
    return leaves


LEAVES = _leaves()
"""Every setting by its dotted name, in the order of `settings.py`."""

SECTIONS = frozenset(name.partition(".")[0] for name in LEAVES if "." in name)
"""The names of the groups."""

MAPPINGS = frozenset(name for name, field in LEAVES.items() if get_origin(field.annotation) is dict)
"""Settings that hold names and values of the user's own."""

SECRETS = frozenset(name for name, field in LEAVES.items() if field.annotation is SecretStr)
"""Settings whose value is never shown."""

SECRET_FILES = {f"{name}_file": name for name in SECRETS}
"""Names that hold the path of a file with a secret in it, and the secret's own name."""

RELOADABLE = frozenset(
    name
    for name, field in LEAVES.items()
    if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("reload")
)
"""Settings that can change while the worker runs."""


def place(name: str) -> tuple[str, ...] | None:
    """Where a dotted name belongs inside `Settings`, or None when there is no such setting.

    >>> place("kafka.topic"), place("events.fields.product.name"), place("kafka.topik")
    (('kafka', 'topic'), ('events', 'fields', 'product.name'), None)
    """
    section, _, key = name.partition(".")
    if name in LEAVES:
        return (section, key) if key else (section,)
    for mapping in MAPPINGS:
        if name.startswith(f"{mapping}.") and name != f"{mapping}.":
            return (*mapping.split("."), name[len(mapping) + 1 :])
    return None


def setting_of(name: str) -> str:
    """The setting that a dotted name stands for: itself, or the mapping that it is an entry of."""
    return name if name in LEAVES else ".".join((place(name) or (name,))[:2])


def env_name(name: str) -> str:
    """What a setting is called in the environment.

    >>> env_name("kafka.bootstrap_servers"), env_name("home")
    ('STREAMAPP_KAFKA__BOOTSTRAP_SERVERS', 'STREAMAPP_HOME')
    """
    return PREFIX + name.upper().replace(".", "__")


def suggest(name: str) -> str | None:
    """The setting, or group of settings, that somebody who wrote `name` probably meant, or None."""
    known = [*LEAVES, *SECRET_FILES, *sorted(SECTIONS)]
    lowered = name.lower()
    if near := difflib.get_close_matches(lowered, known, n=1, cutoff=0.75):
        return near[0]
    last: dict[str, str] = {}
    for full in known:
        last.setdefault(full.rpartition(".")[2], full)
    near = difflib.get_close_matches(lowered.rpartition(".")[2], last, n=1, cutoff=0.75)
    return last[near[0]] if near else None


def value_of(settings: Settings, name: str) -> Any:
    """The value of one setting of `LEAVES`."""
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def masked(name: str, value: Any) -> str:
    """A setting's value as text that may be shown; a secret only says whether it is set."""
    if setting_of(name) in SECRETS:
        secret = value.get_secret_value() if isinstance(value, SecretStr) else value
        return MASK if secret else ""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return "" if value is None else str(value)


def expected(name: str) -> str:
    """What a setting may hold, in words that follow "expected"."""
    field = LEAVES[setting_of(name)]
    kind = _plain(field.annotation)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if name in MAPPINGS:
        return "names and their values (in the environment and with --set: as a JSON object)"
    words = {int: "a whole number", float: "a number", Path: "a path"}.get(kind, "text (quoted, if it looks like more)")
    return f"{words}{_bounds(field)}"


def _plain(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        return next(kind for kind in get_args(annotation) if kind is not type(None))
    return annotation


def _bounds(field: FieldInfo) -> str:
    limits = {
        limit: getattr(item, limit) for item in field.metadata for limit in ("ge", "gt", "le") if hasattr(item, limit)
    }
    low, above, high = limits.get("ge"), limits.get("gt"), limits.get("le")
    if low is not None:
        return f" from {low} to {high}" if high is not None else f", {low} or more"
    if above is not None:
        return f" above {above}" + (f" and up to {high}" if high is not None else "")
    return ""
