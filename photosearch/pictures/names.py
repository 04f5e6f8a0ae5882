"""What the names of files and folders say: words, and days that phones and programs write into them."""

from __future__ import annotations

import re
from datetime import datetime

from photosearch.records import Details
from photosearch.words.times import from_seconds, read_time

# What cameras, phones and programs put before a number, and names that say nothing of what a photo shows.
_COUNTERS = frozenset(
    """
    cimg dji dsc dscf dscn dsci fb gopr gx hpim img imgp jpg jpeg mg mvi mvimg p pana pict pxl r rimg s sam sdc sl
    snapseed st vid wa wp imag photo image picture file received mp cover burst
    """.split()
)
_EMPTY = frozenset(
    "camera copy dcim edited images image img photo photos pics picture pictures raw takeout untitled".split()
)
_SEPARATORS = re.compile(r"[\s_\-–.,;:+()\[\]{}/\\~#&@=!]+")
_CHANGE = re.compile(  # of case, or between letters and digits: "LisbonTram28"; but "iPhone" is one word
    r"(?<=[a-zß-ÿ]{2})(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-zß-ÿ])|(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)"
)
_COPY = re.compile(r"\(\d+\)")  # IMG_1234 (1)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(?<![^\W_])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}(?![^\W_])", re.IGNORECASE)
_LONG = re.compile(r"\d{5,}(?:_\d+)*(?:_n)?(?![^\W\d_])")  # counters, times, Instagram's 12345678_1234_5678_n
_DCF = re.compile(r"(?<![^\W_])\d{3}[A-Z_]{4,5}(?![^\W_])")  # folders of cameras, such as 100CANON
_ENDING = re.compile(r"\.\w{2,5}$")
_DATE = re.compile(
    r"(?<!\d)(?P<day>(?:19|20)\d\d([-_.]?)\d\d\2\d\d)(?!\d)"
    r"(?:(?:[-_T ]|, | at )+(?P<clock>\d\d([-_.:]?)\d\d\4\d\d)(?:\d{3})?(?!\d))?"
)
# What makers write between a lens's length, its unit and what stands beside them; indexes depend on it.
OF_LENS = (
    (re.compile(r"(?<=\d)\.0(?!\d)"), ""),
    (re.compile(r"(?<=\d) +(?=mm\b)"), ""),
    (re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\dmm)(?=[^\W\d_])"), " "),
)
_FACEBOOK = re.compile(r"FB_IMG_(\d{10})\d{3}\b")
_MAX_CHARS = 1_000
_NUMBER = "0"  # stands for what a machine made


def name_words(name: str) -> str:
    """Return the words in a path's or file's name, without counters of cameras, numbers of services and dates.

    A number counts as a word where it has up to four digits: "2019 Lisbon/tram_28" gives "2019 Lisbon tram 28".
    """
    text = _ENDING.sub("", name[-_MAX_CHARS:])
    for machine_made in (_UUID, _DATE, _LONG, _DCF, _HEX, _COPY):
        text = machine_made.sub(f" {_NUMBER} ", text)
    found = _split(text)
    kept = []
    for before, word, after in zip(["", *found], found, [*found[1:], ""], strict=False):
        is_counter = word.lower() in _COUNTERS and (not after or after.isdigit() or after.lower() in _COUNTERS)
        is_count = word.isdigit() and (before.lower() in _COUNTERS or word == _NUMBER)
        if not (is_counter or is_count or word.lower() in _EMPTY):
            kept.append(word)
    return " ".join(kept)


def all_name_words(name: str) -> str:
    """Return a name followed by its parts, so that a filter finds it by the whole and by any part."""
    return f"{name} {' '.join(_split(name[-_MAX_CHARS:]))}"


def searched_names(name: str) -> str:
    """Return the words in a name, and those that letters and digits were split of: day1 is found by itself, too."""
    split = name_words(name).split()
    whole = _SEPARATORS.sub(" ", _ENDING.sub("", name[-_MAX_CHARS:])).split()
    kept = (word for word in whole if len(parts := _split(word)) > 1 and set(parts) <= set(split))
    return " ".join([*split, *kept])


def lens_words(name: str) -> str:
    """Return a lens's name, followed by it as other makers write it: XF35mmF2 is XF 35mm F 2, and 50.0 mm is 50mm."""
    split = name
    for pattern, by in OF_LENS:
        split = pattern.sub(by, split)
    return name if split == name else f"{name} {split}"


def _split(name: str) -> list[str]:
    return _SEPARATORS.sub(" ", _CHANGE.sub(" ", name)).split()


def name_date(name: str) -> datetime | None:
    """Return the time that a phone or program wrote into a file's name, by its clock; None where there is none."""
    if facebook := _FACEBOOK.match(name):
        return from_seconds(int(facebook[1]))
    match = _DATE.search(name[-_MAX_CHARS:])
    if match is None:
        return None
    digits = re.sub(r"\D", "", match["day"])
    time = read_time(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
    clock = re.sub(r"\D", "", match["clock"] or "")
    if time is not None and clock:
        time = read_time(f"{time:%Y-%m-%d} {clock[:2]}:{clock[2:4]}:{clock[4:]}")
    return time


def name_details(folder: str, file: str) -> Details:
    """Return what a photo's names say of it: its folder's path from the source on, and its file's name."""
    return Details(folder=folder or None, file=file, named_at=name_date(file))
