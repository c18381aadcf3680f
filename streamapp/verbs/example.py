"""Every verb carries an example; `--help` ends with it, and a test runs the help of each."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def example(command: str) -> Callable[[F], F]:
    """Note a command line that shows the verb at work."""

    def note(verb: F) -> F:
        verb.example = command  # type: ignore[attr-defined]  # functions take attributes; typer reads it at wiring
        return verb

    return note
