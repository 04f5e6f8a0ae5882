"""Queries with the photos that they should find, as people write them down."""

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
MAX_PAIRS = 5_000  # of a query and a photo; each is searched for twice
MAX_QUERY_CHARS = 2_000
_QUERY_NAMES, _PHOTO_NAMES = ("query", "caption", "captions"), ("photo", "image", "source")
_INSPECT = re.compile(r"[?&]photo=([0-9a-f]{16})\b")
_FORM = 'Give a line for each: the query, a comma, the photo; or JSON such as {"query": "a dog", "photo": "dog.jpg"}.'


@dataclass(frozen=True)
class KnownQuestion:
    """A query, and the photos of which one should come first."""

    text: str
    photo_ids: tuple[str, ...]


@dataclass(frozen=True)
class Questions:
    """What can be asked, and why some lines cannot."""

    asked: tuple[KnownQuestion, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def n_pairs(self) -> int:
        """Photos wanted, over all queries."""
        return sum(len(question.photo_ids) for question in self.asked)


class _Unusable(Exception):
    """Why a line cannot be used."""


class _PhotoFinder:
    """Photos by all that people may call them: id, path, address, file name, link to the Inspect page."""

    def __init__(self, names: Iterable[PhotoNames]) -> None:
        self._exact: dict[str, str] = {}
        self._by_file: defaultdict[str, list[str]] = defaultdict(list)
        for name in names:
            for key in filter(None, (name.photo_id, name.source_key, name.permalink)):
                self._exact.setdefault(key, name.photo_id)
            self._by_file[name.file_name].append(name.photo_id)

    def find(self, called: str) -> str:
        if link := _INSPECT.search(called):
            called = link.group(1)
        if called in self._exact:
            return self._exact[called]
        found = self._by_file.get(called, [])
        if len(found) > 1:
            raise _Unusable(f'{len(found)} photos here are called "{called}"; give the path or the id')
        if not found:
            raise _Unusable(f'there is no photo "{called[:200]}" in this collection')
        return found[0]


def read_questions(text: str, names: Iterable[PhotoNames]) -> Questions:
    """Read lines of query and photo, as CSV or as JSON, a line each; a query may stand in several lines.

    Raises:
        PhotosearchError: there are none, too many, or it is neither form.
    """
    text = text.removeprefix("\ufeff")
    lines = _json_lines(text) if text.lstrip().startswith("{") else _csv_lines(text)
    known = _PhotoFinder(names)
    wanted: defaultdict[str, dict[str, None]] = defaultdict(dict)
    problems: list[str] = []
    n_pairs = 0
    for number, line in lines:
        try:
            if isinstance(line, str):
                raise _Unusable(line)
            query, called = _checked(*line)
            photo_id = known.find(called)
            wanted[query][photo_id] = None
        except _Unusable as error:
            problems.append(f"Line {number}: {error}.")
        n_pairs += 1
        if n_pairs > MAX_PAIRS:
            raise PhotosearchError(
                f"There are more than {MAX_PAIRS:,} pairs of query and photo. Take fewer and try again."
            )
    if not n_pairs:
        raise PhotosearchError(f"There is no query. {_FORM}")
    asked = tuple(KnownQuestion(query, tuple(ids)) for query, ids in wanted.items())
    return Questions(asked, tuple(problems))


Line = tuple[int, tuple[str, str] | str]  # number, then query and photo, or why there are none


def _checked(query: str, called: str) -> tuple[str, str]:
    query, called = query.strip(), called.strip()
    if not query or not called:
        raise _Unusable(f"the {'photo' if query else 'query'} is missing")
    if len(query) > MAX_QUERY_CHARS:
        raise _Unusable(f"the query is longer than {MAX_QUERY_CHARS:,} characters")
    return query, called


def _csv_lines(text: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    columns: tuple[int, int] | None = None
    try:
        for place, cells in enumerate(reader):
            if place == 0 and (columns := _columns(cells)):
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if columns and len(cells) > max(columns):
                yield reader.line_num, (cells[columns[0]], cells[columns[1]])
            elif len(cells) > 1 and not columns:
                yield reader.line_num, (", ".join(cells[:-1]), cells[-1])  # a query may hold commas
            else:
                yield reader.line_num, "there is no comma between query and photo"
    except csv.Error as error:
        raise PhotosearchError(f"Line {reader.line_num} cannot be read ({error}). {_FORM}") from error


def _columns(cells: Sequence[str]) -> tuple[int, int] | None:
    """Where a header has query and photo; None where it is none."""
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
    """The text, or the list of texts, under the first of the names that is there."""
    found = next((row[name] for name in names if name in row), None) if isinstance(row, dict) else None
    texts = found if isinstance(found, list) else [found]
    return [text for text in texts if isinstance(text, str)]
