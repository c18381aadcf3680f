"""The look at points before anything is sent: what this lets pass, every store can take.

In: points or a query vector, and the collection's dimension. Out: nothing, or StoreRefusedError naming the first point
that cannot be stored. Qdrant takes NaN, infinite and zero vectors without a word, and then ranks them first in every
search; a wrong dimension in the middle would refuse a batch half written.
"""

import re
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamapp.errors import StoreRefusedError
from streamapp.store.store import Points, Vectors

NORM_TOLERANCE = 1e-3
"""bfloat16 embeddings normalised in bfloat16 are off by up to 4e-4; a vector nobody normalised is off by far more."""


def check_points(points: Points, dimension: int) -> None:
    """Raise StoreRefusedError unless every point has one id of its own, a payload, and a unit vector."""
    count = len(points.ids)
    if len(points.payloads) != count or len(points.rows) != count:
        raise StoreRefusedError(
            f"{count} ids came with {len(points.payloads)} payloads and {len(points.rows)} rows.", "Give one of each."
        )
    check_ids(points.ids)
    if len(set(points.ids)) != count:
        raise StoreRefusedError("An id comes twice in one batch.", "Keep the newest point of each id.")
    if count:
        _check_rows(points)
        _check_vectors(points, dimension)


def check_query(vector: Vectors, dimension: int) -> None:
    """Raise StoreRefusedError unless this is one finite unit vector of shape (dimension,)."""
    if vector.shape != (dimension,):
        raise StoreRefusedError(f"The query has shape {vector.shape}, the collection ({dimension},).", _HINT)
    fault = _first_fault(vector.reshape(1, -1))
    if fault is not None:
        raise StoreRefusedError(f"The query vector {fault[1]}.", _HINT)


def check_ids(ids: Sequence[str]) -> None:
    """Raise StoreRefusedError unless every id is a UUID in its usual form (lower case, with hyphens)."""
    for id_ in ids:
        if not isinstance(id_, str) or not _UUID(id_):
            raise StoreRefusedError(f"{id_!r} is no UUID in lower case with hyphens.", "Derive ids with uuid5.")


def encode_payloads(points: Points, start: int, stop: int) -> bytes:
    """The payloads of points `start` to `stop` as one JSON array; raises StoreRefusedError naming a bad one."""
    try:
        return _encode(points.payloads[start:stop])
    except (TypeError, ValueError, OverflowError, RecursionError):
        for i in range(start, stop):
            try:
                _encode(points.payloads[i])
            except (TypeError, ValueError, OverflowError, RecursionError) as error:
                raise StoreRefusedError(f"The payload of point {points.ids[i]} is not JSON: {error}.") from error
        raise


_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_encode = msgspec.json.Encoder().encode
_HINT = "Embed the text again; vectors must be finite, of length 1 and of the collection's dimension."


def _check_rows(points: Points) -> None:
    rows = np.asarray(points.rows)
    bad = (rows < 0) | (rows >= len(points.vectors))
    if bad.any():
        i = int(bad.argmax())
        raise StoreRefusedError(
            f"Point {points.ids[i]} names vector {points.rows[i]}, but there are {len(points.vectors)}."
        )


def _check_vectors(points: Points, dimension: int) -> None:
    vectors = points.vectors
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise StoreRefusedError(
            f"Point {points.ids[0]} has a vector of shape {vectors.shape[1:]}, the collection ({dimension},).", _HINT
        )
    fault = _first_fault(vectors)
    if fault is not None:
        row, what = fault
        owner = next((points.ids[i] for i, its in enumerate(points.rows) if its == row), f"(vector {row})")
        raise StoreRefusedError(f"The vector of point {owner} {what}.", _HINT)


def _first_fault(vectors: NDArray[np.float32]) -> tuple[int, str] | None:
    """The first row that is no unit vector, and what is wrong with it."""
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
        bad = ~(np.abs(norms - 1.0) <= NORM_TOLERANCE)  # also true for NaN
    if not bad.any():
        return None
    row = int(bad.argmax())
    if not np.isfinite(vectors[row]).all():
        return row, "holds NaN or infinity"
    return row, f"has length {norms[row]:.6g}, not 1"
