"""The labelled values of a post in an Instagram export.

Since 2024 many lists give a post as values with labels in the account's language. What a value is shows its place and
form: the caption is the longest text at the top that is no link, number or date; coordinates are two numbers of one
group; the name of the place is a text beside them. Labels that are known decide where they can.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from photosearch.sources.instagram.export_text import Json, dict_of, list_of, text_of

_CAPTION_LABELS = frozenset(
    "caption description title text légende bildunterschrift beschreibung descripción título didascalia descrizione"
    " legenda descrição".split()
)
_PLACE_LABELS = frozenset(("location", "location name", "place", "place name"))
_NO_CAPTION_FIELDS = re.compile(r"url|uri|link|href|timestamp|time|date|id$|fbid|media|owner|user|app|device|ip", re.I)
_PERMALINK = re.compile(r"https://www\.instagram\.com/(?:p|reel|tv)/[\w-]+")
_LINK = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+|[\w./-]+\.(?:jpe?g|png|webp|heic|mp4|mov)", re.IGNORECASE)
_NUMBER = re.compile(r"[\W\d_]*")  # numbers, dates and times; no letters at all
_DECIMAL = re.compile(r"[-+]?\d{1,3}[.,]\d+")
_LONGEST_LINK = 2_000  # characters, as browsers allow; the patterns above take long for longer texts
_MAX_DEPTH = 8  # of nested labels
DEGREES = {"latitude": 90.0, "longitude": 180.0}


@dataclass(frozen=True)
class Facts:
    """What a post's labelled values say."""

    caption: str = ""
    place: str | None = None
    permalink: str | None = None
    times: tuple[object, ...] = ()
    coordinates: tuple[float, float] | None = None  # latitude and longitude in degrees


@dataclass(frozen=True)
class _Value:
    """A labelled value."""

    label: str  # with the titles of the groups that it lies in before it, in lower case
    name: str  # Instagram's own name, in English whatever the account's language
    text: str
    times: tuple[object, ...]
    is_link: bool
    depth: int
    group: tuple[int, ...]  # the place of its group among all groups


def facts_of(entry: Json) -> Facts:
    """Return what a post's labelled values say, in whatever language."""
    values = list(_values(entry))
    links = (match for value in values if (match := _PERMALINK.match(value.text)))
    permalink = next((f"{link[0]}/" for link in links), None)
    coordinates, group = _coordinates(values)
    return Facts(
        caption=_caption(values),
        place=_place(values, group),
        permalink=permalink,
        times=tuple(time for value in values for time in value.times),
        coordinates=coordinates,
    )


def labelled_media(entry: Json) -> list[object]:
    """Return the media that a post's labelled values name."""
    return [medium for labelled, *_ in _labelled(entry) for medium in list_of(labelled.get("media"))]


def _values(entry: Json) -> Iterator[_Value]:
    for labelled, about, depth, group in _labelled(entry):
        value, link = text_of(labelled.get("value")), text_of(labelled.get("href"))
        yield _Value(
            f"{about} {text_of(labelled.get('label'))}".strip().lower(),
            f"{about} {text_of(labelled.get('ent_field_name'))}".strip().lower(),
            value or link,
            (labelled.get("timestamp"), labelled.get("timestamp_value")),
            bool(link) or not value,
            depth,
            group,
        )


def _labelled(
    entry: Json, about: str = "", depth: int = 0, group: tuple[int, ...] = ()
) -> Iterator[tuple[Json, str, int, tuple[int, ...]]]:
    """Yield each labelled value of a post with the title of its group, its depth, and its group's place."""
    for label, value in dict_of(entry.get("string_map_data")).items():
        yield {**dict_of(value), "label": label}, about, depth, group
    for number, item in enumerate((*list_of(entry.get("label_values")), *list_of(entry.get("dict")))):
        labelled = dict_of(item)
        yield labelled, about, depth, group
        if depth < _MAX_DEPTH:
            yield from _labelled(labelled, text_of(labelled.get("title")) or about, depth + 1, (*group, number))


def _caption(values: Sequence[_Value]) -> str:
    """Return the caption: the value with a known label, else the longest text at the top."""
    for value in values:
        if value.text and (value.label in _CAPTION_LABELS or value.name in _CAPTION_LABELS):
            return value.text
    texts = [
        value.text
        for value in values
        if value.depth == 0 and not value.is_link and not _NO_CAPTION_FIELDS.search(value.name) and _is_text(value.text)
    ]
    return max(texts, key=len, default="")


def _is_text(text: str) -> bool:
    if len(text) > _LONGEST_LINK:
        return True
    return bool(text) and not _LINK.fullmatch(text) and not _NUMBER.fullmatch(text)


def _coordinates(values: Sequence[_Value]) -> tuple[tuple[float, float] | None, tuple[int, ...] | None]:
    """Return latitude and longitude, and the group they lie in: by known labels, else the first two decimals of one."""
    named = {
        name: value
        for value in values
        for label in (value.label, value.name)
        if value.text and (name := label.rpartition(" ")[2]) in DEGREES
    }
    if len(named) == len(DEGREES):
        latitude, longitude = (named[name] for name in DEGREES)
        return degrees(latitude.text, longitude.text), latitude.group
    groups: dict[tuple[int, ...], list[str]] = {}
    for value in values:
        if value.depth > 0 and not value.is_link and _DECIMAL.fullmatch(value.text):
            groups.setdefault(value.group, []).append(value.text.replace(",", "."))
    for group, numbers in groups.items():
        if len(numbers) == len(DEGREES) and (found := degrees(*numbers)):
            return found, group
    return None, None


def _place(values: Sequence[_Value], group: tuple[int, ...] | None) -> str | None:
    """Return the name of the place: the value with a known label, else the first text beside the coordinates."""
    for value in values:
        if value.text and (value.label in _PLACE_LABELS or value.name in _PLACE_LABELS):
            return value.text
    if group is None:
        return None
    beside = (value.text for value in values if value.group == group and not value.is_link and _is_text(value.text))
    return next(beside, None)


def degrees(latitude: object, longitude: object) -> tuple[float, float] | None:
    """Return coordinates in degrees; None where they are none."""
    found: list[float] = []
    for value, most in zip((latitude, longitude), DEGREES.values(), strict=True):
        try:
            number = float(value) if isinstance(value, (int, float, str)) else math.nan
        except (ValueError, OverflowError):
            return None
        if not abs(number) <= most:  # written so that it also refuses NaN
            return None
        found.append(number)
    return (found[0], found[1]) if any(found) else None  # a camera without GPS fix writes zeros
