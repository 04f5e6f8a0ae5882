"""Times as cameras, programs and people write them, read leniently; a photo's day is that of its camera's clock.

A time that is kept is the clock's, with its offset from UTC where that is known and without a time zone where it is
not. Days are compared by the clock alone.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta, timezone

FIRST_YEAR, LAST_YEAR = 1826, 2199  # of the first photograph; later ones are the nonsense of clocks and programs
_FIRST_SECONDS = 10_000  # a smaller number is more likely a year than seconds since 1970
_DAY = r"(?P<year>\d{4})[-:/. ](?P<month>\d{1,2})[-:/. ](?P<day>\d{1,2})(?!\d)"
_CLOCK = r"(?P<hour>\d{1,2})[:.h](?P<minute>\d{1,2})(?:[:.](?P<second>\d{1,2})(?:[.,]\d*)?)?"
_COMPACT = re.compile(r"\s*(\d{4})(\d\d)(\d\d)(?:[T\s_](\d\d)(\d\d)(\d\d)?)?(?!\d)", re.ASCII)  # 20240501T101112
_ZONE = r"(?P<zone>[zZ]|UTC|[+-]\d{2}:?\d{0,2})"
_TIME = re.compile(rf"\s*{_DAY}(?:[T\s:,]+{_CLOCK}\s*{_ZONE}?)?", re.ASCII)
_OFFSET = re.compile(r"\s*(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})?\s*", re.ASCII)
_QUARTER = timedelta(minutes=15)  # all offsets are multiples of it
_MAX_OFFSET_HOURS = 14  # of the islands next to the date line


def read_time(text: str) -> datetime | None:
    """Read a time such as "2024:01:01 00:20:00", "2024-01-01T00:20:00.5+01:00" or "2024/01/01".

    A part that is odd costs no more than itself: where the clock cannot be read, the day stands at midnight. An hour of
    24 is midnight, too, of the day that is written.

    Returns:
        The time by the clock, to the second, with its offset where the text has one; None where it has no day.
    """
    if compact := _COMPACT.match(text):
        year, month, day_of_month, *clock = compact.groups(default="00")
        text = f"{year}-{month}-{day_of_month} {':'.join(clock)}{text[compact.end() :]}"
    match = _TIME.match(text)
    if match is None:
        return None
    try:
        day = datetime(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return None
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    if hour > 24 or minute > 59 or second > 60:
        return day
    time = day.replace(hour=hour % 24, minute=minute, second=min(second, 59))  # 60 is a leap second
    return time.replace(tzinfo=read_offset(match["zone"] or ""))


def read_offset(text: str) -> timezone | None:
    """Read an offset from UTC such as "+01:00", "-0430", "+02" or "Z"; None where the text is none."""
    if text.strip().upper() in ("Z", "UTC"):
        return UTC
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
    if minutes > 59 or hours * 60 + minutes > _MAX_OFFSET_HOURS * 60:
        return None
    return timezone((-1 if match["sign"] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def from_seconds(seconds: float) -> datetime | None:
    """Return the time that is so many seconds after the start of 1970, in UTC; None where it is no photo's."""
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return time if abs(seconds) >= _FIRST_SECONDS and FIRST_YEAR <= time.year <= LAST_YEAR else None


def by_the_clock(of_source: datetime | None, of_file: datetime | None) -> datetime | None:
    """Return when a photo was taken, after what its source and its file say; the source's word comes first.

    But where both name the same moment, the file's time counts: only the camera knows its clock, while services give
    moments in UTC. Times without an offset that are some quarters of an hour away from such a moment are the same.
    """
    if of_source is None or of_file is None:
        return of_source or of_file
    moment = of_source if of_source.tzinfo else of_source.replace(tzinfo=UTC)  # libraries had camera's times in UTC
    if of_file.tzinfo is not None:
        return of_file if of_file == moment else of_source
    if of_source.utcoffset() == timedelta(0):
        ahead = of_file - of_source.replace(tzinfo=None)
        if abs(ahead) <= timedelta(hours=_MAX_OFFSET_HOURS) and not ahead % _QUARTER:
            return of_file.replace(tzinfo=timezone(ahead))
    return of_source


def shown_day(day: date) -> str:
    """Return a day for people, as "1 January 2024", whatever the language of the system."""
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def shown_time(time: datetime) -> str:
    """Return a time for people, as "1 January 2024, 00:20 (UTC+01:00)"; the day alone where only that is known.

    A day whose clock could not be read stands at midnight, without an offset.
    """
    is_day = time.tzinfo is None and (time.hour, time.minute, time.second) == (0, 0, 0)
    offset = shown_offset(time)
    return shown_day(time) + ("" if is_day else f", {time:%H:%M}") + (f" ({offset})" if offset else "")


def shown_offset(time: datetime) -> str:
    """Return a time's offset for people, as "UTC+01:00"; empty where it is not known."""
    return str(time.tzinfo) if time.tzinfo else ""
