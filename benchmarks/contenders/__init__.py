"""Who runs: each contender is a file, started as a process of its own with a `Task` as its only argument."""

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Task(msgspec.Struct, frozen=True):
    """What a contender is told."""

    bootstrap_servers: str
    topic: str
    dead_letters: str
    group: str
    home: str
    """A fresh folder for all its state; the store goes into `home/store`."""
    vectors: str
    """The warm vectors, as `save_vectors` wrote them."""

    @property
    def store(self) -> Path:
        """The folder of the store, which is counted after the run."""
        return Path(self.home) / "store"


def save_vectors(path: Path, texts: list[str], vectors: Vectors) -> None:
    """Keep the vectors of these texts, row i for text i."""
    np.savez(path, texts=np.array(texts), vectors=vectors)


def load_vectors(path: str) -> tuple[dict[str, int], Vectors]:
    """Each text's row, and the rows."""
    with np.load(path) as found:
        return {str(text): row for row, text in enumerate(found["texts"])}, found["vectors"]


def read_task(argument: str) -> Task:
    """The task from the command line."""
    return msgspec.json.decode(argument, type=Task)


def say_begun() -> None:
    """Tell the benchmark that the first record is being handled: its clock starts here."""
    print("begun", flush=True)
