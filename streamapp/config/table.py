"""The table of all settings as Markdown, for the README: `| `section.key` | default | meaning |`.

`streamapp config show --markdown` prints it; `tests/test_readme.py` holds the README against it.
"""

from typing import Literal, get_args, get_origin

from streamapp.config.names import LEAVES, RELOADABLE, masked, value_of
from streamapp.settings import Settings


def settings_table() -> str:
    """Every setting with its default and meaning, a Markdown table without a newline at its end."""
    rows = [f"| `{name}` | {default_of(name)} | {meaning_of(name)} |" for name in LEAVES]
    return "\n".join(("| setting | default | meaning |", "|---|---|---|", *rows))


def default_of(name: str) -> str:
    """A setting's default as Markdown; nothing where it is empty."""
    text = masked(name, value_of(Settings(), name))
    return f"`{text}`" if text else ""


def meaning_of(name: str) -> str:
    """What a setting is for, what may stand there when that is a choice, and whether SIGHUP changes it."""
    field = LEAVES[name]
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    choice = f" ({' · '.join(f'`{item}`' for item in choices)})" if choices else ""
    reload = "; SIGHUP re-reads it" if name in RELOADABLE else ""
    return f"{field.description}{choice}{reload}".replace("|", "\\|")
