"""Reads queries with the photos that they should find, from text or a file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from photosearch.errors import PhotosearchError
from photosearch.library.measures import PhotoNames

MAX_BYTES = 2_000_000  # of a file
MAX_PAIRS = 5_000  # of a query and a photo; each takes two searches
MAX_QUERY_CHARS = 2_000
_QUERY_NAMES, _PHOTO_NAMES = ("query", "caption", "captions"), ("photo", "image", "source")
_INSPECT = re.compile(r"[?&]photo=([0-9a-f]{16})\b")
_FORM = 'Give a line for each: the query, a comma, the photo; or JSON such as {"query": "a dog", "photo": "dog.jpg"}.'


@dataclass(frozen=True)
class KnownQuestion:
    """A query with its photos, of which one should rank first."""

    text: str
    photo_ids: tuple[str, ...]


@dataclass(frozen=True)
class Questions:
    """The queries of a text, and the problems of lines that could not be used."""

    asked: tuple[KnownQuestion, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def n_pairs(self) -> int:
        """Return the number of pairs of a query and a photo."""
        return sum(len(question.photo_ids) for question in self.asked)


class _Unusable(Exception):
    """A line cannot be used; the message says why."""


class _PhotoFinder:
    """Finds photos by what people may call them: id, path, address, file name, or link to the Inspect page."""

    def __init__(self, names: Iterable[PhotoNames]) -> None:
        self._exact: dict[str, str] = {}
        self._by_file: defaultdict[str, list[str]] = defaultdict(list)
        for name in names:
            for key in filter(None, (name.photo_id, name.source_key, name.permalink)):
                self._exact.setdefault(key, name.photo_id)
            self._by_file[name.file_name].append(name.photo_id)

    def find(self, name: str) -> str:
        if link := _INSPECT.search(name):
            name = link.group(1)
        if name in self._exact:
            return self._exact[name]
        ids = self._by_file.get(name, [])
        if len(ids) > 1:
            raise _Unusable(f'{len(ids)} photos here are called "{name}"; give the path or the id')
        if not ids:
            raise _Unusable(f'there is no photo "{name[:200]}" in this collection')
        return ids[0]


def read_questions(text: str, names: Iterable[PhotoNames]) -> Questions:
    """Read lines of a query and a photo, as CSV or JSON; a query with several photos has several lines.

    Raises:
        PhotosearchError: there is no query, there are too many, or the text is neither CSV nor JSON.
    """
    text = text.removeprefix("\ufeff")
    lines = _json_lines(text) if text.lstrip().startswith("{") else _csv_lines(text)
    photos = _PhotoFinder(names)
    ids_by_query: defaultdict[str, dict[str, None]] = defaultdict(dict)  # ids as keys: each once, in order
    problems: list[str] = []
    n_pairs = 0
    for number, line in lines:
        try:
            if isinstance(line, str):
                raise _Unusable(line)
            query, name = _checked(*line)
            photo_id = photos.find(name)  # first: it raises, and a query without a photo must not be added
            ids_by_query[query][photo_id] = None
        except _Unusable as error:
            problems.append(f"Line {number}: {error}.")
        n_pairs += 1
        if n_pairs > MAX_PAIRS:
            raise PhotosearchError(
                f"There are more than {MAX_PAIRS:,} pairs of query and photo. Take fewer and try again."
            )
    if not n_pairs:
        raise PhotosearchError(f"There is no query. {_FORM}")
    asked = tuple(KnownQuestion(query, tuple(ids)) for query, ids in ids_by_query.items())
    return Questions(asked, tuple(problems))


Line = tuple[int, tuple[str, str] | str]  # number, then query and photo, or why there are none


def _checked(query: str, name: str) -> tuple[str, str]:
    query, name = query.strip(), name.strip()
    if not query or not name:
        raise _Unusable(f"the {'photo' if query else 'query'} is missing")
    if len(query) > MAX_QUERY_CHARS:
        raise _Unusable(f"the query is longer than {MAX_QUERY_CHARS:,} characters")
    return query, name


def _csv_lines(text: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    columns: tuple[int, int] | None = None
    try:
        for n_row, cells in enumerate(reader):
            if n_row == 0 and (columns := _columns(cells)):
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if columns and len(cells) > max(columns):
                yield reader.line_num, (cells[columns[0]], cells[columns[1]])
            elif len(cells) > 1 and not columns:
                yield reader.line_num, (", ".join(cells[:-1]), cells[-1])  # a query may have commas
            else:
                yield reader.line_num, "there is no comma between query and photo"
    except csv.Error as error:
        raise PhotosearchError(f"Line {reader.line_num} cannot be read ({error}). {_FORM}") from error


def _columns(cells: Sequence[str]) -> tuple[int, int] | None:
    """Return the columns of query and photo if the cells are a header, else None."""
    names = [cell.strip().lower() for cell in cells]
    query = next((names.index(name) for name in _QUERY_NAMES if name in names), None)
    photo = next((names.index(name) for name in _PHOTO_NAMES if name in names), None)
    return None if query is None or photo is None else (query, photo)


def _json_lines(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        queries = _texts(row, _QUERY_NAMES)
        photos = _texts(row, _PHOTO_NAMES)
        if not queries or not photos:
            yield number, 'it is not like {"query": "a dog", "photo": "dog.jpg"}'
        for query in queries:
            for photo in photos:
                yield number, (query, photo)


def _texts(row: object, names: Sequence[str]) -> list[str]:
    """Return the text, or the texts, of the first of the names that the row has."""
    value = next((row[name] for name in names if name in row), None) if isinstance(row, dict) else None
    texts = value if isinstance(value, list) else [value]
    return [text for text in texts if isinstance(text, str)]
