"""IPTC's older way to write texts into a picture: records of a number, a length and a value (IIM 4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from photosearch.pictures.xmp import clean, owner_texts
from photosearch.records import Details
from photosearch.words.times import read_time

MAX_BYTES = 4_000_000
_UTF8 = b"\x1b%G"  # in 1:90: the texts are UTF-8
_CHARSET, _TITLE, _KEYWORD, _HEADLINE, _CAPTION = (1, 90), (2, 5), (2, 25), (2, 105), (2, 120)
_DAY, _CLOCK = (2, 55), (2, 60)
_PLACES = ((2, 92), (2, 90), (2, 95), (2, 101))  # location, city, state, country


def read_iptc(data: bytes) -> Details:
    """Read caption, headline, title, keywords, place and time; what follows a wrong length is left out."""
    values: dict[tuple[int, int], list[str]] = {}
    is_utf8 = False
    for key, value in _records(data[:MAX_BYTES]):
        if key == _CHARSET:
            is_utf8 = value == _UTF8
        else:
            values.setdefault(key, []).append(_text(value, is_utf8=is_utf8))
    said = [text for key in (_TITLE, _HEADLINE, _CAPTION) for text in values.get(key, ())]
    place = ", ".join(dict.fromkeys(clean(values[key][0]) for key in _PLACES if key in values))
    return Details(taken_at=_time(values), place=place or None, texts=owner_texts(said, values.get(_KEYWORD, ())))


def _records(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        key, length = (data[at + 1], data[at + 2]), int.from_bytes(data[at + 3 : at + 5])
        at += 5
        if length & 0x8000:  # the length of the length follows
            n = length & 0x7FFF
            length = int.from_bytes(data[at : at + n]) if n <= 4 else len(data)
            at += n
        if at + length > len(data):
            return
        yield key, data[at : at + length]
        at += length


def _text(value: bytes, *, is_utf8: bool) -> str:
    try:
        return value.decode("utf-8")  # which is hardly ever valid by chance, so it is tried unasked, too
    except UnicodeDecodeError:
        return value.decode("utf-8" if is_utf8 else "cp1252", "replace")


def _time(values: dict[tuple[int, int], list[str]]) -> datetime | None:
    day, clock = (values.get(key, [""])[0] for key in (_DAY, _CLOCK))
    if len(day) != 8 or not day.isdigit():
        return None
    return read_time(f"{day[:4]}-{day[4:6]}-{day[6:]} {clock[:2]}:{clock[2:4]}:{clock[4:6]}{clock[6:]}")
