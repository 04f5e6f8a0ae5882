"""Searching collections: an index of each is kept up to date with the library, and answers queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from photosearch.errors import IndexOutOfReach
from photosearch.library import Library
from photosearch.records import CollectionInfo, Document, Findings, Hit, Results
from photosearch.search.dates import SaidDate, find_dates, with_filters
from photosearch.search.grouping import Grouping, NearDuplicates
from photosearch.search.index import Index, Ranking, SearchIndex, Tables
from photosearch.search.keeping import Current, Keeper
from photosearch.search.published import REFUSED
from photosearch.search.query import MAX_CHARS, Kind, Query, Refine, parse, parse_words
from photosearch.search.question import PAGE_TOP, Question, check_page

if TYPE_CHECKING:
    from photosearch.search.milvus.address import Address
    from photosearch.search.milvus.keeping import MilvusKeeper

Answer = TypeVar("Answer")
_INSTEAD = "The index on this machine answered instead."


@dataclass(frozen=True)
class _Sample:
    """What photos are compared with: a photo of the library, or what was found in another picture."""

    photo_id: str
    document: Document | None = None


class Searcher:
    """Answers to queries. Indexes follow their collections, and are saved in the library for the next process."""

    def __init__(self, library: Library, tables: Tables, address: Address | None = None) -> None:
        """Search a library, in Milvus where it has an address; where that fails, the index in files answers."""
        self.library = library
        self._refused = REFUSED if tables.public else frozenset()  # keys of filters
        self._in_files = Keeper(library, tables)
        self._in_milvus: MilvusKeeper | None = None
        if address is not None:
            from photosearch.search.milvus.keeping import MilvusKeeper

            self._in_milvus = MilvusKeeper(library, tables, address, self._in_files)
        self._grouping = Grouping(library)

    def close(self) -> None:
        """End what runs in the background."""
        if self._in_milvus is not None:
            self._in_milvus.close()

    def forget(self, collection: str) -> None:
        """Drop what is known of a collection that is about to be removed, in Milvus, too.

        Raises:
            CollectionNotFound: there is no such collection.
            IndexOutOfReach: Milvus still has it.
        """
        self._in_files.forget(collection)
        self._grouping.forget(collection)
        if self._in_milvus is not None:
            self._in_milvus.forget(collection)

    def index(self, collection: str) -> SearchIndex:
        """Return the collection's up-to-date index; raises `CollectionNotFound`."""
        return self._answered(collection, lambda current: current.index)[0]

    def index_in_files(self, collection: str) -> Index:
        """Return the collection's up-to-date index in files, which knows the rank of any photo.

        Raises:
            CollectionNotFound: there is no such collection.
        """
        return self._in_files.current(collection).index

    def _answered(self, collection: str, answer: Callable[[Current[SearchIndex]], Answer]) -> tuple[Answer, str]:
        """Have an index answer: that in Milvus, or else that in files.

        Returns:
            The answer, and a message for people where Milvus could not give it.
        """
        if self._in_milvus is not None:
            try:
                return answer(self._in_milvus.current(collection)), ""
            except IndexOutOfReach as error:
                self._in_milvus.fail(collection, error)
                return answer(self._in_files.current(collection)), f"{error} {_INSTEAD}"
        return answer(self._in_files.current(collection)), ""

    def near_duplicates(self, collection: str) -> Mapping[str, int]:
        """Return the group of each photo that has near-duplicates; raises `CollectionNotFound`."""
        return self._grouping.of(collection, self.library.version(collection)).groups

    def search(self, question: Question) -> Results:
        """Find photos by description.

        Raises:
            CollectionNotFound: there is no such collection.
            ModelError: a table of related words cannot be read.
        """
        return _with_note(*self._answered(question.collection, lambda current: self._search(current, question)))

    def _search(self, current: Current[SearchIndex], question: Question) -> Results:
        started = time.perf_counter()
        query, dates = _parse(question, current.index, self._refused)
        ranking = current.index.find(
            query,
            fields=question.fields,
            expand=question.expand,
            refine=question.refine,
            n=question.offset + question.top,
        )
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
            has_more=ranking.has_more,
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
        check_page(top, offset)
        collection = self.library.photo(photo_id).collection
        sample = _Sample(photo_id)
        return _with_note(
            *self._answered(collection, lambda current: self._like(current, collection, sample, top, offset))
        )

    def like(self, findings: Findings, collection: str, *, top: int = PAGE_TOP, offset: int = 0) -> Results:
        """Find the photos most like a picture in which models found this; raises as `search` does."""
        check_page(top, offset)
        sample = _Sample("", Document.from_findings("", findings))
        return _with_note(
            *self._answered(collection, lambda current: self._like(current, collection, sample, top, offset))
        )

    def _like(self, current: Current[SearchIndex], collection: str, sample: _Sample, top: int, offset: int) -> Results:
        started = time.perf_counter()
        index, n = current.index, offset + top
        ranking = index.like(sample.document, n=n) if sample.document else index.similar(sample.photo_id, n=n)
        hits = self._hits(index, ranking, offset, top, None)
        return Results(
            "",
            collection,
            1000 * (time.perf_counter() - started),
            len(ranking),
            hits,
            n_listed=len(ranking),
            notes=current.take_notice(),
            has_more=ranking.has_more,
        )

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


def _with_note(results: Results, note: str) -> Results:
    """Return an answer with one more note, if there is one."""
    return replace(results, notes=(*results.notes, note)) if note else results


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
