"""Our worker, whole: started as a user would start it, told by the environment, timed from outside.

It does all it always does: strict decoding, dead letters, dedup that survives crashes, live tables with changelogs, a
ledger, checkpoints, pages, metrics. Nothing in it knows that it is measured: that it has begun is read from `/status`.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.contenders import Task


def command() -> list[str]:
    """`streamapp worker`, with the interpreter that runs now."""
    return [sys.executable, "-c", "from streamapp.cli import main; main()", "worker"]


def environment(task: Task) -> Mapping[str, str]:
    """The settings that differ from the defaults: where things are, and a free port for the pages."""
    return {
        "STREAMAPP_HOME": str(Path(task.home)),
        "STREAMAPP_KAFKA__BOOTSTRAP_SERVERS": task.bootstrap_servers,
        "STREAMAPP_KAFKA__TOPIC": task.topic,
        "STREAMAPP_KAFKA__DEAD_LETTER_TOPIC": task.dead_letters,
        "STREAMAPP_KAFKA__GROUP": task.group,
        "STREAMAPP_WEB__PORT": "0",
        "STREAMAPP_LOGS__LEVEL": "warning",
    }
