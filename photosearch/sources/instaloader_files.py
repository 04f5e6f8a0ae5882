"""The files that instaloader writes: for each post a text and a JSON, which may be packed, beside its pictures."""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterator, Mapping
from datetime import UTC

from photosearch.records import Details, TextKind
from photosearch.sources.instagram.descriptions import described
from photosearch.sources.instagram.export_text import texts_of
from photosearch.words.coordinates import sound_pair
from photosearch.words.times import from_seconds, read_time

MAX_JSON_BYTES = 8_000_000
MARK = "_UTC"  # in all names that it gives by default
# Of the files that it writes for a post: its text, which the JSON holds, too, and what nothing is read from.
ENDINGS = (".txt", "_comments.json", "_comments.json.xz", "_location.txt")
_STEM = re.compile(r"(?P<post>.*?(?P<day>\d{4}-\d\d-\d\d)_(?P<clock>\d\d-\d\d-\d\d)_UTC)(?P<slide>_\d+)?(?P<more>_.+)?")
_SLIDE = re.compile(r"_\d{1,2}$")
_LIKES = ("edge_media_preview_like", "edge_liked_by", "like_count")
_COMMENTS = ("edge_media_to_parent_comment", "edge_media_to_comment", "edge_media_preview_comment", "comment_count")


def is_by_instaloader(stem: str) -> bool:
    """Return whether a file's name without its suffix is one that instaloader gives by default."""
    return _STEM.fullmatch(stem) is not None


def is_profile_picture(stem: str) -> bool:
    """Return whether it is instaloader's name of a profile's or a highlight's picture, which are no posts."""
    match = _STEM.fullmatch(stem)
    return match is not None and match["more"] in ("_profile_pic", "_cover")


def post_names(stem: str) -> Iterator[str]:
    """Yield what the files of a picture's post may be called, without their suffixes."""
    yield stem
    if _SLIDE.search(stem):
        yield _SLIDE.sub("", stem)


def named_details(stem: str) -> Details:
    """Return the time that instaloader wrote into a name, which is in UTC."""
    match = _STEM.fullmatch(stem)
    time = read_time(f"{match['day']} {match['clock'].replace('-', ':')}") if match else None
    return Details(taken_at=time and time.replace(tzinfo=UTC))


def text_details(text: str) -> Details:
    """Return what a post's text file says."""
    return Details(texts=texts_of(text.strip()))


def unpack(data: bytes) -> bytes:
    """Return the JSON in a packed file; raise `ValueError` where it is damaged or larger than `MAX_JSON_BYTES`."""
    unpacker = lzma.LZMADecompressor(memlimit=128_000_000)
    try:
        unpacked = unpacker.decompress(data, MAX_JSON_BYTES)
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(f"it is damaged ({error})") from error
    if not unpacker.eof:
        raise ValueError("it is damaged, or too large when unpacked")
    return unpacked


def post_details(values: Mapping[str, object]) -> Details | None:
    """Return what instaloader's JSON says of a post; None for other JSON, such as that of a profile."""
    node = values.get("node")
    if not isinstance(node, dict):
        return None
    about = values.get("instaloader")
    if isinstance(about, dict) and about.get("node_type") not in ("Post", "StoryItem"):
        return None
    code = node.get("shortcode") or node.get("code")
    place = node.get("location")
    place = place if isinstance(place, dict) else {}
    seconds = next((n for key in ("taken_at_timestamp", "taken_at", "date") if (n := _count(node.get(key)))), None)
    latitude, longitude = sound_pair(_degrees(place.get("lat")), _degrees(place.get("lng")))
    name = place.get("name")
    return Details(
        permalink=f"https://www.instagram.com/p/{code}/" if isinstance(code, str) and code else None,
        taken_at=None if seconds is None else from_seconds(seconds),
        place=name if isinstance(name, str) and name else None,
        latitude=latitude,
        longitude=longitude,
        n_likes=next((n for key in _LIKES if (n := _count(node.get(key))) is not None), None),
        n_comments=next((n for key in _COMMENTS if (n := _count(node.get(key))) is not None), None),
        texts=(*texts_of(_caption(node)), *((TextKind.ACCESSIBILITY, text) for text in (_description(node),) if text)),
    )


def _caption(node: Mapping[str, object]) -> str:
    caption = node.get("caption")
    if isinstance(caption, dict):
        caption = caption.get("text")
    edges = node.get("edge_media_to_caption")
    if isinstance(edges, dict) and isinstance(edges.get("edges"), list) and edges["edges"]:
        first = edges["edges"][0]
        inner = first.get("node") if isinstance(first, dict) else None
        caption = inner.get("text") if isinstance(inner, dict) else caption
    return caption.strip() if isinstance(caption, str) else ""


def _description(node: Mapping[str, object]) -> str:
    """Return Instagram's description of a post's only picture; "" where it has several."""
    text = node.get("accessibility_caption")
    has_slides = any(node.get(name) for name in ("edge_sidecar_to_children", "carousel_media"))
    return described(text) if isinstance(text, str) and not has_slides else ""


def _count(value: object) -> int | None:
    if isinstance(value, dict):
        value = value.get("count")
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 else None


def _degrees(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < 1_000 else None
