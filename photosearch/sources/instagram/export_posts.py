"""The posts in the JSON files of an Instagram export, in all shapes found so far.

Instagram does not document these files. The shapes are those of exports since 2018: `media.json`; `posts_1.json` with
`media`; and its later forms with `label_values` or `string_map_data`, whose labels are in the account's language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from photosearch.records import Details, TextKind
from photosearch.sources.instagram.export_labels import degrees, facts_of, labelled_media
from photosearch.sources.instagram.export_text import Json, dict_of, list_of, text_of, texts_of
from photosearch.sources.json_text import parse_json

LEGACY_SECTIONS = (
    "photos",
    "videos",
)  # of media.json; "stories" on request, but never "direct" (messages) and "profile"

_POST_KEYS = ("uri", "label_values", "string_map_data", "media_map_data")
_COVER_KEYS = ("thumbnail", "cover", "cover_photo", "cover_image", "cover_uri", "thumbnail_uri")
_MILLISECONDS_FROM = 100_000_000_000  # as seconds, the year 5138
_CLOCK_MAY_LEAD = timedelta(days=2)  # a camera's clock, in any time zone, before the post; more is a wrong clock


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


def lists_posts(data: bytes) -> bool:
    """Return whether a JSON file lists posts of an export, and is no list of addresses or the like."""
    try:
        posts = read_posts(data)
    except ValueError:
        return False
    uris = [medium.uri for medium in posts.media]
    return bool(uris) and all("://" not in uri and "/" in uri for uri in uris)


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
    return [entry for name in sections for entry in list_of(document.get(name))]


def _media_of(entry: Json) -> list[Json]:
    """Return the media of a post, or the post itself if it is a single medium."""
    candidates = [*list_of(entry.get("media")), *dict_of(entry.get("media_map_data")).values()]
    if not candidates:
        candidates = labelled_media(entry)
    media = [dict_of(dict_of(medium).get("media")) or dict_of(medium) for medium in candidates] or [entry]
    return [medium for medium in media if text_of(medium.get("uri")) or text_of(medium.get("path"))]


def _read_post(entry: Json, media: list[Json]) -> Iterator[Medium]:
    facts = facts_of(entry)
    caption = text_of(entry.get("title")) or text_of(entry.get("caption")) or facts.caption
    for medium in media:
        text = caption or text_of(medium.get("title")) or text_of(medium.get("caption"))
        exif = _exif(medium)
        coordinates = degrees(exif.get("latitude"), exif.get("longitude")) or facts.coordinates
        latitude, longitude = coordinates or (None, None)
        times = (*_times(entry), *facts.times, *_times(medium))
        posted = next((time for time in map(_time, times) if time), None)
        details = Details(
            permalink=facts.permalink,
            taken_at=_camera_time(exif.get("date_time_original"), posted) or posted,
            place=_place(entry) or _place(medium) or facts.place,
            latitude=latitude,
            longitude=longitude,
            texts=texts_of(text),
        )
        covers = (text_of(dict_of(medium.get(key)).get("uri")) or text_of(medium.get(key)) for key in _COVER_KEYS)
        uri = text_of(medium.get("uri")) or text_of(medium.get("path"))
        yield Medium(uri, next(filter(None, covers), None), details)


def join_details(first: Details, second: Details) -> Details:
    """Return what two lists say of one photo: the first one's facts, then the second one's, and the texts of both.

    A text that is contained in the other one is not repeated.
    """
    facts = first.completed_by(second)
    if first.latitude is None or first.longitude is None:
        facts = replace(facts, latitude=second.latitude, longitude=second.longitude)
    owner = first.texts_of(TextKind.OWNER)
    for text in second.texts_of(TextKind.OWNER):
        if not any(text in other for other in owner):
            owner = [*(other for other in owner if other not in text), text]
    texts = [(TextKind.OWNER, text) for text in owner]
    known = {(kind, text.casefold()) for kind, text in texts}
    for kind, text in (*first.texts, *second.texts):
        if kind is not TextKind.OWNER and (kind, text.casefold()) not in known:
            known.add((kind, text.casefold()))
            texts.append((kind, text))
    return replace(facts, texts=tuple(texts))


def _exif(medium: Json) -> Json:
    merged: dict[str, object] = {}
    for metadata in dict_of(medium.get("media_metadata")).values():
        for block in list_of(dict_of(metadata).get("exif_data")):
            merged = {**dict_of(block), **merged}
    return merged


def _times(entry: Json) -> tuple[object, ...]:
    return tuple(entry.get(name) for name in ("creation_timestamp", "timestamp", "taken_at"))


def _time(value: object) -> datetime | None:
    """Read seconds since 1970, which are in UTC, or a date as media.json writes it; None for others."""
    try:
        if isinstance(value, str) and not value.isdigit():
            return datetime.fromisoformat(value)
        seconds = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else 0.0
        if seconds > _MILLISECONDS_FROM:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _camera_time(value: object, posted: datetime | None) -> datetime | None:
    """Return the time by the camera's clock, such as 20230601T101500 or 2023:06:01 10:15:00; None for what is none."""
    if not isinstance(value, str):
        return None
    date, separator, time = value.strip().replace("T", " ").partition(" ")
    taken = _time(f"{date.replace(':', '-')}{separator and 'T'}{time}")
    if taken is None or taken.year < 1900:
        return None
    is_later = posted is not None and taken.replace(tzinfo=None) > posted.replace(tzinfo=None) + _CLOCK_MAY_LEAD
    return None if is_later else taken


def _place(entry: Json) -> str | None:
    location = entry.get("location")
    return (text_of(dict_of(location).get("name")) or text_of(location)) or None
