"""Coordinates: what is missing, out of range or zero is no place, and an odd part costs no more than itself."""

from __future__ import annotations

import math

import pytest

from photosearch.words.coordinates import from_parts, sound_pair


def test_a_place_has_both_coordinates() -> None:
    assert sound_pair(-90.0, 180.0) == (-90.0, 180.0)
    assert sound_pair(0.0, 9.14) == (0.0, 9.14)


@pytest.mark.parametrize(
    "pair", [(0.0, 0.0), (None, 9.0), (38.0, None), (90.1, 9.0), (38.0, -180.5), (math.nan, 9.0), (38.0, math.inf)]
)
def test_anything_else_is_no_place(pair: tuple[float | None, float | None]) -> None:
    assert sound_pair(*pair) == (None, None)


def test_parts_end_where_they_are_odd() -> None:
    assert from_parts([33, 51, 36]) == pytest.approx(33.86)
    assert from_parts([33, 51, math.nan]) == pytest.approx(33.85)
    assert from_parts([33, math.nan, 36]) == 33
    assert from_parts([33, -51, 36]) == 33
    assert from_parts([33.86]) == 33.86
    assert [from_parts(parts) for parts in ([], [math.nan, 51], [-33, 51])] == [None] * 3
