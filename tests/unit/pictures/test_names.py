"""Names of files and folders: their words, and the days in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosearch.pictures.names import all_name_words, lens_words, name_date, name_words, searched_names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2019 Lisbon/tram_28.jpg", "2019 Lisbon tram 28"),
        ("LisbonTram28.JPEG", "Lisbon Tram 28"),
        ("IMG_1234.jpg", ""),
        ("IMG_1234 (1).jpg", ""),
        ("_DSC1234.NEF", ""),
        ("DSC0001 beach.jpg", "beach"),
        ("DCIM/100CANON/IMG_0001.jpg", ""),
        ("IMG-20210101-WA0001.jpg", ""),
        ("PXL_20230615_123456789.MP.jpg", ""),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301.jpg", ""),
        ("12345678_1234567890_1234_n.jpg", ""),
        ("0a1b2c3d4e5f60718293.png", ""),
        ("1000268201_693b08cb0e.jpg", ""),
        ("Camera Roll/iPhone/café à Paris.jpg", "Roll iPhone café à Paris"),
        ("हिंदी/犬と海.jpg", "हिंदी 犬と海"),
        ("dog's bowl.jpg", "dog's bowl"),
        ("Screenshot 2024-05-01 at 10.20.30.png", "Screenshot"),
        ("", ""),
    ],
)
def test_words_are_split_and_counters_dropped(name: str, words: str) -> None:
    assert name_words(name) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Trip/day1", "Trip day 1 day1"),
        ("LisbonTram.jpg", "Lisbon Tram LisbonTram"),
        ("DSC0001.jpg", ""),
        ("IMG-20210101-WA0001.jpg", ""),
    ],
)
def test_words_that_were_split_are_searched_whole_too(name: str, words: str) -> None:
    assert searched_names(name) == words


@pytest.mark.parametrize(
    ("name", "as_others"),
    [
        ("RF24-70mm F2.8", "RF 24-70mm F 2.8"),
        ("XF35mmF2 R WR", "XF 35mm F 2 R WR"),
        ("EF50mm f/1.8 STM", "EF 50mm f/1.8 STM"),
        ("18.0-55.0 mm f/3.5-5.6", "18-55mm f/3.5-5.6"),
        ("50 mm", "50mm"),
    ],
)
def test_the_length_in_a_lens_s_name_is_a_word_of_its_own(name: str, as_others: str) -> None:
    assert lens_words(name) == f"{name} {as_others}"


def test_a_lens_s_name_that_all_makers_write_so_is_left_as_it_is() -> None:
    assert lens_words("50mm") == "50mm"


def test_a_filter_finds_a_name_by_the_whole_and_by_its_parts() -> None:
    assert all_name_words("IMG_1234LisbonTram.jpg").split() == [
        "IMG_1234LisbonTram.jpg", "IMG", "1234", "Lisbon", "Tram", "jpg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("IMG-20210101-WA0001.jpg", datetime(2021, 1, 1)),
        ("PXL_20230615_123456789.jpg", datetime(2023, 6, 15, 12, 34, 56)),
        ("IMG_20230615_102030.jpg", datetime(2023, 6, 15, 10, 20, 30)),
        ("Screenshot 2024-05-01 at 10.20.30.png", datetime(2024, 5, 1, 10, 20, 30)),
        ("WhatsApp Image 2021-01-01 at 10.20.30.jpeg", datetime(2021, 1, 1, 10, 20, 30)),
        ("photo_2023-06-15_10-20-30.jpg", datetime(2023, 6, 15, 10, 20, 30)),
        ("signal-2021-01-01-123456.jpg", datetime(2021, 1, 1, 12, 34, 56)),
        ("2023-06-15 10.20.30.jpg", datetime(2023, 6, 15, 10, 20, 30)),
        ("20230615.jpg", datetime(2023, 6, 15)),
        ("FB_IMG_1612345678901.jpg", datetime(2021, 2, 3, 9, 47, 58, tzinfo=UTC)),
        ("IMG_20231345.jpg", None),
        ("12320230615.jpg", None),
        ("IMG_1234.jpg", None),
        ("00000101.jpg", None),
    ],
)
def test_phones_write_the_day_into_names(name: str, time: datetime | None) -> None:
    assert name_date(name) == time


@given(st.text())
def test_every_name_is_read(name: str) -> None:
    assert len(name_words(name)) <= 2 * len(name)
    name_date(name)
    all_name_words(name)
