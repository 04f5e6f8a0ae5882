"""Times as they are written: odd ones that a person can read are read, and nonsense is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosearch.words.times import (
    FIRST_YEAR,
    LAST_YEAR,
    by_the_clock,
    from_seconds,
    read_offset,
    read_time,
    shown_offset,
    shown_time,
)

EAST, WEST = timezone(timedelta(hours=2)), timezone(-timedelta(hours=4, minutes=30))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2015:08:22 24:08:19", datetime(2015, 8, 22, 0, 8, 19)),
        ("2016-07-21 21:06:26", datetime(2016, 7, 21, 21, 6, 26)),
        ("2017:07:21 21:06:26.55", datetime(2017, 7, 21, 21, 6, 26)),
        ("2018:07:21 21:06:26+02:00", datetime(2018, 7, 21, 21, 6, 26, tzinfo=EAST)),
        ("2019:07:21", datetime(2019, 7, 21)),
        ("2022-03-04T10:11:12", datetime(2022, 3, 4, 10, 11, 12)),
        ("2014:03:04 10:11", datetime(2014, 3, 4, 10, 11)),
        ("2022-03-04T10:11:12.123Z", datetime(2022, 3, 4, 10, 11, 12, tzinfo=UTC)),
        ("2022-03-04T10:11:12-0430", datetime(2022, 3, 4, 10, 11, 12, tzinfo=WEST)),
        ("2022/3/4 9:05", datetime(2022, 3, 4, 9, 5)),
        ("2022:03:04  10:11:60", datetime(2022, 3, 4, 10, 11, 59)),
        ("2022:03:04 99:99:99", datetime(2022, 3, 4)),
        ("2022:03:04 soon", datetime(2022, 3, 4)),
        ("2022.03.04 10.11.12", datetime(2022, 3, 4, 10, 11, 12)),
        ("20220304", datetime(2022, 3, 4)),
        ("20220304T101112+02:00", datetime(2022, 3, 4, 10, 11, 12, tzinfo=EAST)),
        ("20220304_1011", datetime(2022, 3, 4, 10, 11)),
        ("1899:12:31 00:00:00", datetime(1899, 12, 31)),
    ],
)
def test_the_day_is_read_whatever_else_is_odd(text: str, time: datetime) -> None:
    found = read_time(text)
    assert (found, found and found.tzinfo) == (time, time.tzinfo)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "0000:00:00 00:00:00",
        "0001:01:01 00:00:00",
        "9999:12:31 23:59:59",
        "2024:13:01",
        "2024:02:30",
        "    :",
    ],
)
def test_a_text_without_a_day_is_no_time(text: str) -> None:
    assert read_time(text) is None


@given(st.text() | st.from_regex(r"\d{4}[:-]\d\d[:-]\d\d[T ]\d\d:\d\d:\d\d([+-]\d\d:\d\d)?", fullmatch=True))
def test_no_text_does_harm_and_every_day_can_be_kept(text: str) -> None:
    time = read_time(text)
    assert time is None or FIRST_YEAR <= time.year <= LAST_YEAR
    assert time is None or datetime.fromisoformat(time.isoformat()) == time


@pytest.mark.parametrize("text", ["", "02:00", "+99:00", "+15:00", "+01:75", "+0200x", "   :  ", "noon"])
def test_an_offset_that_is_none_is_not_known(text: str) -> None:
    assert read_offset(text) is None


def test_offsets_are_shown_as_they_are_known() -> None:
    assert [read_offset(text) for text in ("+02:00", "-0430", "Z", "+02")] == [EAST, WEST, UTC, EAST]
    assert shown_offset(datetime(2024, 1, 1, tzinfo=EAST)) == "UTC+02:00"
    assert shown_offset(datetime(2024, 1, 1, tzinfo=UTC)) == "UTC"
    assert shown_offset(datetime(2024, 1, 1)) == ""


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (datetime(2024, 1, 1, 0, 20), "1 January 2024, 00:20"),
        (datetime(2024, 1, 1, 0, 20, tzinfo=EAST), "1 January 2024, 00:20 (UTC+02:00)"),
        (datetime(2024, 12, 31, tzinfo=UTC), "31 December 2024, 00:00 (UTC)"),
        (datetime(2021, 1, 1), "1 January 2021"),  # of IMG-20210101-WA0001.jpg, which says no more
        (datetime(1826, 7, 4), "4 July 1826"),
    ],
)
def test_times_are_shown_as_they_are_known(time: datetime, expected: str) -> None:
    assert shown_time(time) == expected


@pytest.mark.parametrize(
    ("of_source", "of_file", "time"),
    [
        (None, None, None),
        (datetime(2024, 1, 1), None, datetime(2024, 1, 1)),
        (None, datetime(2024, 1, 1, tzinfo=EAST), datetime(2024, 1, 1, tzinfo=EAST)),
        (datetime(2023, 12, 31, 22), datetime(2024, 1, 1, tzinfo=EAST), datetime(2024, 1, 1, tzinfo=EAST)),
        (datetime(2023, 12, 31, 22, tzinfo=UTC), datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=EAST)),
        (datetime(2023, 12, 31, 21, 59, tzinfo=UTC), datetime(2024, 1, 1), datetime(2023, 12, 31, 21, 59, tzinfo=UTC)),
        (datetime(2020, 5, 1), datetime(2024, 1, 1, tzinfo=EAST), datetime(2020, 5, 1)),
        (datetime(2020, 5, 1), datetime(2024, 1, 1), datetime(2020, 5, 1)),
    ],
)
def test_the_camera_s_clock_counts_where_a_source_names_the_same_moment(
    of_source: datetime | None, of_file: datetime | None, time: datetime | None
) -> None:
    found = by_the_clock(of_source, of_file)
    assert (found, found and found.tzinfo) == (time, time and time.tzinfo)


def test_seconds_since_1970_are_times_in_utc() -> None:
    assert from_seconds(1_700_000_000.5) == datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)
    assert from_seconds(-1_000_000_000) == datetime(1938, 4, 24, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [0, 2024, 1e30, -1e30, float("nan"), float("inf"), 253_402_300_799])
def test_seconds_that_are_no_photo_s_are_none(seconds: float) -> None:
    assert from_seconds(seconds) is None
