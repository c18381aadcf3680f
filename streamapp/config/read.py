"""Reading the settings: layers in, one validated `Settings` out, or every problem at once.

Order: defaults < profile < file < environment < overrides. The file is `file`, else what STREAMAPP_CONFIG names, else
`streamapp.yaml` in the current folder when there is one.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from streamapp.config.layers import CONFIG_VARIABLE, Layer, environment_layer, override_layer, profile_layer
from streamapp.config.names import LEAVES, MAPPINGS, Found, masked, value_of
from streamapp.config.problems import WrongSettingsError, describe, from_validation
from streamapp.config.yamlfile import read_file
from streamapp.settings import Settings

DEFAULT_FILE = Path("streamapp.yaml")
"""Read from the current folder when no other file is named."""

_FILES = ("kafka.ca_file", "kafka.certificate_file", "kafka.key_file", "embedding.corpus")
"""Settings that name a file which must be there before anything starts."""


class Reading(NamedTuple):
    """Settings, and per dotted name what was written where; a name that is not in `found` has its default."""

    settings: Settings
    found: dict[str, Found]


def load_settings(
    overrides: Mapping[str, Any] | None = None, *, file: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """The settings of this process.

    `overrides` are nested ({"kafka": {"topic": …}}) or dotted ({"kafka.topic": …}); a value may be a `Found`, which
    says where it comes from. Raises ConfigurationError, with every problem at once, secrets never among them.
    """
    return read(overrides, file=file, environ=environ).settings


def origins(
    overrides: Mapping[str, Any] | None = None, *, file: Path | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, tuple[str, str]]:
    """Per setting: its value (a secret's masked) and where it comes from. Takes and raises what `load_settings` does.

    An origin is `default`, `profile production`, `streamapp.yaml:12`, `STREAMAPP_KAFKA__TOPIC` or a flag; a mapping
    whose entries come from several places names them all.
    """
    reading = read(overrides, file=file, environ=environ)
    return {
        name: (masked(name, value_of(reading.settings, name)), ", ".join(_origins_of(name, reading.found)) or "default")
        for name in LEAVES
    }


def read(overrides: Mapping[str, Any] | None, *, file: Path | None, environ: Mapping[str, str]) -> Reading:
    """`load_settings`, with the origin of every value beside it."""
    layers = [_file_layer(file, environ), environment_layer(environ), override_layer(overrides or {})]
    layers.insert(0, profile_layer(_profile_of(layers)))
    found = {name: item for layer in layers for name, item in layer.found.items()}
    problems = [problem for layer in layers for problem in layer.problems]
    try:
        # pydantic-settings gives the first source the last word.
        settings = Settings(_build_sources=(tuple(reversed(layers)), {}))
    except ValidationError as error:
        # `from None`: pydantic's error holds the input, secrets included.
        raise WrongSettingsError(problems + from_validation(error, found)) from None
    problems += _missing_files(settings, found)
    if problems:
        raise WrongSettingsError(problems)
    return Reading(settings, found)


def _file_layer(file: Path | None, environ: Mapping[str, str]) -> Layer:
    named = environ.get(CONFIG_VARIABLE)
    path = file or (Path(named) if named else None)
    if path is None:
        return Layer(read_file(DEFAULT_FILE) if DEFAULT_FILE.is_file() else ())
    return Layer(read_file(path))


def _profile_of(layers: list[Layer]) -> str:
    written = [layer.found["profile"].value for layer in layers if "profile" in layer.found]
    return str(written[-1]) if written else str(Settings.model_fields["profile"].default)


def _missing_files(settings: Settings, found: Mapping[str, Found]) -> Iterator[str]:
    for name in _FILES:
        path = value_of(settings, name)
        if path is not None and not path.is_file():
            yield describe(name, found, "there is no such file")


def _origins_of(name: str, found: Mapping[str, Found]) -> list[str]:
    entries = [key for key in found if name in MAPPINGS and key.startswith(f"{name}.")]
    return list(dict.fromkeys(found[key].origin for key in (*entries, name) if key in found))
