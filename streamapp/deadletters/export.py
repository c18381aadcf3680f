"""Letters to a file of JSON lines, or to stdout: each record once, its bytes in base64."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from streamapp.deadletters.choose import Filter
from streamapp.deadletters.read import matching
from streamapp.deadletters.text import export_json
from streamapp.errors import ConfigurationError
from streamapp.settings import KafkaSettings

STDOUT = "-"


async def export(kafka: KafkaSettings, wanted: Filter, file: str) -> int:
    """Write the letters that are meant; returns how many. A file appears whole or not at all.

    Raises BrokerUnreachableError, and ConfigurationError where the file cannot be written.
    """
    count = 0
    with open_lines(file) as lines:
        async for letter in matching(kafka, wanted):
            lines.write(export_json(letter) + "\n")
            count += 1
    return count


@contextlib.contextmanager
def open_lines(file: str) -> Iterator[IO[str]]:
    """Give a text file to write to, which takes its name at the end; `-` gives stdout."""
    if file == STDOUT:
        yield sys.stdout
        return
    path = Path(file)
    side = path.with_name(f"{path.name}.part")
    try:
        with side.open("w", encoding="utf-8") as lines:
            yield lines
        side.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror or error}.", "Name another file, or - for stdout."
        ) from error
    finally:
        side.unlink(missing_ok=True)
