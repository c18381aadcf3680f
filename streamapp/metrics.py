"""Every metric, by stage. Names end in their unit; labels are closed sets, never ids.

Each help text says what to do when the number moves. All live in `REGISTRY`, which `/metrics` prints.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from streamapp import __version__

REGISTRY = CollectorRegistry()

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

BUILD = Info("streamapp_build", "The version that runs.", registry=REGISTRY)
BUILD.info({"version": __version__})

INGEST_EVENTS = Counter(
    "streamapp_ingest_events",
    "Records read, by verdict. Many duplicates: a producer retries or replays. Redelivered: a worker restarted.",
    ["verdict"],
    registry=REGISTRY,
)
INGEST_SECONDS = Histogram(
    "streamapp_ingest_seconds",
    "Seconds to decode and judge one batch. Rising: larger events, or a dedup index outgrowing its cache.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
BATCH_EVENTS = Histogram(
    "streamapp_ingest_batch_events",
    "Records handled together. Near worker.batch_records all the time: there is a backlog.",
    buckets=(1, 10, 50, 100, 250, 500, 1000, 2000, 5000, 20000),
    registry=REGISTRY,
)
DEAD_LETTERS = Counter(
    "streamapp_deadletter_events",
    "Dead letters written, by reason. A jump: ask whoever changed a producer, see `streamapp dlq stats`.",
    ["reason"],
    registry=REGISTRY,
)
EMBED_SECONDS = Histogram(
    "streamapp_embed_seconds",
    "Seconds until a batch has its vectors. High: many new texts; a GPU or a longer-lived cache helps.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
EMBED_TEXTS = Counter(
    "streamapp_embed_texts",
    "Texts asked for, by where the vector came from. Many from the model in steady state: the cache is too small.",
    ["source"],
    registry=REGISTRY,
)
SINK_SECONDS = Histogram(
    "streamapp_sink_seconds",
    "Seconds until the store confirmed a batch. Rising: the store is the bottleneck, look at its disk and memory.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
SINK_POINTS = Counter(
    "streamapp_sink_points", "Points confirmed by the store, by collection.", ["collection"], registry=REGISTRY
)
CHECKPOINT_SECONDS = Histogram(
    "streamapp_checkpoint_seconds",
    "Seconds to make a partition's work true. Rising: Kafka is slow to confirm changelog records.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
END_TO_END_SECONDS = Histogram(
    "streamapp_end_to_end_seconds",
    "Seconds from a record's Kafka timestamp until it is searchable. Rising with lag: the worker cannot keep up.",
    buckets=(*_SECONDS, 120.0, 300.0, 900.0),
    registry=REGISTRY,
)
LAG = Gauge(
    "streamapp_kafka_lag_events",
    "Records in the topic that are not committed yet, measured at the broker. Growing: add workers or find the hold.",
    registry=REGISTRY,
)
IN_FLIGHT = Gauge("streamapp_pipeline_in_flight_events", "Records read and not yet checkpointed.", registry=REGISTRY)
BREAKER_STATE = Gauge(
    "streamapp_store_breaker_state",
    "0 closed, 1 half-open, 2 open. Open: the store is away; the worker holds the line, see /health/store.",
    registry=REGISTRY,
)
STORE_RETRIES = Counter("streamapp_store_retries", "Calls to the store that had to be tried again.", registry=REGISTRY)
TABLE_KEYS = Gauge("streamapp_table_keys", "Keys per live table on this worker.", ["table"], registry=REGISTRY)
BUSINESS_EVENTS = Counter(
    "streamapp_business_events",
    "Fresh events by type (others together).",
    ["event_type"],
    registry=REGISTRY,
)
REVENUE = Counter("streamapp_business_revenue", "Sum of prices of fresh purchases, in the shop's currency.",
                  registry=REGISTRY)  # fmt: skip
