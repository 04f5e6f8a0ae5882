"""Near-duplicates: found by all ways of comparing, kept apart where they are none."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_images

from photosearch.pictures.images import decode, miniature, perceptual_hash
from photosearch.search.near_duplicates import MOST_BITS, Hashes, compare_miniatures, group_near_duplicates
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


@settings(max_examples=60)
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


@settings(max_examples=60)
@given(st.dictionaries(st.integers(0, 30), st.integers(0, 99)), st.dictionaries(st.integers(0, 30), st.integers(0, 99)))
def test_hashes_that_were_updated_have_the_groups_of_all_compared_anew(
    before: dict[int, int], changes: dict[int, int]
) -> None:
    def texts(seeds: dict[int, int]) -> dict[str, str]:
        return {str(name): text(flipped(HALF, seed % 9, seed)) for name, seed in seeds.items() if seed % 5}

    later = Hashes.of(texts(before)).updated(texts(changes), map(str, changes))
    afresh = Hashes.of(texts(before | changes))
    assert later.by_photo == afresh.by_photo
    assert later.near.tolist() == afresh.near.tolist()
    assert members(later.groups()) == members(afresh.groups())


def members(groups: dict[str, int]) -> set[frozenset[str]]:
    return {frozenset(name for name, own in groups.items() if own == number) for number in groups.values()}


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


def saved(picture: Image.Image, side: int = 800, quality: int = 90) -> bytes:
    small, out = picture.copy(), io.BytesIO()
    small.thumbnail((side, side))
    small.save(out, "JPEG", quality=quality)
    return out.getvalue()


def invoice(*lines: str) -> Image.Image:
    page = Image.new("RGB", (600, 800), "white")
    for n, line in enumerate(lines):
        ImageDraw.Draw(page).text((40, 40 + n * 34), line, fill="black", font=ImageFont.load_default(22))
    return page


def ball(fill: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGB", (400, 400), (120, 120, 120))
    ImageDraw.Draw(picture).ellipse((100, 100, 300, 300), fill=fill)
    return picture


def grouped_pictures(pictures: dict[str, bytes]) -> set[frozenset[str]]:
    decoded = {name: decode(data) for name, data in pictures.items()}
    by_hash = group_near_duplicates({name: perceptual_hash(picture) for name, picture in decoded.items()})
    groups = compare_miniatures(by_hash, {name: miniature(picture) for name, picture in decoded.items()})
    return {frozenset(name for name in groups if groups[name] == number) for number in groups.values()}


FIRST = invoice("Invoice 2023-001", "Carpenter", "New kitchen table", "Total 1,240.00")
SECOND = invoice("Invoice 2023-002", "Plumber", "Bathroom leak fixed", "Total 310.00")


def test_two_letters_are_two_photos_and_a_copy_of_one_is_one() -> None:
    copies = {"first": saved(FIRST), "copy": saved(FIRST, 300, 50), "second": saved(SECOND)}
    assert len(group_near_duplicates({n: perceptual_hash(decode(data)) for n, data in copies.items()})) == 3
    assert grouped_pictures(copies) == {frozenset({"first", "copy"})}


def test_a_red_and_a_green_ball_are_two_photos() -> None:
    red, green = saved(ball((220, 30, 30)), quality=92), saved(ball((30, 130, 30)), quality=92)
    assert len(group_near_duplicates({n: perceptual_hash(decode(d)) for n, d in {"r": red, "g": green}.items()})) == 2
    assert grouped_pictures({"red": red, "green": green}) == set()


def test_a_photo_whose_colour_was_removed_is_another_photo() -> None:
    photo = Image.fromarray(load_sample_images().images[1])
    assert grouped_pictures({"colour": saved(photo), "grey": saved(photo.convert("L"))}) == set()


def test_copies_of_photos_stay_one_group_each() -> None:
    photos = dict(zip(("china", "flower"), map(Image.fromarray, load_sample_images().images), strict=True))
    sizes = ((640, 95), (500, 60), (224, 40))
    copies = {f"{name}-{side}": saved(photo, side, q) for name, photo in photos.items() for side, q in sizes}
    assert grouped_pictures(copies) == {frozenset(f"{name}-{side}" for side, _ in sizes) for name in photos}


def test_a_photo_without_a_miniature_stays_with_its_group() -> None:
    first, second = miniature(decode(saved(FIRST))), miniature(decode(saved(SECOND)))
    assert len(first) == 288
    groups = {"a": 3, "b": 3, "c": 8, "d": 8}
    assert set(compare_miniatures(groups, {"a": first, "b": second, "c": first})) == {"c", "d"}
    assert set(compare_miniatures(groups, {"a": first, "b": second, "c": first, "d": b"odd"})) == {"c", "d"}
    assert compare_miniatures({}, {}) == {}
