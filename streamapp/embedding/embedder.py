"""What the rest of the house knows about a model: one protocol.

In: texts. Out: one unit vector each. Every implementation passes `tests/contract/test_embedder.py`.
The trap: `embed` computes for as long as it takes, so it never runs on the event loop (`service.py` sees to that).
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors; may be called from any thread."""

    @property
    def dimension(self) -> int:
        """The length of a vector. Asking does not load the model where its files say it."""

    @property
    def revision(self) -> str:
        """Model name, digest of what it learnt, precision: changes whenever the vectors would."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors of these texts, in their order: shape (len(texts), dimension), finite, of length 1.

        Any text has a vector, the empty one too. The same call gives the same vectors; the same text in another call
        may differ in the last bits (about 1e-6 in float32, 1e-2 in bfloat16), because matrix kernels add up in
        another order for another batch shape, device or machine. Whoever needs the very same bits keeps the vector.
        """


def normalised(vectors: Vectors) -> Vectors:
    """The rows as float32 of length 1. A row of zeros stays one; the caller decides what that means.

    Rows are scaled by their largest value first, so that no finite row overflows.
    """
    rows = np.asarray(vectors, np.float64)
    rows = rows / np.maximum(np.abs(rows).max(axis=1, initial=0.0, keepdims=True), np.finfo(np.float64).tiny)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / np.where(lengths == 0, 1.0, lengths), np.float32)


def is_unit(vectors: Vectors) -> bool:
    """Whether every row is finite and of length 1, within what float32 can say."""
    return bool(np.isfinite(vectors).all()) and bool((np.abs(np.linalg.norm(vectors, axis=1) - 1) < 1e-3).all())
