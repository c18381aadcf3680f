"""What can be wrong with settings, each as one sentence, and the error that carries all of them.

A problem names the setting, its value (never a secret's), where it was written, and what would be right.
"""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from streamapp.config.names import MAPPINGS, SECRETS, Found, env_name, expected, setting_of, suggest
from streamapp.errors import ConfigurationError

_SHOWN_CHARS = 80
"""How much of a wrong value a message repeats."""

_DEFAULT = "default"


class WrongSettingsError(ConfigurationError):
    """One or more settings are wrong; `problems` holds a sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        if len(self.problems) == 1:
            message = f"A setting is wrong: {self.problems[0]}"
        else:
            message = "\n  - ".join((f"{len(self.problems)} settings are wrong:", *self.problems))
        super().__init__(message, "`streamapp config show --markdown` lists every setting and what it may be.")


def unknown(name: str, origin: str) -> str:
    """There is no such setting. The value is not repeated: it may be a secret under a misspelt name."""
    near = suggest(name)
    in_environment = origin.startswith("STREAMAPP_")
    meant = f"; did you mean {env_name(near) if in_environment else near}?" if near else ""
    written = origin if in_environment else f"{name} ({origin})"
    return f"{written}: there is no such setting{meant}"


def from_validation(error: ValidationError, found: Mapping[str, Found]) -> list[str]:
    """A sentence per thing that pydantic found wrong; `found` says per dotted name what was written where."""
    return [line for details in error.errors() for line in _lines(details, found)]


def describe(name: str, found: Mapping[str, Found], what: str) -> str:
    """`name is value (origin): what`, without the value where it is a secret or was not set."""
    value, origin = _written(name, found)
    if origin == _DEFAULT:
        return f"{name}: {what}"
    if setting_of(name) in SECRETS:
        return f"{name} ({origin}): {what}"
    shown = repr(value) if isinstance(value, str | int | float | bool | list | dict | None) else str(value)
    short = shown if len(shown) <= _SHOWN_CHARS else f"{shown[:_SHOWN_CHARS]}…"
    return f"{name} is {short} ({origin}): {what}"


def _lines(details: ErrorDetails, found: Mapping[str, Found]) -> list[str]:
    name = _dotted(details["loc"])
    if details["type"] == "rules":
        return [describe(f"{name}.{key}", found, what) for key, what in details["ctx"]["rules"]]
    if details["type"] == "value_error":
        return [describe(name, found, str(details["ctx"]["error"]))]
    return [describe(name, found, f"expected {expected(name)}")]


def _dotted(loc: tuple[int | str, ...]) -> str:
    setting = ".".join(map(str, loc[:2]))
    return f"{setting}.{loc[2]}" if setting in MAPPINGS and len(loc) > 2 else setting


def _written(name: str, found: Mapping[str, Found]) -> Found:
    if name in found:
        return found[name]
    return found.get(setting_of(name), Found(None, _DEFAULT))
