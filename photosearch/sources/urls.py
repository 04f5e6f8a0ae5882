"""Lists of addresses: `url_list_NAME.json`, plain text, CSV with a column `url`."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TypeVar

from photosearch.errors import PhotoError, SourceError
from photosearch.files import read_regular
from photosearch.library import Pending
from photosearch.records import Details, Failure, Listing, TextKind, Watch
from photosearch.sources.addresses import check_url
from photosearch.sources.instagram.descriptions import described
from photosearch.sources.json_text import parse_json
from photosearch.sources.source import Content, Options, Resources, Source, SourceKind
from photosearch.words.coordinates import sound_pair
from photosearch.words.times import from_seconds, read_time

NAME = "url"
PREFIX = "url_list_"
SUFFIXES = (".json", ".txt", ".csv")
MAX_FILE_BYTES = 100_000_000
_SHOWN_CHARS = 200
# Names of columns and keys that such files use, the likeliest first.
_URLS = (
    *("url", "src", "image_url", "display_url", "photo_url", "picture_url", "media_url", "file_url", "download_url"),
    *("image_link", "image_src", "original_url", "image", "photo", "picture", "address", "href", "uri"),
)
_OWNER = ("caption", "text", "title", "description", "alt")
_TIMES = ("taken_at", "timestamp", "date", "created_at")
_MAX_COUNT = 2**31 - 1
_DELIMITERS = ",;\t|"  # spreadsheets choose one by their language
_SEP = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)  # a first line that tells spreadsheets which one is used
_SECRET = re.compile(r"^([a-z][a-z0-9+.-]*://)?.*@", re.DOTALL | re.IGNORECASE)
T = TypeVar("T")


def read_text(path: Path) -> tuple[str, str]:
    """Read a text file; return its text, and its encoding where it is no Unicode.

    UTF-16 is known by its mark, as Excel writes it; what is no UTF-8 is read as Windows-1252.

    Raises:
        SourceError: it cannot be read, is too large, or is no text.
    """
    try:
        data = read_regular(path, MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SourceError(f'"{path}" cannot be read: {error.strerror}. Check its access rights.') from error
    if len(data) > MAX_FILE_BYTES:
        raise SourceError(f'"{path}" is larger than {MAX_FILE_BYTES // 1_000_000} MB. Split it into several.')
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig"), ""
    except UnicodeDecodeError as error:
        with contextlib.suppress(UnicodeDecodeError):
            if not is_utf16 and b"\0" not in data:
                return data.decode("cp1252"), "Windows-1252"
        raise SourceError(f'"{path}" is no text in UTF-8 (byte {error.start}). Save it as UTF-8.') from error


def read_json(path: Path) -> object:
    """Read a JSON file; raise `SourceError` as `read_text` does, and when it is no valid JSON."""
    try:
        text, _ = read_text(path)
        return parse_json(text)
    except ValueError as error:
        raise SourceError(
            f'"{path}" is no JSON that can be read ({error}). Check that the file is complete.'
        ) from error


class UrlListSource:
    """Lists addresses with what the file says about each picture; fetches nothing."""

    kind = NAME
    described = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self.collection = path.stem.removeprefix(PREFIX) or "photos"
        self.left_out: Counter[str] = Counter()
        self.notes: tuple[str, ...] = ()
        self.listed_in: str | None = str(path.resolve()).encode("utf-8", "replace").decode("utf-8")

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Return True: a photo that is missing from its list was taken out of it."""
        return True

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Yield each address once; raise `SourceError` when the file holds none."""
        seen = set()
        for item in self._entries():
            listing = make_listing(item)
            identity = type(listing), listing.source_key  # a failure, shown without its password, may equal an address
            if identity not in seen:
                seen.add(identity)
                yield listing
        if not seen:
            raise SourceError(
                f'"{self._path}" holds no address. Write one address a line, or a CSV with a column "url".'
            )

    def _entries(self) -> Iterator[object]:
        if self._path.suffix.lower() == ".json":
            content = read_json(self._path)
            entries = content.get("urls") if isinstance(content, dict) else content
            if not isinstance(entries, list):
                raise SourceError(f'"{self._path}" holds no list of addresses. Give a JSON list of them.')
            yield from entries
            return
        text, encoding = read_text(self._path)
        if encoding:
            self.notes = (
                f'"{self._path.name}" is no UTF-8; it was read as {encoding}. See whether its letters are right.',
            )
        if self._path.suffix.lower() == ".csv":
            yield from self._rows(text)
        else:
            yield from (line for raw in text.splitlines() if (line := raw.strip()) and not line.startswith("#"))

    def _rows(self, text: str) -> Iterator[object]:
        first, _, rest = text.partition("\n")
        told = _SEP.fullmatch(first)
        text = rest if told else text
        delimiter = told[1] if told else max(_DELIMITERS, key=text.lstrip().partition("\n")[0].count)
        try:
            rows = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, delimiter=delimiter)
            filled: Iterator[list[str]] = (row for row in rows if any(cell.strip() for cell in row))
            head = next(filled, [])
            names = [entry_key(cell) for cell in head]
            if not any(name in _URLS for name in names):
                if not any(_address(cell) for cell in head):
                    raise SourceError(
                        f'"{self._path}" has no column "url". Name the column of the addresses "url" in the first line.'
                    )
                filled = chain([head], filled)  # there is no line of names
                names = ["url" if _address(cell) else "" for cell in head]
            for row in filled:
                cells: dict[str, str] = {}
                for name, cell in zip(names, row, strict=False):
                    if name and not cells.get(name, "").strip():  # of two columns of a name the first that is filled
                        cells[name] = cell
                yield cells
        except csv.Error as error:
            raise SourceError(f'"{self._path}" is no CSV ({error}). Save it as CSV again.') from error


def entry_key(name: str) -> str:
    """Return a column's or key's name as it is compared: "Image URL", "imageUrl" and "image-url" are "image_url"."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\W_]+", "_", parted).strip("_").lower()


def make_listing(entry: object, texts: tuple[tuple[TextKind, str], ...] = ()) -> Listing | Failure:
    """Make a listing from an entry of a file.

    Args:
        entry: an address, or an object that holds one and may describe the picture.
        texts: further texts of the picture, put after those of the entry.

    Returns:
        The listing, or a failure where the entry holds no address that can be used.
    """
    if isinstance(entry, Mapping):
        keyed: dict[str, object] = {}
        for key, value in entry.items():
            keyed.setdefault(entry_key(key) if isinstance(key, str) else "", value)
        entry = {**keyed, **entry}  # a key that is written as it is compared comes first
    url = entry if isinstance(entry, str) else _first(entry, _URLS, _text) if isinstance(entry, Mapping) else None
    if url is None:
        return Failure(_shown(entry), "this is no address")
    # The fragment is not sent to a server, and may be part of a password.
    given_url, url = url, url.partition("#")[0].strip()
    try:
        check_url(url)
    except PhotoError as error:
        return Failure(_shown(given_url), str(error))
    details = _details(entry) if isinstance(entry, Mapping) else Details()
    cleaned = ((kind, storable(text)) for kind, text in (*details.texts, *texts))
    details = replace(details, texts=tuple((kind, text) for kind, text in cleaned if text))
    return Listing(url, "", details=None if details == Details() else details)


def _details(entry: Mapping[str, object]) -> Details:
    owner = _first(entry, _OWNER, _text)
    texts = [(TextKind.OWNER, owner)] if owner else []
    for key, kind in (("hashtags", TextKind.HASHTAG), ("mentions", TextKind.MENTION)):
        texts += [(kind, word) for word in _words(entry.get(key))]
    if description := described(_first(entry, ("accessibility_caption", "accessibility"), _text)):
        texts.append((TextKind.ACCESSIBILITY, description))
    latitude, longitude = sound_pair(
        _first(entry, ("latitude", "lat"), _number), _first(entry, ("longitude", "lng", "lon"), _number)
    )
    return Details(
        permalink=_first(entry, ("permalink", "link"), _address),
        taken_at=_first(entry, _TIMES, _time),
        place=_first(entry, ("place", "location"), _place),
        latitude=latitude,
        longitude=longitude,
        n_likes=_first(entry, ("likes", "like_count"), _count),
        n_comments=_first(entry, ("comments", "comment_count"), _count),
        texts=tuple(texts),
    )


def _first(entry: Mapping[str, object], keys: tuple[str, ...], read: Callable[[object], T | None]) -> T | None:
    return next((value for key in keys if (value := read(entry.get(key))) is not None), None)


def storable(text: str) -> str:
    """Return a text that can be stored: halves of surrogate pairs replaced, NULs and surrounding blanks removed."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()


def _text(value: object) -> str | None:
    return storable(value) or None if isinstance(value, str) else None


def _words(value: object) -> list[str]:
    """Return hashtags or mentions, given as a list or as one text, without "#" and "@"."""
    parts = re.split(r"[\s,;]+", value) if isinstance(value, str) else value if isinstance(value, list) else []
    return [word for part in parts if isinstance(part, str) and (word := part.strip().lstrip("#@"))]


def _address(value: object) -> str | None:
    """Return the value if it is an address that a page may link to."""
    text = _text(value)
    try:
        if text:
            check_url(text)
    except PhotoError:
        return None
    return text


def _place(value: object) -> str | None:
    return _text(value.get("name")) if isinstance(value, Mapping) else _text(value)


def _time(value: object) -> datetime | None:
    """Read a time as people and programs write it, or in seconds since 1970."""
    time = read_time(value) if isinstance(value, str) else None
    if time is None and (seconds := _number(value)) is not None:
        time = from_seconds(seconds)
    return time


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _count(value: object) -> int | None:
    if isinstance(value, Mapping):
        value = value.get("count")
    number = _number(value)
    return int(number) if number is not None and 0 <= number <= _MAX_COUNT else None


def _shown(entry: object) -> str:
    """Return an entry as text to be shown: shortened, and without user name and password."""
    if isinstance(entry, Mapping):
        text = f"{{{', '.join(str(key) for key in entry)}}}"
    elif isinstance(entry, list):
        text = "[...]"
    else:
        text = str(entry)
    return storable(_SECRET.sub(r"\1", text)[:_SHOWN_CHARS]) or '""'


def _open(paths: Sequence[Path], _options: Options) -> Sequence[Source] | None:
    is_list = len(paths) == 1 and paths[0].suffix.lower() in SUFFIXES
    return [UrlListSource(paths[0])] if is_list else None


def _read(resources: Resources, photo: Pending, max_bytes: int, etag: str | None) -> Content | None:
    from photosearch.sources.fetching import open_fetcher

    fetcher = resources.shared(open_fetcher)
    fetched = fetcher.fetch(photo.address or photo.source_key, etag=etag, max_bytes=max_bytes)
    return Content(fetched.data, fetched.etag) if fetched else None


KIND: SourceKind = SourceKind(
    NAME,
    _read,
    usage="a list of addresses (.json, .txt, .csv)",
    title="List of URLs",
    note="A file with URLs of pictures: a text file with one a line, a CSV with a column `url`, or"
    " `url_list_NAME.json`. Files of the older system (`captions_dict_NAME.json`, `photosearch_db.json`) hold captions"
    " and can be searched at once. A ZIP file of photos works too.",
    example="/home/you/url_list_holidays.json",
    is_fetched=True,
    open_paths=_open,
)
