"""Dates said in words: "june 2021", "summer 2019" or "last christmas" in a query becomes on:2021-06 and the like.

Seasons are those of the northern half of the Earth; a message names the days, and one click takes the words as words.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from photosearch.words.times import shown_day

MAX_DATES = 10  # in one query
EARLIEST_YEAR = 1826  # of the first photograph
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_SHORT = {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}
_MONTH = rf"(?:{'|'.join([*_MONTHS, *sorted(_SHORT, key=len, reverse=True)])})"
_SEASONS = {"spring": (3, 3), "summer": (6, 3), "autumn": (9, 3), "fall": (9, 3), "winter": (12, 3)}  # month, months
_DAYS = {  # first month and day, days
    "christmas": (12, 24, 3),
    "xmas": (12, 24, 3),
    "halloween": (10, 31, 1),
    "valentine's day": (2, 14, 1),
    "new year's eve": (12, 31, 1),
    "new year": (12, 31, 2),
}
_NAMED = rf"(?P<named>{'|'.join([*_SEASONS, *_DAYS, 'easter', *_MONTHS])})"
_YEAR = r"(?P<year>1[89]\d\d|20\d\d)"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_FORMS = (
    rf"{_YEAR}[-/.](?P<month>0[1-9]|1[0-2])(?:[-/.](?P<day>0[1-9]|[12]\d|3[01]))?",
    rf"{_DAY}\s+(?:of\s+)?(?P<month>{_MONTH})\.?,?\s+{_YEAR}",
    rf"(?P<month>{_MONTH})\.?\s+{_DAY},?\s+{_YEAR}",
    rf"(?P<month>{_MONTH})\.?,?\s+(?:of\s+)?{_YEAR}",
    rf"{_NAMED},?\s+(?:of\s+)?{_YEAR}",
    rf"(?P<which>last|this)\s+(?:{_NAMED}|(?P<unit>week|month|year))",
    r"(?P<near>yesterday|today)",
    r"(?:the\s+)?(?P<decade>(?:1[89]|20)\d0)s",
    _YEAR,
)
_PLACED = [
    re.compile(rf"(?<![\w#:./*'])(?:(?:in|on|from|during|of)\s+)?(?P<said>{form})(?![\w*'/:-]|\.\w)", re.IGNORECASE)
    for form in _FORMS
]


@dataclass(frozen=True)
class SaidDate:
    """Days that a query says in words."""

    start: int  # of the words in the query
    end: int
    words: str
    first: date
    last: date

    @property
    def asked(self) -> str:
        """Return the filter that asks for these days."""
        return f"on:{self.first.isoformat()}..{self.last.isoformat()}"

    @property
    def message(self) -> str:
        """Return what was understood, for people."""
        return f"“{self.words}” was understood as a date: {_span(self.first, self.last)}."


def find_dates(query: str, today: date, is_said: Callable[[str], bool]) -> tuple[SaidDate, ...]:
    """Return the dates that a query says outside quotation marks, in order.

    Args:
        query: as it was typed.
        today: what "last summer" counts from.
        is_said: whether a text of the collection holds these words side by side; they are words then.
    """
    is_said = lru_cache(maxsize=None)(is_said)  # a text is searched for once, however often it is in the query
    found: list[SaidDate] = []
    unquoted = re.sub(r'"[^"]*("|$)', lambda quoted: "\0" * len(quoted.group()), query)
    for pattern in _PLACED:
        for match in pattern.finditer(unquoted):
            days = _days(match, today)
            overlaps = any(match.start() < other.end and other.start < match.end() for other in found)
            if days is not None and not overlaps and len(found) < MAX_DATES and not is_said(match["said"]):
                found.append(SaidDate(match.start(), match.end(), match["said"], *days))
    return tuple(sorted(found, key=lambda said: said.start))


def with_filters(query: str, dates: tuple[SaidDate, ...]) -> str:
    """Return a query with filters in place of the words that say dates."""
    parts, end = [], 0
    for said in dates:
        parts += [query[end : said.start], said.asked]
        end = said.end
    return "".join([*parts, query[end:]])


def _days(match: re.Match[str], today: date) -> tuple[date, date] | None:
    """Return the first and last day that were said; None where there is no such day."""
    said = {name: value.lower() for name, value in match.groupdict().items() if value}
    try:
        if near := said.get("near"):
            day = today - timedelta(days=near == "yesterday")
            return day, day
        if decade := said.get("decade"):
            return date(int(decade), 1, 1), date(int(decade) + 9, 12, 31)
        if which := said.get("which"):
            return _relative(which, said, today)
        year = int(said["year"])
        if year < EARLIEST_YEAR:
            return None
        if named := said.get("named"):
            return _named(named, year)
        if "month" not in said:
            return date(year, 1, 1), date(year, 12, 31)
        number = said["month"]
        month = int(number) if number.isdigit() else _MONTHS.get(number) or _SHORT[number]
        if "day" in said:
            return (date(year, month, int(said["day"])),) * 2
        return _months(year, month, 1)
    except (ValueError, OverflowError):  # 30 February, or before the first year
        return None


def _relative(which: str, said: dict[str, str], today: date) -> tuple[date, date]:
    if named := said.get("named"):
        spans = [_named(named, today.year - back) for back in (0, 1, 2)]
        return spans[0] if which == "this" else next(span for span in spans if span[1] < today)
    back = which == "last"
    if said["unit"] == "week":
        monday = today - timedelta(days=today.weekday() + 7 * back)
        return monday, monday + timedelta(days=6)
    if said["unit"] == "year":
        return date(today.year - back, 1, 1), date(today.year - back, 12, 31)
    first = (today.replace(day=1) - timedelta(days=1)).replace(day=1) if back else today
    return _months(first.year, first.month, 1)


def _named(name: str, year: int) -> tuple[date, date]:
    if name in _MONTHS:
        return _months(year, _MONTHS[name], 1)
    if name in _SEASONS:
        return _months(year, *_SEASONS[name])
    if name == "easter":
        sunday = _easter(year)
        return sunday - timedelta(days=2), sunday + timedelta(days=1)
    month, day, n_days = _DAYS[name]
    # The new year 2020 begins in the last night of 2019.
    first = date(year - (name == "new year"), month, day)
    return first, first + timedelta(days=n_days - 1)


def _months(year: int, month: int, n_months: int) -> tuple[date, date]:
    last = month + n_months - 2  # from 0
    last_year, last_month = year + last // 12, last % 12 + 1
    return date(year, month, 1), date(last_year, last_month, calendar.monthrange(last_year, last_month)[1])


def _easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (Meeus, Jones, Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    month, day = divmod(h + i - 7 * ((a + 11 * h + 22 * i) // 451) + 114, 31)
    return date(year, month, day + 1)


def days_text(since: date | None, before: date | None) -> str:
    """Return days as they stand in a sentence, such as "before 1 June 2021".

    Args:
        since: the first day, None for all before.
        before: the first one after the last, None for all from the first on.
    """
    if since is None or before is None:
        return f"from {shown_day(since)} on" if since else f"before {shown_day(before)}" if before else "on any day"
    last = before - timedelta(days=1)
    return f"{'on' if since == last else 'from'} {_span(since, last)}"


def _span(first: date, last: date) -> str:
    return shown_day(first) if first == last else f"{shown_day(first)} to {shown_day(last)}"
