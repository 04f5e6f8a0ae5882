"""The JSON that Google Takeout writes beside each photo, under names that it shortens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from photosearch.pictures.xmp import owner_texts
from photosearch.records import Details
from photosearch.words.coordinates import sound_pair
from photosearch.words.times import from_seconds

_SUFFIX = ".supplemental-metadata"
_MAX_NAME_CHARS = 46  # of a JSON file's name before ".json", and before the "(1)" of a second photo of that name
_NUMBERED = re.compile(r"(?P<stem>.+)(?P<number>\(\d+\))(?P<suffix>\.\w+)")
_EDITED = re.compile(r"-(?:edited|bearbeitet|modifié|editado|editada|modificato|bewerkt|redigerad|edytowane|編集済み)$")


def takeout_names(name: str) -> Iterator[str]:
    """Yield the names that the JSON of a photo of that name may have, without ".json"; the likeliest first."""
    stem, dot, suffix = name.rpartition(".")
    for own_stem in dict.fromkeys((stem, _EDITED.sub("", stem))):
        own, number = f"{own_stem}{dot}{suffix}", ""
        if match := _NUMBERED.fullmatch(own):
            own, number = match["stem"] + match["suffix"], match["number"]
        for full in (own + _SUFFIX, own, own_stem.removesuffix(number)):
            yield full[:_MAX_NAME_CHARS] + number
            if len(full) > _MAX_NAME_CHARS:  # earlier Takeouts shortened otherwise
                yield from (full[:n] + number for n in (_MAX_NAME_CHARS + 1, _MAX_NAME_CHARS + 5))
        yield from (f"{own}{_SUFFIX[:n]}{number}" for n in range(len(_SUFFIX) - 1, 1, -1))


def takeout_details(values: Mapping[str, object]) -> Details | None:
    """Return what Google's JSON says of a photo: description, people, time in UTC, place; None for other JSON."""
    taken = values.get("photoTakenTime")
    if not isinstance(values.get("title"), str) or not isinstance(taken, dict):
        return None
    latitude, longitude = next(
        (pair for key in ("geoData", "geoDataExif") if (pair := _coordinates(values.get(key)))[0] is not None),
        (None, None),
    )
    people = values.get("people")
    names = [person.get("name") for person in people if isinstance(person, dict)] if isinstance(people, list) else []
    said = [text for text in (values.get("description"), *names) if isinstance(text, str)]
    seconds = _number(taken.get("timestamp"))
    return Details(
        taken_at=None if seconds is None else from_seconds(seconds),
        latitude=latitude,
        longitude=longitude,
        texts=owner_texts(said, ()),
    )


def _coordinates(place: object) -> tuple[float, float] | tuple[None, None]:
    if not isinstance(place, dict):
        return None, None
    return sound_pair(_number(place.get("latitude")), _number(place.get("longitude")))


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None
