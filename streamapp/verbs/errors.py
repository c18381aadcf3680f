"""How a verb ends badly: one message on stderr, and the exit code that `streamapp.errors` gives it.

In: whatever a verb raises. Out: 1 to 5 for a StreamappError, 130 for Ctrl-C; usage errors are typer's own, 2.
Any other exception is a mistake of ours and keeps its traceback.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from streamapp.errors import StreamappError

INTERRUPTED = 130
"""128 and SIGINT's number, as shells count."""


class VerbGroup(TyperGroup):
    """A typer group whose verbs end with streamapp's exit codes: `typer.Typer(cls=VerbGroup)`."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; a StreamappError becomes a message and its exit code, Ctrl-C becomes 130."""
        try:
            return super().invoke(ctx)
        except StreamappError as error:
            explain(error)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            print("\nInterrupted.", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None


@contextmanager
def exit_codes() -> Iterator[None]:
    """The same for a `main` that is not a typer verb: leaves by SystemExit."""
    try:
        yield
    except StreamappError as error:
        explain(error)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None


def explain(error: StreamappError) -> None:
    """Say on stderr what is wrong and, on a line of its own, what to do about it."""
    print(error.message, file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)
