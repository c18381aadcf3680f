"""Settings: where they come from, what wins, and what is said when they are wrong."""

import contextlib
import json
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from streamapp.config import Found, WrongSettingsError, load_settings, origins, reload
from streamapp.config.names import LEAVES, RELOADABLE, env_name
from streamapp.config.profiles import PROFILES
from streamapp.errors import ConfigurationError
from streamapp.settings import EventSettings, KafkaSettings, Settings, StoreSettings, WebSettings

SECRET = "hunter2-is-no-password"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, so that no settings file of the developer's is read."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "streamapp.yaml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def load(environ: dict[str, str] | None = None, overrides: dict[str, Any] | None = None, **rest: Any) -> Settings:
    return load_settings(overrides, environ=environ or {}, **rest)


def problems(environ: dict[str, str] | None = None, overrides: dict[str, Any] | None = None) -> tuple[str, ...]:
    with pytest.raises(WrongSettingsError) as caught:
        load(environ, overrides)
    return caught.value.problems


def problem(environ: dict[str, str] | None = None, overrides: dict[str, Any] | None = None) -> str:
    (only,) = problems(environ, overrides)
    return only


class TestOrder:
    def test_without_anything_written_all_is_default(self) -> None:
        assert load() == Settings()

    def test_defaults_hold_their_own_rules(self) -> None:
        assert {origin for _, origin in origins(environ={}).values()} == {"default"}

    def test_each_place_overrules_the_one_before(self) -> None:
        assert load({"STREAMAPP_PROFILE": "production"}).kafka.replication == 3
        write("profile: production\nkafka:\n  replication: 4\n")
        assert load().kafka.replication == 4
        assert load({"STREAMAPP_KAFKA__REPLICATION": "5"}).kafka.replication == 5
        assert load({"STREAMAPP_KAFKA__REPLICATION": "5"}, {"kafka.replication": 6}).kafka.replication == 6

    def test_what_one_place_leaves_out_the_one_before_keeps(self) -> None:
        write("kafka:\n  topic: shop\n  partitions: 3\n")
        kafka = load({"STREAMAPP_KAFKA__PARTITIONS": "4"}).kafka
        assert (kafka.topic, kafka.partitions) == ("shop", 4)

    def test_overrides_may_be_nested_or_dotted(self) -> None:
        assert load(overrides={"kafka": {"topic": "a"}}) == load(overrides={"kafka.topic": "a"})

    @pytest.mark.parametrize("place", ["file", "environment", "flag"])
    def test_a_profile_can_be_chosen_anywhere(self, place: str) -> None:
        if place == "file":
            write("profile: production")
        environ = {"STREAMAPP_PROFILE": "production"} if place == "environment" else {}
        settings = load(environ, {"profile": "production"} if place == "flag" else {})
        assert (settings.profile, settings.logs.format) == ("production", "json")

    def test_every_profile_is_good_when_it_is_given_its_secrets(self) -> None:
        for profile in PROFILES:
            assert load({"STREAMAPP_PROFILE": profile, "STREAMAPP_WEB__TOKEN": "t"}).profile == profile

    def test_a_named_file_stands_in_for_the_one_in_the_folder(self) -> None:
        write("kafka: {topic: here}")
        other = write("kafka: {topic: there}", "other.yaml")
        assert load().kafka.topic == "here"
        assert load({"STREAMAPP_CONFIG": "other.yaml"}).kafka.topic == "there"
        assert load({"STREAMAPP_CONFIG": "missing.yaml"}, file=other).kafka.topic == "there"

    def test_constructing_settings_reads_nothing_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME_", "x")
        monkeypatch.setenv("PROFILE", "production")
        monkeypatch.setenv("HOME", "elsewhere")
        assert Settings().profile == "local"
        assert Settings().home == Path(".streamapp")


class TestEnvironment:
    def test_every_setting_has_a_variable(self) -> None:
        assert env_name("kafka.bootstrap_servers") == "STREAMAPP_KAFKA__BOOTSTRAP_SERVERS"
        assert load({"STREAMAPP_HOME": "state"}).home == Path("state")
        assert all(problem({env_name(name): "\0"}) for name in LEAVES if name in {"kafka.topic", "store.kind"})

    def test_a_mapping_is_written_as_json(self) -> None:
        fields = {"event_id": "id", "product.name": "item.title"}
        assert load({"STREAMAPP_EVENTS__FIELDS": json.dumps(fields)}).events.fields == fields

    def test_an_entry_of_a_mapping_has_a_variable_too(self) -> None:
        assert load({"STREAMAPP_EVENTS__FIELDS__PRODUCT__NAME": "title"}).events.fields == {"product.name": "title"}

    def test_an_empty_variable_is_not_set(self) -> None:
        assert load({"STREAMAPP_KAFKA__TOPIC": "", "STREAMAPP_CONFIG": ""}) == Settings()

    def test_variables_that_steer_tests_are_left_alone(self) -> None:
        assert load({"STREAMAPP_TEST_ANYTHING": "1", "PATH": "x"}) == Settings()

    def test_an_empty_flag_unsets_a_path(self) -> None:
        Path("ca.pem").touch()
        write("kafka: {ca_file: ca.pem}")
        assert load().kafka.ca_file == Path("ca.pem")
        assert load(overrides={"kafka.ca_file": ""}).kafka.ca_file is None

    def test_a_path_may_begin_with_the_users_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "elsewhere")
        assert load({"STREAMAPP_HOME": "~/state"}).home == Path("elsewhere/state")


class TestSecrets:
    def test_a_secret_comes_from_a_file_without_its_last_newline(self) -> None:
        Path("secret").write_text(f"{SECRET}\n")
        environ = {"STREAMAPP_KAFKA__PASSWORD_FILE": "secret"}
        assert load(environ).kafka.password.get_secret_value() == SECRET
        assert origins(environ=environ)["kafka.password"] == (
            "**********",
            "STREAMAPP_KAFKA__PASSWORD_FILE (secret)",
        )

    def test_the_settings_file_may_name_a_secrets_file_too(self) -> None:
        Path("secret").write_text(SECRET)
        write("web:\n  token_file: secret\n  host: 0.0.0.0\n")
        assert load().web.token.get_secret_value() == SECRET

    def test_a_missing_secrets_file_is_named_and_nothing_follows_from_it(self) -> None:
        only = problem({"STREAMAPP_WEB__HOST": "0.0.0.0", "STREAMAPP_WEB__TOKEN_FILE": "nowhere"})
        assert only.startswith("web.token should come from the file nowhere (STREAMAPP_WEB__TOKEN_FILE): No such file")

    def test_a_secret_given_in_both_ways_is_a_mistake(self) -> None:
        Path("secret").write_text(SECRET)
        only = problem({"STREAMAPP_WEB__TOKEN_FILE": "secret", "STREAMAPP_WEB__TOKEN": SECRET})
        assert "web.token is given twice" in only
        assert SECRET not in only

    @pytest.mark.parametrize(
        "text",
        [
            f"kafka:\n  password: [{SECRET}]\n",
            f"kafka:\n  password: {{{SECRET}: 1}}\n",
            f"kafka:\n  pasword: {SECRET}\n",
            f"kafka: {SECRET}\n",
            f"{SECRET}\n",
            f"- {SECRET}\n",
            f"kafka:\n  password: *{SECRET}\n",
            f"kafka:\n  password: !{SECRET}\n",
            f"kafka:\n  password: '{SECRET}\n",
            f"kafka:\n  password: {SECRET}: x: y\n",
            f"kafka:\n  password: @{SECRET}\n",
            f"kafka:\n  password: {SECRET}\n  password: {SECRET}\n",
            f"kafka:\n\tpassword: {SECRET}\n",
            f"kafka:\n  password: {SECRET}\n  partitions: many\n  security_protocol: SASL_SSL\n",
        ],
    )
    def test_no_mistake_in_the_file_prints_a_secret(self, text: str) -> None:
        write(text)
        with pytest.raises(ConfigurationError) as caught:
            load()
        assert SECRET not in "".join(traceback.format_exception(caught.value))

    def test_no_mistake_in_the_environment_prints_a_secret(self) -> None:
        said = problems(
            {"STREAMAPP_KAFKA__PASSWORDD": SECRET, "STREAMAPP_KAFKA__PASSWORD": SECRET, "STREAMAPP_KAFKA__TOPIC": "?"}
        )
        assert SECRET not in str(said)
        assert "did you mean STREAMAPP_KAFKA__PASSWORD?" in said[0]

    def test_settings_never_show_a_secret(self) -> None:
        settings = load({"STREAMAPP_KAFKA__PASSWORD": SECRET})
        assert SECRET not in f"{settings!r}{settings}{settings.model_dump(mode='json')}{origins(environ={})}"

    def test_a_section_built_by_hand_does_not_show_its_input_when_it_is_wrong(self) -> None:
        with pytest.raises(ValidationError) as caught:
            KafkaSettings.model_validate({"password": [SECRET], "topic": SECRET + "?"})
        assert SECRET not in str(caught.value)


class TestProblems:
    def test_all_are_named_at_once_with_their_places(self) -> None:
        write("kafka:\n  topik: shop\n  partitions: many\nevens: {}\n")
        environ = {"STREAMAPP_KAFKA_TOPIC": "shop", "STREAMAPP_LOGS__LEVEL": "loud"}
        assert problems(environ, {"web.prt": 1, "web.port": Found("high", "--port")}) == (
            "kafka.topik (streamapp.yaml:2): there is no such setting; did you mean kafka.topic?",
            "evens (streamapp.yaml:4): there is no such setting; did you mean events?",
            "STREAMAPP_KAFKA_TOPIC: there is no such setting; did you mean STREAMAPP_KAFKA__TOPIC?",
            "web.prt (override of web.prt): there is no such setting; did you mean web.port?",
            "kafka.partitions is 'many' (streamapp.yaml:3): expected a whole number from 1 to 1024",
            "web.port is 'high' (--port): expected a whole number from 0 to 65535",
            "logs.level is 'loud' (STREAMAPP_LOGS__LEVEL): expected one of debug, info, warning, error",
        )

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("kafka.topic", "", "245 letters"),
            ("kafka.topic", "shop events", "245 letters"),
            ("kafka.topic", "x" * 246, "245 letters"),
            ("kafka.topic", 5, "expected text"),
            ("kafka.bootstrap_servers", "kafka", "host:port"),
            ("kafka.bootstrap_servers", "kafka://a:9092", "host:port"),
            ("kafka.bootstrap_servers", "a:9092,", "host:port"),
            ("kafka.partitions", True, "a whole number from 1 to 1024"),
            ("kafka.partitions", 1.5, "a whole number"),
            ("dedup.ttl_seconds", 0, "a whole number, 1 or more"),
            ("events.max_price", "nan", "a number above 0"),
            ("events.max_price", "inf", "a number above 0"),
            ("worker.checkpoint_seconds", 61, "a number above 0 and up to 60"),
            ("home", 5, "a path"),
            ("events.fields", "{", "as a JSON object"),
            ("events.fields", '["event_id"]', "as a JSON object"),
            ("events.fields", {"event_id": 5}, "expected text"),
            ("events.fields", {"event_id": ""}, "the path of a field in their events"),
            ("events.fields", {"event_id": "a..b"}, "the path of a field in their events"),
            ("events.fields", {"product.nme": "a"}, "did you mean product.name?"),
            ("kafka.dead_letter_topic", "ecommerce-events", "must not be the topic itself"),
            ("store.products_collection", "ecommerce_embeddings", "must not be the collection of events"),
            ("kafka.ca_file", "nowhere.pem", "there is no such file"),
            ("embedding.corpus", "nowhere.txt", "there is no such file"),
            ("web.host", "0.0.0.0", "web.token must be set"),
            ("web.host", "", "web.token must be set"),
            ("web.host", "::", "web.token must be set"),
        ],
    )
    def test_a_wrong_value_is_told_what_is_expected(self, name: str, value: Any, expected: str) -> None:
        only = problem(overrides={name: value})
        assert only.startswith(name)
        assert f"(override of {name})" in only
        assert expected in only

    def test_sasl_says_what_it_lacks(self) -> None:
        said = problems({"STREAMAPP_KAFKA__SECURITY_PROTOCOL": "SASL_SSL"})
        assert [line.split()[0] for line in said] == ["kafka.username:", "kafka.password:"]
        bearer = {"STREAMAPP_KAFKA__SECURITY_PROTOCOL": "SASL_SSL", "STREAMAPP_KAFKA__SASL_MECHANISM": "OAUTHBEARER"}
        assert problem(bearer) == "kafka.token: must be set, as sasl_mechanism is OAUTHBEARER"
        assert load({**bearer, "STREAMAPP_KAFKA__TOKEN": "t"}).kafka.token

    def test_a_key_needs_its_certificate(self) -> None:
        Path("key.pem").touch()
        assert "kafka.certificate_file: must be set" in problem({"STREAMAPP_KAFKA__KEY_FILE": "key.pem"})

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
    def test_this_machine_alone_needs_no_token(self, host: str) -> None:
        assert load({"STREAMAPP_WEB__HOST": host}).web.host == host

    def test_an_unknown_profile_is_a_wrong_value(self) -> None:
        assert "expected one of local, compose, production" in problem({"STREAMAPP_PROFILE": "prod"})

    def test_the_compose_profile_asks_for_a_token(self) -> None:
        assert problem({"STREAMAPP_PROFILE": "compose"}).startswith(
            "web.host is '0.0.0.0' (profile compose): other machines can"
        )

    @pytest.mark.parametrize("build", [lambda: WebSettings(host="0.0.0.0"), lambda: EventSettings(fields={"x": "y"})])
    def test_a_section_built_by_hand_keeps_its_rules(self, build: Any) -> None:
        with pytest.raises(ValidationError):
            build()


class TestFile:
    @pytest.mark.parametrize("text", ["", "# nothing\n", "kafka:\n", "---\n", "\ufeffkafka: {}\n", "null\n"])
    def test_a_file_that_sets_nothing_is_good(self, text: str) -> None:
        write(text)
        assert load() == Settings()

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("kafka:\n  topic: [\n", "streamapp.yaml:3: this is not YAML"),
            ("kafka:\n  topic: a\n topic: b\n", "streamapp.yaml:3: this is not YAML"),
            ("a: 1\n---\nb: 2\n", "streamapp.yaml:2: this is not YAML"),
            ("kafka:\n  topic: 'a\x01'\n", "streamapp.yaml:2: this is not YAML: the character U+0001"),
            ("kafka:\n  topic: 2026-13-45\n", "streamapp.yaml:2: this is not YAML: this value is not what it looks"),
            ("events:\n  fields:\n    event_id: a\n    event_id: b\n", "streamapp.yaml:4: this is not YAML: the same"),
            ("events:\n  fields: &a {product: *a}\n", "streamapp.yaml:2: this is not YAML"),
            ("- kafka\n", "streamapp.yaml:1: a settings file holds groups"),
            ("home: x\nkafka: topic\n", "streamapp.yaml:2: kafka is a group of settings"),
            ("kafka:\n  topic: a\n  topic: b\n", "kafka.topic is given twice: streamapp.yaml:2 and streamapp.yaml:3"),
        ],
    )
    def test_a_broken_file_is_told_where(self, text: str, said: str) -> None:
        write(text)
        with pytest.raises(ConfigurationError) as caught:
            load()
        assert said in caught.value.message

    def test_a_file_that_is_named_must_be_there(self) -> None:
        with pytest.raises(ConfigurationError, match=r"other\.yaml cannot be read: No such file"):
            load({"STREAMAPP_CONFIG": "other.yaml"})

    def test_a_file_in_another_encoding_is_told_so(self) -> None:
        Path("streamapp.yaml").write_bytes("home: \u00e4".encode("latin-1"))
        with pytest.raises(ConfigurationError, match="not text in UTF-8"):
            load()

    def test_mapped_fields_may_be_nested_or_dotted(self) -> None:
        write("events:\n  fields:\n    event_id: id\n    product: {name: title}\n")
        nested = load().events.fields
        write("events:\n  fields: {event_id: id, product.name: title}\n")
        assert load().events.fields == nested == {"event_id": "id", "product.name": "title"}

    def test_anchors_and_merges_work(self) -> None:
        write("kafka: &base {topic: shop}\nbroker: {<<: {heap_megabytes: 256}}\n")
        assert load().broker.heap_megabytes == 256

    # The fixture only changes the folder, which every example may share.
    @hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(st.binary(max_size=60) | st.text(alphabet="kafkatopi: \n-[]{}'\"&*!?|>#%@,0", max_size=60).map(str.encode))
    @example(b"? [a]\n: b")
    @example(b"{" * 1500)
    @example(b"kafka: {topic: !!int x}")
    @example(b"kafka: {topic: !!python/object:os.system x}")
    def test_no_bytes_whatever_end_in_anything_but_settings_or_a_clear_error(self, content: bytes) -> None:
        Path("streamapp.yaml").write_bytes(content)
        with contextlib.suppress(ConfigurationError):
            load()


class TestOrigins:
    def test_every_setting_says_where_it_comes_from(self) -> None:
        write("profile: production\n\nkafka:\n  topic: shop\nevents:\n  fields: {event_id: id}\n")
        environ = {"STREAMAPP_KAFKA__PARTITIONS": "3", "STREAMAPP_EVENTS__FIELDS__USER_ID": "uid"}
        shown = origins({"web.port": Found(0, "--port"), "home": "x"}, environ=environ)
        assert list(shown) == list(LEAVES)
        assert shown["profile"] == ("production", "streamapp.yaml:1")
        assert shown["kafka.topic"] == ("shop", "streamapp.yaml:4")
        assert shown["kafka.replication"] == ("3", "profile production")
        assert shown["kafka.partitions"] == ("3", "STREAMAPP_KAFKA__PARTITIONS")
        assert shown["events.fields"] == (
            "event_id: id, user_id: uid",
            "streamapp.yaml:6, STREAMAPP_EVENTS__FIELDS__USER_ID",
        )
        assert shown["web.port"] == ("0", "--port")
        assert shown["home"] == ("x", "override of home")
        assert shown["kafka.group"] == ("streamapp", "default")
        assert shown["kafka.ca_file"] == ("", "default")


class TestReload:
    def test_what_can_change_does_and_the_rest_is_named(self) -> None:
        old = load()
        write("logs: {level: debug}\nkafka: {topic: other}\nstore: {breaker_failures: 9, timeout_seconds: 3}\n")
        new, changed, ignored = reload(old, environ={})
        assert changed == ["store.breaker_failures", "logs.level"]
        assert ignored == ["kafka.topic", "store.timeout_seconds"]
        assert (new.logs.level, new.store.breaker_failures) == ("debug", 9)
        assert (new.kafka, new.store.timeout_seconds) == (old.kafka, old.store.timeout_seconds)
        assert old.logs.level == "info"

    def test_without_a_change_nothing_changes(self) -> None:
        old = load()
        assert reload(old, environ={}) == (old, [], [])

    def test_a_file_that_became_wrong_raises_and_the_old_settings_stay(self) -> None:
        old = load()
        write("logs: {level: loud}")
        with pytest.raises(WrongSettingsError):
            reload(old, environ={})
        assert old.logs.level == "info"

    def test_batch_sizes_log_level_breaker_and_retry_can_change(self) -> None:
        assert sorted(RELOADABLE) == [
            "embedding.batch_size",
            "logs.level",
            "store.breaker_failures",
            "store.breaker_open_seconds",
            "store.retry_policy",
            "worker.batch_records",
            "worker.checkpoint_seconds",
        ]


def test_sections_cannot_be_changed_by_whoever_holds_them() -> None:
    with pytest.raises(ValidationError):
        StoreSettings().kind = "edge"
    with pytest.raises(ValidationError):
        Settings().profile = "local"
