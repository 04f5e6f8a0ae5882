"""Dates that a query says in words."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosearch.search.dates import MAX_DATES, find_dates, with_filters

TODAY = date(2026, 11, 28)  # a Saturday


def understood(query: str, said: tuple[str, ...] = ()) -> str:
    return with_filters(query, find_dates(query, TODAY, lambda words: words in said))


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("2019", "2019-01-01..2019-12-31"),
        ("in 2019", "2019-01-01..2019-12-31"),
        ("2024-01-01", "2024-01-01..2024-01-01"),
        ("2024-02", "2024-02-01..2024-02-29"),
        ("june 2021", "2021-06-01..2021-06-30"),
        ("Sept. 2021", "2021-09-01..2021-09-30"),
        ("5th of June 2021", "2021-06-05..2021-06-05"),
        ("june 5, 2021", "2021-06-05..2021-06-05"),
        ("summer 2019", "2019-06-01..2019-08-31"),
        ("winter of 2019", "2019-12-01..2020-02-29"),
        ("christmas 2019", "2019-12-24..2019-12-26"),
        ("new year 2020", "2019-12-31..2020-01-01"),
        ("easter 2024", "2024-03-29..2024-04-01"),
        ("easter 2011", "2011-04-22..2011-04-25"),
        ("last christmas", "2025-12-24..2025-12-26"),
        ("last summer", "2026-06-01..2026-08-31"),
        ("last winter", "2025-12-01..2026-02-28"),
        ("last december", "2025-12-01..2025-12-31"),
        ("last week", "2026-11-16..2026-11-22"),
        ("last month", "2026-10-01..2026-10-31"),
        ("this month", "2026-11-01..2026-11-30"),
        ("last year", "2025-01-01..2025-12-31"),
        ("yesterday", "2026-11-27..2026-11-27"),
        ("the 1990s", "1990-01-01..1999-12-31"),
    ],
)
def test_words_that_mean_days(query: str, days: str) -> None:
    assert understood(query) == f"on:{days}"
    assert understood(f"dogs {query} beach") == f"dogs on:{days} beach"


@pytest.mark.parametrize(
    "query",
    [
        "june",  # of what year?
        "march past the tower",
        "christmas tree",
        "may",
        '"june 2021"',
        'a "summer of 2019',
        "before:2019",
        "#2019",
        "IMG_2019",
        "2019-13",
        "12019",
        "1750",  # before the first photograph
        "20:19",
        "20*",
        "",
    ],
)
def test_other_words_stay_words(query: str) -> None:
    assert understood(query) == query


def test_a_day_that_there_is_not_is_no_date() -> None:
    assert find_dates("31 june", TODAY, lambda _: False) == ()
    assert find_dates("2023-02-29", TODAY, lambda _: False) == ()


def test_what_a_text_says_stays_words() -> None:
    assert understood("2019 dogs in summer 2020", ("2019",)) == "2019 dogs on:2020-06-01..2020-08-31"


def test_groups_and_minus_signs_stay_around_dates() -> None:
    assert understood("(2019 | 2020) -june 2019") == (
        "(on:2019-01-01..2019-12-31 | on:2020-01-01..2020-12-31) -on:2019-06-01..2019-06-30"
    )


def test_what_was_understood_is_said() -> None:
    (said,) = find_dates("dogs last christmas", TODAY, lambda _: False)
    assert said.message == "“last christmas” was understood as a date: 24 December 2025 to 26 December 2025."


@settings(max_examples=200, derandomize=True)
@given(
    st.lists(st.sampled_from(["2019", "june", "5", "last", "summer", " ", '"', "(", "|", "-", "é", "9999"])).map(
        " ".join
    )
)
def test_any_text_is_read(query: str) -> None:
    dates = find_dates(query, TODAY, lambda _: False)
    assert len(dates) <= MAX_DATES
    for said in dates:
        assert said.words in query[said.start : said.end]
        assert said.first <= said.last
