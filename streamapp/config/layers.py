"""The places that settings come from, each as a pydantic-settings source.

In: a profile's name, the environment, overrides. Out: `Layer`s, which hold per dotted name what was written and where;
whatever cannot be used is a sentence in `problems`, never an exception, so that one run shows all of them.
The file has a module of its own, `yamlfile`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from streamapp.config.names import MAPPINGS, PREFIX, SECRET_FILES, SECTIONS, Found, place
from streamapp.config.problems import unknown
from streamapp.config.profiles import PROFILES
from streamapp.settings import Settings

CONFIG_VARIABLE = "STREAMAPP_CONFIG"
"""Names the settings file; not a setting itself."""

_NOT_OURS = "STREAMAPP_TEST_"
"""Variables with this beginning steer tests, not the product."""


class Layer(PydanticBaseSettingsSource):
    """One place that settings come from: `found` by dotted name, and `problems` with what else stood there."""

    def __init__(self, written: Iterable[tuple[str, Found]]) -> None:
        super().__init__(Settings)
        self.found: dict[str, Found] = {}
        self.problems: list[str] = []
        for name, found in written:
            self._take(name, found)

    def __call__(self) -> dict[str, Any]:
        """The values of this place, nested as `Settings` is."""
        nested: dict[str, Any] = {}
        for name, found in self.found.items():
            *above, last = place(name) or ()
            inner = nested
            for part in above:
                inner = inner.setdefault(part, {})
            inner[last] = found.value
        return nested

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """A single top-level value, as pydantic-settings asks for it."""
        return self().get(field_name), field_name, False

    def _take(self, name: str, found: Found) -> None:
        if name in SECRET_FILES:
            self._take_secret(SECRET_FILES[name], found)
        elif name in MAPPINGS and isinstance(found.value, Mapping):
            for key, value in _flat(found.value):
                self._put(f"{name}.{key}", Found(value, found.origin))
        elif place(name):
            self._put(name, found)
        else:
            self.problems.append(unknown(name, found.origin))

    def _take_secret(self, name: str, found: Found) -> None:
        path = Path(str(found.value)).expanduser()
        try:
            # One newline is the editor's; more would be the secret's own.
            secret = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            self.problems.append(f"{name} should come from the file {path} ({found.origin}): {why}")
            secret = "unread"  # noqa: S105 - so that no rule adds that the secret is not set; nobody gets to use it
        self._put(name, Found(secret, f"{found.origin} ({path})"))

    def _put(self, name: str, found: Found) -> None:
        if name in self.found:
            self.problems.append(f"{name} is given twice: {self.found[name].origin} and {found.origin}")
        self.found[name] = found


def profile_layer(name: str) -> Layer:
    """What a profile sets; a profile that does not exist sets nothing (validation says so)."""
    return Layer((key, Found(value, f"profile {name}")) for key, value in PROFILES.get(name, {}).items())


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """What `STREAMAPP_…` variables set. An empty variable counts as not set, as `${NAME:-}` in compose files means."""
    ours = {
        variable: text
        for variable, text in sorted(environ.items())
        if variable.startswith(PREFIX) and not variable.startswith(_NOT_OURS) and variable != CONFIG_VARIABLE and text
    }
    return Layer(
        (name, Found(parsed(name, text), variable))
        for variable, text in ours.items()
        for name in (variable.removeprefix(PREFIX).lower().replace("__", "."),)
    )


def override_layer(overrides: Mapping[str, Any]) -> Layer:
    """What a caller sets: nested mappings, dotted names, or both; a `Found` says by itself where it comes from."""
    return Layer(_overrides(overrides, ""))


def parsed(name: str, value: Any) -> Any:
    """Text from the environment or a flag as the setting's value: a mapping is written as JSON, the rest as it is."""
    if name not in MAPPINGS or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _overrides(overrides: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Found]]:
    for key, given in overrides.items():
        name = f"{prefix}{key}"
        if name in SECTIONS and isinstance(given, Mapping):
            yield from _overrides(given, f"{name}.")
        else:
            found = given if isinstance(given, Found) else Found(given, f"override of {name}")
            yield name, Found(parsed(name, found.value), found.origin)


def _flat(mapping: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Entries by dotted name, so that {product: {name: title}} says the same as {product.name: title}."""
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
