"""Every setting, with its default and what it is for.

Order: defaults < profile < `streamapp.yaml` < environment (`STREAMAPP_KAFKA__TOPIC=…`) < flags. Each room gets its own
section, never the whole. Reading them is `config.load_settings`; `tests/test_readme.py` holds the README's table
against this file. Secrets are `SecretStr`, and may come from a file named by `…_FILE`.
The trap: building a section by hand checks the section's own rules; rules about files are checked by `config` only.
"""

import difflib
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

EVENT_FIELDS = (
    "event_id",
    "timestamp",
    "user_id",
    "event_type",
    "session_id",
    "product.id",
    "product.name",
    "product.description",
    "product.category",
    "product.price",
)
"""Our names for the parts of an event: what may stand on the left of `events.fields`."""

RELOAD: dict[str, Any] = {"reload": True}
"""Marks a setting that can change while the worker runs (SIGHUP)."""


def _address_list(text: str) -> str:
    for address in text.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError("expected host:port, several with commas")
    return text


def _kafka_name(text: str) -> str:
    # Kafka's own rule for topics, less four characters so that the dead-letter topic's -dlq fits too.
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,245}", text) or text in {".", ".."}:
        raise ValueError("expected 1 to 245 letters, digits, dots, dashes and underscores, as Kafka names its topics")
    return text


AddressList = Annotated[str, AfterValidator(_address_list)]
KafkaName = Annotated[str, AfterValidator(_kafka_name)]
OptionalKafkaName = Annotated[str, AfterValidator(lambda text: text and _kafka_name(text))]
HomePath = Annotated[Path, AfterValidator(Path.expanduser)]
OptionalPath = Annotated[
    Path | None,
    BeforeValidator(lambda value: None if value == "" else value),
    AfterValidator(lambda path: path and path.expanduser()),
]


class Section(BaseModel):
    """A group of settings; an unknown key in it is an error, not a surprise."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """Rules between settings of this section that do not hold: (setting, what is wrong)."""
        yield from ()

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic takes True for 1, and YAML reads a bare `yes` as True.
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise PydanticCustomError("number", "expected a number")
        return value

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        if broken := list(self.broken_rules()):
            text = "; ".join(f"{name}: {what}" for name, what in broken)
            raise PydanticCustomError("rules", "{text}", {"text": text, "rules": broken})
        return self


class KafkaSettings(Section):
    """The broker, and how to reach it."""

    bootstrap_servers: AddressList = Field("127.0.0.1:9092", description="Kafka's address; several with commas")
    topic: KafkaName = Field("ecommerce-events", description="the topic of shop events, any name")
    partitions: int = Field(16, ge=1, le=1024, description="partitions of topics that streamapp creates")
    replication: int = Field(1, ge=1, description="replicas of topics that streamapp creates")
    dead_letter_topic: OptionalKafkaName = Field(
        "", description="the topic of dead letters; empty: the topic's name and -dlq"
    )
    group: KafkaName = Field("streamapp", description="consumer group, and prefix of the changelog topics")
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "snappy", description="what producers compress with"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how connections to Kafka are secured"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        "PLAIN", description="how SASL proves who we are"
    )
    username: str = Field("", description="SASL user")
    password: SecretStr = Field(SecretStr(""), description="SASL password")
    token: SecretStr = Field(SecretStr(""), description="SASL OAUTHBEARER token")
    ca_file: OptionalPath = Field(None, description="certificate authorities to trust (PEM)")
    certificate_file: OptionalPath = Field(None, description="our certificate for mutual TLS (PEM)")
    key_file: OptionalPath = Field(None, description="the key of our certificate (PEM)")

    @property
    def dlq(self) -> str:
        """The dead-letter topic by its resolved name."""
        return self.dead_letter_topic or f"{self.topic}-dlq"

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """SASL needs who we are; a key needs its certificate; dead letters must not come back as events."""
        if self.security_protocol.startswith("SASL"):
            token_wanted = self.sasl_mechanism == "OAUTHBEARER"
            if token_wanted and not self.token.get_secret_value():
                yield "token", "must be set, as sasl_mechanism is OAUTHBEARER"
            if not token_wanted and not self.username:
                yield "username", f"must be set, as security_protocol is {self.security_protocol}"
            if not token_wanted and not self.password.get_secret_value():
                yield "password", f"must be set, as security_protocol is {self.security_protocol}"
        if self.key_file and not self.certificate_file:
            yield "certificate_file", "must be set, as key_file is"
        if self.dead_letter_topic == self.topic:
            yield "dead_letter_topic", "must not be the topic itself: every dead letter would come back as an event"


class BrokerSettings(Section):
    """The local Kafka that `streamapp kafka` and the demo start."""

    heap_megabytes: int = Field(512, ge=128, description="Java heap of the local Kafka")
    retention_hours: int = Field(168, ge=1, description="how long the local Kafka keeps events")
    jars: OptionalPath = Field(None, description="folder of Kafka's jars; empty: the user's cache folder")


class EventSettings(Section):
    """What a valid event is."""

    contract: Literal["auto", "strict", "lenient"] = Field(
        "auto",
        description="strict: the shop's own events, UUID ids, every field there. lenient: someone's topic, any ids; "
        "only id, time, user, type and product name needed. auto: lenient when fields are mapped",
    )
    fields: dict[str, str] = Field({}, description="our field: theirs, dotted paths, as in {product.name: title}")
    max_bytes: int = Field(262_144, ge=1024, description="a larger event is a dead letter (too_large)")
    max_text_chars: int = Field(20_000, ge=100, description="a longer text field is a dead letter (text_too_long)")
    max_price: float = Field(1_000_000.0, gt=0, description="a higher price is a dead letter (price_out_of_range)")

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """Only fields that an event has can be mapped, and only to something."""
        for ours, theirs in self.fields.items():
            if ours not in EVENT_FIELDS:
                near = difflib.get_close_matches(ours, EVENT_FIELDS, n=1)
                meant = f"did you mean {near[0]}?" if near else f"fields are {', '.join(EVENT_FIELDS)}"
                yield f"fields.{ours}", f"an event has no such field; {meant}"
            elif not all(theirs.split(".")):
                yield f"fields.{ours}", "expected the path of a field in their events, as in item.title"


class DedupSettings(Section):
    """How long an event id is remembered."""

    ttl_seconds: int = Field(86_400, ge=1, description="time-to-live of event ids, local and in the changelog")


class EmbeddingSettings(Section):
    """Which model turns product texts into vectors, and where."""

    kind: Literal["minilm", "light"] = Field(
        "minilm", description="minilm: a sentence-transformers model; light: TF-IDF + SVD, needs no model"
    )
    model: str = Field("all-MiniLM-L6-v2", description="model name or folder, for kind minilm")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: the GPU when there is one")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="bfloat16 is faster, cosine 0.9965 worst")
    batch_size: int = Field(256, ge=1, le=4096, description="texts per call of the model", json_schema_extra=RELOAD)
    memory_entries: int = Field(50_000, ge=0, description="vectors kept in memory, 1.5 kB each")
    corpus: OptionalPath = Field(None, description="texts, one a line, that kind light learns from; empty: built in")


class StoreSettings(Section):
    """Where points live."""

    kind: Literal["edge"] = Field("edge", description="edge: Qdrant's engine in a process of its own")
    events_collection: str = Field("ecommerce_embeddings", min_length=1, description="a point per event")
    products_collection: str = Field("products", min_length=1, description="a point per product, the newest version")
    timeout_seconds: float = Field(30.0, gt=0, description="how long one call may take")
    retry_policy: Literal["default", "aggressive", "conservative", "network"] = Field(
        "default", description="how the worker tries again while the store is away", json_schema_extra=RELOAD
    )
    breaker_failures: int = Field(
        5, ge=1, description="failures in a row that open the breaker", json_schema_extra=RELOAD
    )
    breaker_open_seconds: float = Field(
        10.0, gt=0, description="how long an open breaker waits before one try", json_schema_extra=RELOAD
    )

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """Events and products are kept apart."""
        if self.events_collection == self.products_collection:
            yield "products_collection", "must not be the collection of events"


class WorkerSettings(Section):
    """How the worker goes about its work."""

    batch_records: int = Field(
        2000, ge=1, le=20_000, description="records of one partition handled together", json_schema_extra=RELOAD
    )
    checkpoint_seconds: float = Field(
        1.0, gt=0, le=60, description="how often a partition's work becomes true", json_schema_extra=RELOAD
    )
    instance_id: KafkaName = Field("worker-1", description="static member id, one per worker; restarts skip the wait")
    session_timeout_seconds: float = Field(60.0, ge=6, description="after this silence Kafka gives partitions away")
    table_memory_megabytes: int = Field(64, ge=8, description="RocksDB's block cache for all tables together")


class WebSettings(Section):
    """The pages and JSON of a running worker."""

    host: str = Field("127.0.0.1", description="the address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="the port to listen on")
    token: SecretStr = Field(SecretStr(""), description="bearer token, needed when host is not this machine alone")

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """Whoever can reach the pages must be someone we know."""
        if not self.token.get_secret_value() and not _is_loopback(self.host):
            yield (
                "host",
                "other machines can reach this address, so web.token must be set (STREAMAPP_WEB__TOKEN or …_FILE)",
            )


class LogSettings(Section):
    """What is logged, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="what is worth a line", json_schema_extra=RELOAD
    )
    format: Literal["auto", "console", "json"] = Field("auto", description="auto: JSON when not a terminal")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Settings(BaseSettings):
    """All settings, section by section; `config.load_settings` reads them, `Settings()` is all defaults."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    profile: Literal["local", "compose", "production"] = Field("local", description="a set of defaults to start from")
    home: HomePath = Field(Path(".streamapp"), description="all local state, also STREAMAPP_HOME")
    kafka: KafkaSettings = KafkaSettings()
    broker: BrokerSettings = BrokerSettings()
    events: EventSettings = EventSettings()
    dedup: DedupSettings = DedupSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    store: StoreSettings = StoreSettings()
    worker: WorkerSettings = WorkerSettings()
    web: WebSettings = WebSettings()
    logs: LogSettings = LogSettings()

    @property
    def worker_folder(self) -> Path:
        """Where one worker of one group keeps its tables and its index of ids."""
        return self.home / "worker" / f"{self.kafka.group}-{self.worker.instance_id}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing is read behind the caller's back: `config` names the places, and where each value came from."""
        return (init_settings,)
