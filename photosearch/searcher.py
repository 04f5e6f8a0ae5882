"""Finding photos: each collection's index as the library stands, and what it answers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from photosearch.expansion import Expansion
from photosearch.fields import ALL, Field
from photosearch.hypernyms import Hypernyms
from photosearch.index import Index
from photosearch.library import Library
from photosearch.records import Hit, Match, Results


@dataclass
class _Indexed:
    generation: int
    index: Index
    groups: Mapping[str, int] | None = None  # near-duplicates, once somebody asks


class Searcher:
    """Answers queries; an index is made anew when its collection has changed."""

    def __init__(self, library: Library, expansion: Expansion, hypernyms: Hypernyms) -> None:
        self._library = library
        self._expansion = expansion
        self._hypernyms = hypernyms
        self._indexes: dict[str, _Indexed] = {}

    def forget(self, collection: str) -> None:
        """Drop the index of a collection that was removed."""
        self._indexes.pop(collection, None)

    def index(self, collection: str) -> Index:
        """The collection's index as it stands; raises `CollectionNotFound`."""
        return self._indexed(collection).index

    def near_duplicates(self, collection: str) -> Mapping[str, int]:
        """The group of each photo that has near-duplicates; raises `CollectionNotFound`."""
        held = self._indexed(collection)
        if held.groups is None:
            from photosearch.lookalikes import group_alike

            held.groups = group_alike(self._library.hashes(collection))
        return held.groups

    def search(
        self,
        query: str,
        collection: str,
        *,
        top: int,
        fields: frozenset[Field] = ALL,
        expand: bool = True,
        group: bool = False,
    ) -> Results:
        """Find photos by description.

        Args:
            query: a description.
            collection: where to search.
            top: hits wanted at most.
            fields: what of a photo is searched.
            expand: whether related words count, too.
            group: of near-duplicates show the best one only, with their number.

        Raises:
            CollectionNotFound: there is no such collection.
            ModelError: the table of related words cannot be read.
            ValueError: `top` is negative.
        """
        index = self.index(collection)
        started = time.perf_counter()
        groups = self.near_duplicates(collection) if group else {}
        total, matches = self._matches(index, query, top, fields, expand, groups)
        n_alike = Counter(groups.values())
        photos = self._library.photos_by_id([match.photo_id for match in matches])
        took_ms = 1000 * (time.perf_counter() - started)
        found = [match for match in matches if match.photo_id in photos]
        hits = tuple(
            Hit(
                rank,
                match.score,
                photos[match.photo_id],
                match.shares,
                n_alike[groups[match.photo_id]] - 1 if match.photo_id in groups else 0,
            )
            for rank, match in enumerate(found, start=1)
        )
        suggestions = () if hits else tuple(index.suggest(query))
        return Results(query, collection, took_ms, total, hits, suggestions)

    @staticmethod
    def _matches(
        index: Index, query: str, top: int, fields: frozenset[Field], expand: bool, groups: Mapping[str, int]
    ) -> tuple[int, list[Match]]:
        """The best matches, of each group of near-duplicates the best one."""
        wanted = top
        while True:
            total, matches = index.search(query, top=wanted, fields=fields, expand=expand)
            first: dict[int | str, Match] = {}
            for match in matches:
                first.setdefault(groups.get(match.photo_id, match.photo_id), match)
            if len(first) >= top or wanted >= total:
                return total, list(first.values())[:top]
            wanted = max(2 * wanted, 1)

    def _indexed(self, collection: str) -> _Indexed:
        generation = self._library.generation(collection)
        known = self._indexes.get(collection)
        if known is None or known.generation != generation:
            # Documents are read after the number: they may be newer than it, never older.
            documents = self._library.documents(collection)
            index = Index(documents, expansion=self._expansion, hypernyms=self._hypernyms)
            known = _Indexed(generation, index)
            self._indexes[collection] = known
        return known
