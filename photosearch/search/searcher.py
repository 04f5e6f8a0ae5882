"""Searching collections: an index of each is kept up to date with the library, and answers queries."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Set
from datetime import date

from photosearch.library import Library
from photosearch.records import CollectionInfo, Document, Findings, Hit, Results
from photosearch.search.dates import SaidDate, find_dates, with_filters
from photosearch.search.grouping import Grouping, NearDuplicates
from photosearch.search.index import Index, Ranking, SearchIndex, Tables
from photosearch.search.keeping import Current, Keeper
from photosearch.search.published import REFUSED
from photosearch.search.query import MAX_CHARS, Kind, Query, Refine, parse, parse_words
from photosearch.search.question import PAGE_TOP, Question, check_page


class Searcher:
    """Answers to queries. Indexes follow their collections, and are saved in the library for the next process."""

    def __init__(self, library: Library, tables: Tables) -> None:
        self.library = library
        self._refused = REFUSED if tables.public else frozenset()  # keys of filters
        self._in_files = Keeper(library, tables)
        self._grouping = Grouping(library)

    def forget(self, collection: str) -> None:
        """Drop what is known of a collection that was removed."""
        self._in_files.forget(collection)
        self._grouping.forget(collection)

    def index(self, collection: str) -> Index:
        """Return the collection's up-to-date index in files; raises `CollectionNotFound`."""
        return self._in_files.current(collection).index

    def near_duplicates(self, collection: str) -> Mapping[str, int]:
        """Return the group of each photo that has near-duplicates; raises `CollectionNotFound`."""
        return self._grouping.of(collection, self.library.version(collection)).groups

    def search(self, question: Question) -> Results:
        """Find photos by description.

        Raises:
            CollectionNotFound: there is no such collection.
            ModelError: a table of related words cannot be read.
        """
        current = self._in_files.current(question.collection)
        started = time.perf_counter()
        query, dates = _parse(question, current.index, self._refused)
        ranking = current.index.find(query, fields=question.fields, expand=question.expand, refine=question.refine)
        total = len(ranking) + ranking.n_weak
        near_duplicates = (
            self._grouping.of(question.collection, current.version) if question.one_of_near_duplicates else None
        )
        if near_duplicates is not None:
            ranking = near_duplicates.best_only(ranking)
        hits = self._hits(current.index, ranking, question.offset, question.top, near_duplicates)
        return Results(
            question.query,
            question.collection,
            1000 * (time.perf_counter() - started),
            total,
            hits,
            suggestions=() if len(ranking) else tuple(current.index.suggest(query.text)),
            n_listed=len(ranking),
            n_weak=ranking.n_weak,
            dates=tuple(said.message for said in dates),
            corrected=None if question.literal else current.index.correct(query),
            notes=(
                *current.take_notice(),
                *query.notes,
                *self._filter_notes(current.index, query, question),
            ),
        )

    def _filter_notes(self, index: SearchIndex, query: Query, question: Question) -> tuple[str, ...]:
        notes = index.filters.notes(query, question.refine)
        if notes:
            info = next((info for info in self.library.collections() if info.name == question.collection), None)
            return (*notes, *_not_known_yet(query, question.refine, info)) if info else notes
        return notes

    def similar(self, photo_id: str, *, top: int = PAGE_TOP, offset: int = 0) -> Results:
        """Find the photos most like one of the library, compared in all fields; the results' query is empty.

        Raises:
            PhotoNotFound: there is no such photo.
            ModelError: a table of related words cannot be read.
            ValueError: `top` or `offset` is negative.
        """
        collection = self.library.photo(photo_id).collection
        current = self._in_files.current(collection)
        return self._like(current, collection, current.index.similar(photo_id), top, offset)

    def like(self, findings: Findings, collection: str, *, top: int = PAGE_TOP, offset: int = 0) -> Results:
        """Find the photos most like a picture in which models found this; raises as `search` does."""
        current = self._in_files.current(collection)
        return self._like(current, collection, current.index.like(Document.from_findings("", findings)), top, offset)

    def _like(self, current: Current[SearchIndex], collection: str, ranking: Ranking, top: int, offset: int) -> Results:
        check_page(top, offset)
        started = time.perf_counter()
        hits = self._hits(current.index, ranking, offset, top, None)
        took_ms = 1000 * (time.perf_counter() - started)
        return Results("", collection, took_ms, len(ranking), hits, n_listed=len(ranking), notes=current.take_notice())

    def _hits(
        self, index: SearchIndex, ranking: Ranking, offset: int, top: int, near_duplicates: NearDuplicates | None
    ) -> tuple[Hit, ...]:
        matches = index.matches(ranking, top, offset)
        photos = self.library.photos_by_id([match.photo_id for match in matches])
        present = [match for match in matches if match.photo_id in photos]
        return tuple(
            Hit(
                rank,
                match.score,
                photos[match.photo_id],
                match.shares,
                near_duplicates.n_others(match.photo_id) if near_duplicates is not None else 0,
            )
            for rank, match in enumerate(present, start=offset + 1)
        )


def _not_known_yet(query: Query, refine: Refine, info: CollectionInfo) -> Iterator[str]:
    """Yield why a photo that the filters ask for may be in the collection after all."""
    kinds = {condition.kind for plain in query.plain for condition in plain.filters if not condition.negated}
    if refine.since or refine.until or any(plain.since or plain.before for plain in query.plain):
        kinds.add(Kind.DATES)
    if info.n_unread and kinds != {Kind.OBJECT}:
        yield (
            f"{_are(info.n_unread)} not read yet; dates, places, cameras and keywords that only the files hold are"
            " known once the photos are captioned or fetched."
        )
    if info.n_new and Kind.OBJECT in kinds:
        yield f"{_are(info.n_new)} not captioned yet; objects are detected then."


def _are(n_photos: int) -> str:
    return "1 photo is" if n_photos == 1 else f"{n_photos:,} photos are"


def _parse(question: Question, index: SearchIndex, refused: Set[str]) -> tuple[Query, tuple[SaidDate, ...]]:
    """Return the parsed query, and its words that were understood as dates."""
    if question.literal:
        return parse_words(question.query), ()
    dates: tuple[SaidDate, ...] = ()
    if question.dates and len(question.query) <= MAX_CHARS and index.filters.has_dates():
        dates = find_dates(question.query, date.today(), index.filters.says)
    return parse(with_filters(question.query, dates), refused), dates
