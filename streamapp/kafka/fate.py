"""Why a local Kafka came to its end, told from what it wrote. Pure functions over text.

In: the lines that the node logged since its start, its exit code. Out: one error that says what to do. Trap: Kafka
reports a full disk as a failed log folder, pages after the line that names the cause.
"""

import re

from streamapp.errors import BrokerUnreachableError, ConfigurationError, StreamappError
from streamapp.kafka.ports import port_in_use

QUOTED_LINES = 8


def explain_end(said: str, exit_code: int, port: int, log: str) -> StreamappError:
    """Turn the words of a node that ended before it was ready into an error.

    `said` is everything from its start on, `log` is where the user can read it.
    """
    if "No space left on device" in said:
        return ConfigurationError("The local Kafka stopped: the disk is full.", "Free some space and start it again.")
    if "Address already in use" in said:
        return port_in_use(port)
    if "OutOfMemoryError" in said or "Could not reserve enough space" in said:
        return ConfigurationError(
            "The local Kafka stopped: its memory did not suffice.", "Raise STREAMAPP_BROKER__HEAP_MEGABYTES."
        )
    if "Failed to acquire lock on file" in said:
        return ConfigurationError("Another Kafka uses the same data folder.", "Stop that one first.")
    quoted = "\n".join(f"    {line}" for line in last_words(said)) or "    (nothing)"
    return BrokerUnreachableError(
        f"The local Kafka ended with exit code {exit_code} before it was ready. Its last words:\n{quoted}\n",
        f"All of them are in {log}. If its data is damaged, move the folder `data` beside its server.properties away.",
    )


def last_words(said: str) -> list[str]:
    """Return the lines worth quoting: the errors and what followed them, or simply the last ones."""
    lines = [line for line in said.splitlines() if line.strip() and not re.match(r"\s+at |\s+\.\.\. \d+ more", line)]
    first = next((n for n, line in enumerate(lines) if re.search(r"\b(ERROR|FATAL|Exception|Error:)", line)), None)
    return lines[-QUOTED_LINES:] if first is None else lines[first : first + QUOTED_LINES]
