"""The posts in the JSON files of an Instagram export, in all shapes found so far.

Instagram does not document these files. The shapes are those of exports since 2018: `media.json`; `posts_1.json` with
`media`; and its later forms with `label_values` or `string_map_data`, whose labels are in the account's language.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from photosearch.hashtags import find_hashtags
from photosearch.records import Details, TextKind
from photosearch.sources.json_text import parse_json

Json = dict[str, object]

LEGACY_SECTIONS = (
    "photos",
    "videos",
)  # of media.json; "stories" on request, but never "direct" (messages) and "profile"

_POST_KEYS = ("uri", "label_values", "string_map_data", "media_map_data")
_CAPTION_LABELS = frozenset(
    "caption description title text légende bildunterschrift beschreibung descripción título didascalia descrizione"
    " legenda descrição".split()
)
_PLACE_LABELS = frozenset(("location", "location name", "place", "place name"))
_COVER_KEYS = ("thumbnail", "cover", "cover_photo", "cover_image", "cover_uri", "thumbnail_uri")
_PERMALINK = re.compile(r"https://www\.instagram\.com/(?:p|reel|tv)/[\w-]+")
_MILLISECONDS_FROM = 100_000_000_000  # as seconds, the year 5138
_MAX_DEPTH = 8  # of nested labels

_MENTION = re.compile(r"(?<!\w)@([A-Za-z0-9_](?:[A-Za-z0-9._]{0,28}[A-Za-z0-9_])?)")


@dataclass(frozen=True)
class Medium:
    """A photo or video that a post names."""

    uri: str  # its path in the export
    cover: str | None  # path of the cover picture that the export names for a video
    details: Details


@dataclass(frozen=True)
class Posts:
    """The media and the number of unknown entries in one file."""

    media: Iterator[Medium]
    n_unknown: int  # entries that name no photo or video


def read_posts(data: bytes, *, legacy: bool = False, stories: bool = False) -> Posts:
    """Read the posts in a JSON file of an export.

    Args:
        data: the bytes of the file.
        legacy: whether the file is a `media.json`.
        stories: whether to read the stories of a `media.json` as well.

    Raises:
        ValueError: the file is not JSON, holds too much, or has an unknown shape.
    """
    document = parse_json(data)
    entries = _legacy_entries(document, stories) if legacy else _entries(document)
    posts = [(entry, media) for entry in entries if isinstance(entry, dict) and (media := _media_of(entry))]
    if entries and not posts:
        raise ValueError("it has another shape than the posts of any export known")
    return Posts((medium for entry, media in posts for medium in _read_post(entry, media)), len(entries) - len(posts))


def _entries(document: object) -> list[object]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        if any(key in document for key in _POST_KEYS) or {"media", "creation_timestamp"} <= document.keys():
            return [document]
        lists = [value for value in document.values() if isinstance(value, list)]
        if lists:
            return [entry for entries in lists for entry in entries]
    raise ValueError("it has another shape than the posts of any export known")


def _legacy_entries(document: object, stories: bool) -> list[object]:
    sections = (*LEGACY_SECTIONS, "stories") if stories else LEGACY_SECTIONS
    if not isinstance(document, dict) or not any(isinstance(document.get(name), list) for name in sections):
        raise ValueError("it lists no photos")
    return [entry for name in sections for entry in _list(document.get(name))]


def _media_of(entry: Json) -> list[Json]:
    """Return the media of a post, or the post itself if it is a single medium."""
    candidates = [*_list(entry.get("media")), *_dict(entry.get("media_map_data")).values()]
    if not candidates:
        candidates = [medium for labelled in _labelled(entry) for medium in _list(labelled.get("media"))]
    media = [_dict(_dict(medium).get("media")) or _dict(medium) for medium in candidates] or [entry]
    return [medium for medium in media if _text(medium.get("uri")) or _text(medium.get("path"))]


def _read_post(entry: Json, media: list[Json]) -> Iterator[Medium]:
    facts = _facts(entry)
    caption = _text(entry.get("title")) or _text(entry.get("caption")) or facts.caption
    for medium in media:
        text = caption or _text(medium.get("title")) or _text(medium.get("caption"))
        latitude, longitude = _coordinates(_exif(medium)) or _coordinates(facts.numbers) or (None, None)
        times = (*_times(entry), *facts.times, *_times(medium))
        details = Details(
            permalink=facts.permalink,
            taken_at=next((time for time in map(_time, times) if time), None),
            place=_place(entry) or _place(medium) or facts.place,
            latitude=latitude,
            longitude=longitude,
            texts=texts_of(text),
        )
        covers = (_text(_dict(medium.get(key)).get("uri")) or _text(medium.get(key)) for key in _COVER_KEYS)
        uri = _text(medium.get("uri")) or _text(medium.get("path"))
        yield Medium(uri, next(filter(None, covers), None), details)


def texts_of(caption: str) -> tuple[tuple[TextKind, str], ...]:
    """Return a post's text, then its hashtags and mentioned users, each once and without # or @."""
    if not caption:
        return ()
    mentions: dict[str, str] = {}
    for name in _MENTION.findall(caption):
        mentions.setdefault(name.casefold(), name)
    return (
        (TextKind.OWNER, caption),
        *((TextKind.HASHTAG, tag) for tag in find_hashtags(caption)),
        *((TextKind.MENTION, name) for name in mentions.values()),
    )


@dataclass(frozen=True)
class _Facts:
    """The values of a post's labels."""

    caption: str
    place: str | None
    permalink: str | None
    times: tuple[object, ...]
    numbers: Json  # latitude and longitude


def _facts(entry: Json) -> _Facts:
    values: dict[str, str] = {}
    times: list[object] = []
    permalink = None
    for labelled in _labelled(entry):
        value = _text(labelled.get("value")) or _text(labelled.get("href"))
        label = _text(labelled.get("label")).lower()
        field = _text(labelled.get("ent_field_name")).lower()  # in English whatever the account's language
        for name in filter(None, (label, field)):
            values.setdefault(name, value)
        if permalink is None and (link := _PERMALINK.match(value)):
            permalink = f"{link[0]}/"
        times += (labelled.get("timestamp"), labelled.get("timestamp_value"))
    return _Facts(
        caption=next((text for label, text in values.items() if label in _CAPTION_LABELS and text), ""),
        place=next((text for label, text in values.items() if label in _PLACE_LABELS and text), None),
        permalink=permalink,
        times=tuple(times),
        numbers={name: text for label, text in values.items() if (name := label.rpartition(" ")[2]) in _DEGREES},
    )


def _labelled(entry: Json, about: str = "", depth: int = 0) -> Iterator[Json]:
    """Yield each labelled value of a post; the label of a nested value begins with its group's title."""
    for label, value in _dict(entry.get("string_map_data")).items():
        yield {**_dict(value), "label": label}
    for item in (*_list(entry.get("label_values")), *_list(entry.get("dict"))):
        labelled = _dict(item)
        names = {name: f"{about} {_text(labelled.get(name))}".strip() for name in ("label", "ent_field_name")}
        yield {**labelled, **names}
        if depth < _MAX_DEPTH:
            yield from _labelled(labelled, _text(labelled.get("title")) or about, depth + 1)


_DEGREES = {"latitude": 90.0, "longitude": 180.0}


def _coordinates(facts: Json) -> tuple[float, float] | None:
    coordinates: list[float] = []
    for name, max_degrees in _DEGREES.items():
        value = facts.get(name)
        try:
            degrees = float(value) if isinstance(value, (int, float, str)) else math.nan
        except (ValueError, OverflowError):
            return None
        if not abs(degrees) <= max_degrees:  # written so that it also refuses NaN
            return None
        coordinates.append(degrees)
    return (coordinates[0], coordinates[1]) if any(coordinates) else None  # a camera without GPS fix writes zeros


def _exif(medium: Json) -> Json:
    merged: dict[str, object] = {}
    for metadata in _dict(medium.get("media_metadata")).values():
        for block in _list(_dict(metadata).get("exif_data")):
            merged = {**_dict(block), **merged}
    return merged


def _times(entry: Json) -> tuple[object, ...]:
    return tuple(entry.get(name) for name in ("creation_timestamp", "timestamp", "taken_at"))


def _time(value: object) -> datetime | None:
    """Read seconds since 1970, or a date as media.json writes it; return UTC without a time zone, None for others."""
    try:
        if isinstance(value, str) and not value.isdigit():
            taken = datetime.fromisoformat(value)
            return taken.astimezone(UTC).replace(tzinfo=None) if taken.tzinfo else taken
        seconds = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else 0.0
        if seconds > _MILLISECONDS_FROM:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _place(entry: Json) -> str | None:
    location = entry.get("location")
    return (_text(_dict(location).get("name")) or _text(location)) or None


def _text(value: object) -> str:
    """Return a string with Instagram's encoding mistake undone, "" for anything else.

    Instagram writes each byte of UTF-8 as a character of its own. A string that is not such a sequence is right as it
    is.
    """
    if not isinstance(value, str):
        return ""
    try:
        value = value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        value = value.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair cannot be stored
    return value.replace("\0", "").strip()


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []
