"""Every setting, with its default and what it is for.

Order: defaults < profile < `streamapp.yaml` < environment (`STREAMAPP_KAFKA__TOPIC=…`) < flags. Each room gets its own
section, never the whole. Reading them is `config.load_settings`; `tests/test_readme.py` holds the README's table
against this file. Secrets are `SecretStr`, and may come from a file named by `…_FILE`.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Section(BaseModel):
    """A group of settings; an unknown key in it is an error, not a surprise."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class KafkaSettings(Section):
    """The broker, and how to reach it."""

    bootstrap_servers: str = Field("127.0.0.1:9092", description="Kafka's address; several with commas")
    topic: str = Field("ecommerce-events", description="the topic of shop events, any name", min_length=1)
    partitions: int = Field(16, ge=1, le=1024, description="partitions of topics that streamapp creates")
    replication: int = Field(1, ge=1, description="replicas of topics that streamapp creates")
    dead_letter_topic: str = Field("", description="the topic of dead letters; empty: the topic's name and -dlq")
    group: str = Field("streamapp", min_length=1, description="consumer group, and prefix of the changelog topics")
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field("lz4", description="what producers compress with")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how connections to Kafka are secured"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        "PLAIN", description="how SASL proves who we are"
    )
    username: str = Field("", description="SASL user")
    password: SecretStr = Field(SecretStr(""), description="SASL password")
    token: SecretStr = Field(SecretStr(""), description="SASL OAUTHBEARER token")
    ca_file: Path | None = Field(None, description="certificate authorities to trust (PEM)")
    certificate_file: Path | None = Field(None, description="our certificate for mutual TLS (PEM)")
    key_file: Path | None = Field(None, description="the key of our certificate (PEM)")

    @property
    def dlq(self) -> str:
        """The dead-letter topic by its resolved name."""
        return self.dead_letter_topic or f"{self.topic}-dlq"


class BrokerSettings(Section):
    """The local Kafka that `streamapp kafka` and the demo start."""

    heap_megabytes: int = Field(512, ge=128, description="Java heap of the local Kafka")
    retention_hours: int = Field(168, ge=1, description="how long the local Kafka keeps events")
    jars: Path | None = Field(None, description="folder of Kafka's jars; empty: the user's cache folder")


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
    batch_size: int = Field(256, ge=1, le=4096, description="texts per call of the model (can change at run time)")
    memory_entries: int = Field(50_000, ge=0, description="vectors kept in memory, 1.5 kB each")
    corpus: Path | None = Field(None, description="texts, one a line, that kind light learns from; empty: built in")


class StoreSettings(Section):
    """Where points live."""

    kind: Literal["edge"] = Field("edge", description="edge: Qdrant's engine in a process of its own")
    events_collection: str = Field("ecommerce_embeddings", description="a point per event")
    products_collection: str = Field("products", description="a point per product, the newest version")
    timeout_seconds: float = Field(30.0, gt=0, description="how long one call may take")
    retry_policy: Literal["default", "aggressive", "conservative", "network"] = Field(
        "default", description="how the worker tries again while the store is away"
    )
    breaker_failures: int = Field(5, ge=1, description="failures in a row that open the breaker")
    breaker_open_seconds: float = Field(10.0, gt=0, description="how long an open breaker waits before one try")


class WorkerSettings(Section):
    """How the worker goes about its work."""

    batch_records: int = Field(2000, ge=1, le=20_000, description="records of one partition handled together")
    checkpoint_seconds: float = Field(1.0, gt=0, le=60, description="how often a partition's work becomes true")
    instance_id: str = Field("worker-1", description="static member id, one per worker; restarts skip the wait")
    session_timeout_seconds: float = Field(60.0, ge=6, description="after this silence Kafka gives partitions away")
    table_memory_megabytes: int = Field(64, ge=8, description="RocksDB's block cache for all tables together")


class WebSettings(Section):
    """The pages and JSON of a running worker."""

    host: str = Field("127.0.0.1", description="the address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="the port to listen on")
    token: SecretStr = Field(SecretStr(""), description="bearer token, needed when host is not this machine alone")


class LogSettings(Section):
    """What is logged, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="(can change at run time)")
    format: Literal["auto", "console", "json"] = Field("auto", description="auto: JSON when not a terminal")


class Settings(Section):
    """All settings, section by section."""

    profile: Literal["local", "compose", "production"] = Field("local", description="a set of defaults to start from")
    home: Path = Field(Path(".streamapp"), description="all local state, also STREAMAPP_HOME")
    kafka: KafkaSettings = KafkaSettings()
    broker: BrokerSettings = BrokerSettings()
    events: EventSettings = EventSettings()
    dedup: DedupSettings = DedupSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    store: StoreSettings = StoreSettings()
    worker: WorkerSettings = WorkerSettings()
    web: WebSettings = WebSettings()
    logs: LogSettings = LogSettings()
