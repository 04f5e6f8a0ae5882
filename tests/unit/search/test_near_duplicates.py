"""Near-duplicates: found by all ways of comparing, kept apart where they are none."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_images

from photosearch.images import decode, perceptual_hash
from photosearch.search.near_duplicates import MOST_BITS, group_near_duplicates
from tests.conftest import jpeg


def flipped(value: int, n_bits: int, seed: int) -> int:
    for bit in random.Random(seed).sample(range(64), n_bits):
        value ^= 1 << bit
    return value


def text(value: int) -> str:
    return f"{value:016x}"


HALF = 0x5A5A_C3C3_0F0F_9696  # half of the bits are set, as in a photo's hash


def grouped(values: list[int]) -> set[frozenset[int]]:
    found: dict[int, set[int]] = {}
    for name, number in group_near_duplicates({str(i): text(value) for i, value in enumerate(values)}).items():
        found.setdefault(number, set()).add(int(name))
    return {frozenset(members) for members in found.values()}


def test_nothing_is_grouped_where_there_is_nothing() -> None:
    assert group_near_duplicates({}) == {}
    assert group_near_duplicates({"a": text(HALF)}) == {}


@pytest.mark.parametrize("n_bits", range(MOST_BITS + 1))
def test_few_bits_make_no_difference_wherever_they_lie(n_bits: int) -> None:
    for seed in range(50):
        assert grouped([HALF, flipped(HALF, n_bits, seed)]) == {frozenset({0, 1})}


@pytest.mark.parametrize("n_bits", [MOST_BITS + 1, 10, 32])
def test_more_bits_are_another_photo(n_bits: int) -> None:
    for seed in range(20):
        assert grouped([HALF, flipped(HALF, n_bits, seed)]) == set()


def test_alike_by_way_of_a_third_one_is_one_group() -> None:
    ends = [HALF, HALF ^ 0b1111, HALF ^ 0b1111_1111]
    assert grouped(ends) == {frozenset({0, 1, 2})}
    assert grouped([ends[0], ends[2]]) == set()


def test_pictures_of_a_single_colour_are_not_alike() -> None:
    hashes = {colour: perceptual_hash(decode(jpeg(colour))) for colour in ("red", "green", "white", "black")}
    assert group_near_duplicates(hashes) == {}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([HALF, ~HALF & (1 << 64) - 1, 0x0123_4567_89AB_CDEF]), st.integers(0, 99))))
def test_the_groups_are_those_of_comparing_all_with_all(parts: list[tuple[int, int]]) -> None:
    values = [flipped(base, seed % 9, seed) for base, seed in parts]
    telling = [i for i, value in enumerate(values) if 16 <= value.bit_count() <= 48]
    group = {i: {i} for i in telling}
    for i in telling:
        for j in telling:
            if (values[i] ^ values[j]).bit_count() <= MOST_BITS and group[i] is not group[j]:
                group[i] |= group[j]
                for member in group[i]:
                    group[member] = group[i]
    assert grouped(values) == {frozenset(members) for members in group.values() if len(members) > 1}


def test_a_photo_saved_smaller_and_coarser_is_alike_and_another_one_is_not() -> None:
    hashes = {}
    for name, pixels in zip(("china", "flower"), load_sample_images().images, strict=True):
        photo = Image.fromarray(pixels)
        for side, quality in ((640, 95), (500, 60), (224, 40)):
            small, out = photo.copy(), io.BytesIO()
            small.thumbnail((side, side))
            small.save(out, "JPEG", quality=quality)
            hashes[f"{name}-{side}"] = perceptual_hash(decode(out.getvalue()))
    groups = group_near_duplicates(hashes)
    assert len(groups) == len(hashes)
    assert len({(name.partition("-")[0], number) for name, number in groups.items()}) == 2
    assert groups["china-640"] != groups["flower-640"]
