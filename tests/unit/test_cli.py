"""Every verb of the command line: its help works and ends with an example; what it does not know is a usage error."""

import re

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from streamapp.cli import app


def verbs(command: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every verb below, as its words; groups are not among them."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return [path]
    return [found for name, one in inner.items() for found in verbs(one, (*path, name))]


ALL = verbs(get_command(app))
WIDE = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}


def test_the_verbs_of_the_contract_are_there() -> None:
    words = {" ".join(verb) for verb in ALL}
    assert words >= {
        *("demo", "kafka", "worker", "search", "recommend", "explain", "audit", "status", "doctor"),
        *("generate shop", "config show", "config check"),
        *(f"dlq {verb}" for verb in ("stats", "list", "show", "replay", "quarantine", "export")),
    }


@pytest.mark.parametrize("verb", ALL, ids=" ".join)
def test_help_ends_with_an_example_of_the_verb(verb: tuple[str, ...]) -> None:
    result = CliRunner(env=WIDE).invoke(app, [*verb, "--help"])
    assert result.exit_code == 0
    example = re.search(r"Example: (?:\S+=\S+ )?streamapp (.+)", result.stdout)
    assert example is not None
    assert example.group(1).startswith(" ".join(verb))


@pytest.mark.parametrize("verb", ALL, ids=" ".join)
def test_an_unknown_option_is_a_usage_error(verb: tuple[str, ...]) -> None:
    result = CliRunner(env=WIDE).invoke(app, [*verb, "--no-such-option"])
    assert result.exit_code == 2
    assert "no-such-option" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("verb", ALL, ids=" ".join)
def test_help_shows_every_word_that_was_written(verb: tuple[str, ...]) -> None:
    """Rich reads [words in brackets] as markup and leaves them out."""
    command = get_command(app)
    for word in verb:
        command = command.commands[word]  # type: ignore[attr-defined]
    shown = re.sub(r"[\s│]+", " ", CliRunner(env=WIDE).invoke(app, [*verb, "--help"]).stdout)
    for option in command.params:
        for part in re.findall(r"\[[^\]]*\]", getattr(option, "help", None) or ""):
            assert part in shown, f"{option.name}: {part}"


@pytest.mark.parametrize("words", [["no-such-verb"], ["dlq", "no-such-verb"], ["dlq", "list", "--since", "yesterday"],
                                   ["dlq", "list", "--grep", "("], ["dlq", "list", "--reason", "mood"]])  # fmt: skip
def test_what_no_verb_understands_is_a_usage_error(words: list[str]) -> None:
    assert CliRunner(env=WIDE).invoke(app, words).exit_code == 2


def test_typer_is_what_the_tests_think_it_is() -> None:
    assert isinstance(app, typer.Typer)
