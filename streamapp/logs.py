"""Logs: structlog over the standard library's logging, on stderr only.

In: `LogSettings`. Out: lines for people on a terminal, one JSON object a line otherwise; Faust's and aiokafka's own
records come out in the same shape. `get_logger` may be called at import, before `setup_logs`.
The trap: whatever is logged may be kept for years, so never hand over an event's content. `_withhold` catches the
likely slips (bytes, and the fields in `CONTENT`), and tracebacks are printed without local variables.
"""

import logging
import logging.config
import os
import sys
from typing import Any, Literal

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from streamapp.clock import Clock, monotonic
from streamapp.settings import LogSettings

LIBRARIES = (
    "aiohttp",
    "aiokafka",
    "asyncio",
    "faust",
    "kafka",
    "mode",
    "py4j",
    "sentence_transformers",
    "transformers",
)
"""Loggers of libraries that say much at info; they are heard from warning on."""

CONTENT = frozenset({"body", "headers", "password", "payload", "record", "text", "token", "value"})
"""Fields of a log line that would carry an event's content or a secret; their values are withheld."""

REPEAT_SECONDS = 30.0
"""How often a library may say the same: aiokafka reports an outage hundreds of times a second."""

Level = Literal["debug", "info", "warning", "error"]


def get_logger(name: str) -> BoundLogger:
    """A logger called `name`: `log.info("what happened", partition=3)`, values beside the sentence, not in it."""
    logger: BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def setup_logs(settings: LogSettings) -> None:
    """Send every log line of this process to stderr as `settings` say; calling it again replaces what was."""
    logging.config.dictConfig(logging_config(settings))
    logging.captureWarnings(True)


def set_level(level: Level) -> None:
    """Change what is logged from now on, in the running process."""
    logging.getLogger().setLevel(level.upper())
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(_library_level(level))


def logging_config(settings: LogSettings) -> dict[str, Any]:
    """The dictionary for `logging.config.dictConfig`, and for `faust.App(logging_config=…)`.

    The dictionary alone does not keep Faust's worker out: started with its default `--loglevel` it sets the root
    logger to debug, our handler to warning and draws a spinner. It leaves logging alone only when its
    `faust.Worker` is made with `override_logging=False, redirect_stdouts=False` and `worker.spinner = None`.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"streamapp": {"()": _formatter, "json": _wants_json(settings)}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "streamapp",
                "filters": ["seldom"],
            }
        },
        "filters": {"seldom": {"()": Seldom}},
        "root": {"level": settings.level.upper(), "handlers": ["stderr"]},
        "loggers": {name: {"level": _library_level(settings.level)} for name in LIBRARIES},
    }


class Seldom(logging.Filter):
    """Lets a library say each thing once in a while; what we say ourselves always passes."""

    def __init__(self, clock: Clock = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is new, or its like was last let through long ago."""
        if record.name.partition(".")[0] not in LIBRARIES:
            return True
        key, now = (record.name, str(record.msg)), self._clock()
        last = self._said.get(key)
        if last is not None and now - last < REPEAT_SECONDS:
            return False
        self._said[key] = now
        return True


def _library_level(level: Level) -> str:
    """Libraries never speak below info: aiokafka's debug lines hold records."""
    return {"debug": "INFO", "error": "ERROR"}.get(level, "WARNING")


def _wants_json(settings: LogSettings) -> bool:
    return settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())


def _formatter(json: bool) -> ProcessorFormatter:
    renderers: list[Processor] = [ProcessorFormatter.remove_processors_meta]
    if json:
        message = structlog.processors.EventRenamer("message")
        renderers += [structlog.processors.format_exc_info, message, structlog.processors.JSONRenderer()]
    else:
        colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        # Plain tracebacks: structlog's default prints local variables, and with them events and secrets.
        plain = structlog.dev.plain_traceback
        renderers += [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    return ProcessorFormatter(foreign_pre_chain=_SHARED, processors=renderers)


def _withhold(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    for key, value in event_dict.items():
        if key in CONTENT:
            event_dict[key] = "(withheld)"
        elif isinstance(value, bytes | bytearray | memoryview):
            event_dict[key] = f"({len(value)} bytes)"
    return event_dict


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

# Here, not in `setup_logs`: structlog's own default writes to stdout, where only results belong.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.PositionalArgumentsFormatter(),
        _withhold,
        ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=BoundLogger,
)
