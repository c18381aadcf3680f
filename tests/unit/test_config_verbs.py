"""`streamapp config`, the flags that every verb shares, and how verbs end badly."""

import json
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from streamapp.config import load_settings
from streamapp.config.names import LEAVES
from streamapp.errors import BrokerUnreachableError, StreamappError, UnaccountedError
from streamapp.verbs import config
from streamapp.verbs.errors import VerbGroup, exit_codes
from streamapp.verbs.options import Assignments, ConfigFile, Home, flag, settings_from, sources_from

SECRET = "hunter2-is-no-password"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in LEAVES:
        monkeypatch.delenv(f"STREAMAPP_{name.upper().replace('.', '__')}", raising=False)
    monkeypatch.delenv("STREAMAPP_CONFIG", raising=False)
    return tmp_path


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "200", **(env or {})}).invoke(config.app, list(arguments))


def verb_that_raises(error: BaseException) -> Result:
    app = typer.Typer(cls=VerbGroup)
    inner = typer.Typer()
    app.add_typer(inner, name="inner")

    @inner.command()
    def fail() -> None:
        raise error

    @inner.command()
    def other() -> None:
        raise AssertionError

    return CliRunner().invoke(app, ["inner", "fail"])


class TestShow:
    def test_json_holds_every_setting_with_its_typed_value_and_origin(self) -> None:
        result = run("show", "--json", "--set", "kafka.partitions=3")
        shown = json.loads(result.stdout)
        assert list(shown) == list(LEAVES)
        assert shown["kafka.partitions"] == {"value": 3, "origin": "--set kafka.partitions"}
        assert shown["kafka.ca_file"] == {"value": None, "origin": "default"}
        assert result.exit_code == 0

    def test_the_table_masks_secrets(self) -> None:
        result = run("show", env={"STREAMAPP_WEB__TOKEN": SECRET})
        assert SECRET not in result.output
        assert "STREAMAPP_WEB__TOKEN" in result.stdout
        assert "**********" in result.stdout
        assert SECRET not in run("show", "--json", env={"STREAMAPP_WEB__TOKEN": SECRET}).output

    def test_values_that_look_like_markup_are_shown_as_they_are(self) -> None:
        assert "[red]x[/red]" in run("show", "home", "--home", "[red]x[/red]").stdout

    def test_a_group_or_one_setting_can_be_asked_for(self) -> None:
        assert set(json.loads(run("show", "logs", "--json").stdout)) == {"logs.level", "logs.format"}
        assert set(json.loads(run("show", "logs.level", "--json").stdout)) == {"logs.level"}

    def test_a_group_that_does_not_exist_is_named_with_a_guess(self) -> None:
        result = run("show", "kafak")
        assert result.exit_code == 3
        assert "Did you mean kafka?" in result.stderr
        assert result.stdout == ""

    def test_markdown_needs_no_good_settings(self) -> None:
        Path("streamapp.yaml").write_text("kafka: 1")
        result = run("show", "--markdown")
        assert result.exit_code == 0
        assert "| `kafka.topic` | `ecommerce-events` | the topic of shop events, any name |" in result.stdout

    def test_flags_win_over_assignments_and_the_file(self) -> None:
        Path("other.yaml").write_text("home: from-file\nkafka: {topic: from-file}\n")
        result = run("show", "--json", "--config", "other.yaml", "--set", "home=assigned", "--home", "flag")
        shown = json.loads(result.stdout)
        assert shown["home"] == {"value": "flag", "origin": "--home"}
        assert shown["kafka.topic"] == {"value": "from-file", "origin": "other.yaml:2"}


class TestCheck:
    def test_good_settings_end_with_0(self) -> None:
        assert (run("check").exit_code, run("check").stdout) == (0, "good\n")
        assert json.loads(run("check", "--json").stdout) == {"good": True, "problems": []}

    def test_wrong_settings_end_with_3_and_all_problems(self) -> None:
        arguments = ("check", "--set", "kafka.partitions=many", "--set", "kafka.topik=x")
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (3, "")
        assert "2 settings are wrong" in result.stderr
        assert "kafka.partitions is 'many' (--set kafka.partitions)" in result.stderr
        assert "did you mean kafka.topic?" in result.stderr
        said = json.loads(run(*arguments, "--json").stdout)
        assert (said["good"], len(said["problems"])) == (False, 2)

    def test_a_file_that_cannot_be_read_is_a_problem_too(self) -> None:
        result = run("check", "--json", "--config", "nowhere.yaml")
        assert result.exit_code == 3
        assert "nowhere.yaml cannot be read" in json.loads(result.stdout)["problems"][0]

    def test_a_wrong_value_of_a_secret_stays_secret(self) -> None:
        Path("streamapp.yaml").write_text(f"web: {{token: [{SECRET}]}}")
        result = run("check", "--json")
        assert result.exit_code == 3
        assert SECRET not in result.output

    @pytest.mark.parametrize("assignment", ["kafka.topic", "=x", ""])
    def test_an_assignment_without_a_value_is_a_usage_error(self, assignment: str) -> None:
        assert run("check", "--set", assignment).exit_code == 2

    def test_every_verb_helps_with_an_example(self) -> None:
        for verb in ("show", "check"):
            assert "Example: " in run(verb, "--help").stdout


class TestOptions:
    def test_a_verb_reads_its_settings_through_the_shared_flags(self) -> None:
        app = typer.Typer()

        @app.command()
        def verb(
            topic: str | None = None,
            config: ConfigFile = None,
            home: Home = None,
            assignments: Assignments = None,
        ) -> None:
            settings = settings_from(config, home, assignments, {"kafka.topic": flag("--topic", topic)})
            print(settings.kafka.topic, settings.home)

        ran = CliRunner().invoke(app, ["--topic", "mine", "--set", "kafka.topic=theirs", "--home", "h"])
        assert ran.stdout == "mine h\n"
        assert CliRunner().invoke(app, ["--set", "kafka.topic=theirs"]).stdout == "theirs .streamapp\n"

    def test_a_flag_that_was_not_given_changes_nothing(self) -> None:
        overrides, file = sources_from(None, None, None, {"kafka.topic": flag("--topic", None)})
        assert (overrides, file) == ({}, None)

    def test_a_value_may_hold_an_equals_sign_and_json(self) -> None:
        overrides, _ = sources_from(None, None, ["home=a=b", 'events.fields={"event_id": "id"}'])
        settings = load_settings(overrides, environ={})
        assert (settings.home, settings.events.fields) == (Path("a=b"), {"event_id": "id"})


class TestErrors:
    def test_a_known_error_is_its_message_its_hint_and_its_exit_code(self) -> None:
        result = verb_that_raises(BrokerUnreachableError("No Kafka at x:1.", "Start it: streamapp kafka."))
        assert (result.exit_code, result.stdout) == (4, "")
        assert result.stderr == "No Kafka at x:1.\nStart it: streamapp kafka.\n"

    @pytest.mark.parametrize(("error", "code"), [(StreamappError("a"), 1), (UnaccountedError("a"), 5)])
    def test_each_error_has_its_exit_code(self, error: StreamappError, code: int) -> None:
        assert verb_that_raises(error).exit_code == code
        with pytest.raises(SystemExit) as caught, exit_codes():
            raise error
        assert caught.value.code == code

    def test_ctrl_c_ends_with_130(self) -> None:
        assert verb_that_raises(KeyboardInterrupt()).exit_code == 130
        with pytest.raises(SystemExit) as caught, exit_codes():
            raise KeyboardInterrupt
        assert caught.value.code == 130

    def test_a_mistake_of_ours_is_not_dressed_up(self) -> None:
        assert isinstance(verb_that_raises(RuntimeError("a bug")).exception, RuntimeError)

    def test_an_unknown_verb_or_flag_ends_with_2(self) -> None:
        assert run("shwo").exit_code == 2
        assert run("show", "--jsn").exit_code == 2


def test_reading_settings_needs_no_heavy_library() -> None:
    import subprocess

    code = "import sys, streamapp.verbs.config; print([m for m in ('torch', 'faust', 'pyspark') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
