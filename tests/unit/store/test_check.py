"""The look at points before they are sent."""

from uuid import UUID

import numpy as np
import pytest

from streamapp.errors import StoreRefusedError
from streamapp.store.check import check_points, check_query, encode_payloads
from streamapp.store.store import Points

A, B = str(UUID(int=1)), str(UUID(int=2))
GOOD = np.eye(2, 3, dtype=np.float32)


def test_unit_vectors_pass() -> None:
    check_points(Points([A, B], [{}, {}], GOOD, [0, 1]), 3)
    check_query(GOOD[0], 3)


def test_a_norm_off_by_rounding_passes_and_a_larger_one_does_not() -> None:
    check_query(GOOD[0] * np.float32(1.0009), 3)
    with pytest.raises(StoreRefusedError, match=r"length 1\.002"):
        check_query(GOOD[0] * np.float32(1.002), 3)


def test_the_first_point_of_a_bad_shared_vector_is_named() -> None:
    bad = GOOD.copy()
    bad[1, 0] = np.nan
    with pytest.raises(StoreRefusedError, match=B):
        check_points(Points([A, B], [{}, {}], bad, [0, 1]), 3)


@pytest.mark.parametrize("rows", [[0, 2], [-1, 0]])
def test_a_row_outside_the_vectors_is_refused(rows: list[int]) -> None:
    with pytest.raises(StoreRefusedError, match="names vector"):
        check_points(Points([A, B], [{}, {}], GOOD, rows), 3)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(StoreRefusedError, match="2 ids came with 1 payloads"):
        check_points(Points([A, B], [{}], GOOD, [0, 1]), 3)


def test_a_flat_array_is_refused() -> None:
    with pytest.raises(StoreRefusedError, match="shape"):
        check_points(Points([A], [{}], GOOD[0], [0]), 3)


def test_payloads_are_one_json_array() -> None:
    assert encode_payloads(Points([A, B], [{"a": 1}, {}], GOOD, [0, 1]), 0, 2) == b'[{"a":1},{}]'


def test_the_point_whose_payload_is_not_json_is_named() -> None:
    with pytest.raises(StoreRefusedError, match=B):
        encode_payloads(Points([A, B], [{}, {"a": {1j}}], GOOD, [0, 1]), 0, 2)
