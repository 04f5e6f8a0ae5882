"""Finding photos in Milvus: it returns the best candidates, of which the leading ones are scored by our own code.

A score from Milvus is off by single precision and by the drift of norms (`photosearch.search.milvus.drift`). As with an
index in files, all photos that may be among the best in spite of that are scored exactly. Where only some fields are
searched, whose norms Milvus does not have, all candidates are. The best `LISTED` photos are found, or as many as are
asked for; that there are more is said.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from photosearch.records import Document
from photosearch.search.fields import ALL, Field
from photosearch.search.index import Ranking, SearchIndex, Tables
from photosearch.search.index.filters import Filters
from photosearch.search.index.ranking import best_of
from photosearch.search.index.scoring import QueryTerm, own_vector
from photosearch.search.index.segment import Segment, first_key, make_kind
from photosearch.search.index.state import State
from photosearch.search.index.views import View, make_view
from photosearch.search.milvus.candidates import Candidates
from photosearch.search.milvus.filters import NOTHING, Asked, Expressions
from photosearch.search.milvus.rows import NEWEST, OLDEST
from photosearch.search.milvus.server import MOST_FOUND
from photosearch.search.milvus.store import Store, Stored
from photosearch.search.query import NO_REFINEMENT, Filter, Query, Refine, Sort

LISTED = 1_000  # photos found at least, where there are so many
UNMEASURED = 0.002  # of drift that is allowed for photos that changed since it was measured
_KEPT_VIEWS = 8


@dataclass(frozen=True)
class _Found:
    """What Milvus found for a plain query."""

    query_terms: Mapping[int, QueryTerm]
    scores: Mapping[str, float]  # by photo id
    taken: Mapping[str, int]
    has_more: bool


class MilvusIndex(SearchIndex):
    """An index over one state of a collection that lies in Milvus."""

    filters: Expressions

    def __init__(self, store: Store, stored: Stored, tables: Tables) -> None:
        self._store = store
        self.stored = stored
        self._counts = stored.counts
        self.tables = tables
        self.lexicon = stored.counts.lexicon
        self.word_counts = stored.counts.words
        self.filters = Expressions(stored.counts, tables, self._is_any)
        self._views: OrderedDict[frozenset[Field], View] = OrderedDict()

    def __len__(self) -> int:
        return self._counts.n_photos

    def _view(self, fields: frozenset[Field]) -> View:
        view = self._views.get(fields)
        if view is None:
            view = self._views[fields] = self._counts.view(fields, self.tables)
            while len(self._views) > _KEPT_VIEWS:
                self._views.popitem(last=False)
        return view

    # Finding

    def find(
        self,
        query: Query,
        *,
        fields: frozenset[Field] = ALL,
        expand: bool = True,
        refine: Refine = NO_REFINEMENT,
        n: int = 0,
    ) -> Ranking:
        """Rank the best of the photos that score above 0 and pass the filters, as every index does."""
        chosen = query.fields or fields
        sort = Sort.NEWEST if refine.sort is Sort.SCORE and not query.is_scored else refine.sort
        found = [self._found(plain, chosen, expand, refine, sort, n) for plain in query.plain]
        return self._ranking(found, chosen, sort).without_weak(refine.cutoff)

    def similar(self, photo_id: str, *, fields: frozenset[Field] = ALL, n: int = 0) -> Ranking:
        """Rank the other photos by the cosine of their vectors with this one's; none for an unknown photo."""
        view = self._view(fields)
        segment = self._join(self._read([photo_id]))
        if segment is None:
            return self._ranking([], fields)
        own = make_view([(segment, np.arange(1))], view.df, view.kind_weights, len(self))
        query_terms = own_vector([segment], np.array([0, 1]), 0, own, self.lexicon)
        asked = Asked(f'id != "{segment.ids[0].decode()}"')
        return self._ranking([self._search(query_terms, fields, asked, n)], fields)

    def like(self, document: Document, *, fields: frozenset[Field] = ALL, n: int = 0) -> Ranking:
        """Rank the photos by the cosine of their vectors with that of a photo that need not be in the index."""
        query_terms = self._vectorizer(self._view(fields)).document(document)
        return self._ranking([self._search(query_terms, fields, Asked(""), n)], fields)

    def _found(
        self, query: Query, fields: frozenset[Field], expand: bool, refine: Refine, sort: Sort, n: int
    ) -> _Found:
        asked = self.filters.asked(query, refine)
        if query.is_scored:
            vectorizer = self._vectorizer(self._view(fields))
            query_terms = vectorizer.query(query.text, expand=expand, prefixes=query.prefixes)
            return self._search(query_terms, fields, asked, n)
        if not query.has_filter and not refine.has_filter:
            return _Found({}, {}, {}, has_more=False)
        found = self._ask({OLDEST if sort is Sort.OLDEST else NEWEST: 1.0}, asked, n)
        return _Found({}, dict.fromkeys(found.scores, 1.0), found.taken, found.has_more)

    def _search(self, query_terms: Mapping[int, QueryTerm], fields: frozenset[Field], asked: Asked, n: int) -> _Found:
        """Find the best photos for a query's vector."""
        idf = self._view(fields).idf
        vector = {
            first_key(number) + make_kind(field, predicted=is_predicted): term.weight * float(idf[number])
            for number, term in query_terms.items()
            for field in self._counts.holders(number, fields)
            for is_predicted in (False, True)
        }
        found = self._ask(vector, asked, n)
        scores = found.scores
        if fields != ALL and scores:
            candidates = self._candidates(found.taken, fields)
            exact = candidates.exact(np.arange(len(candidates)), query_terms).scores
            scores = {photo_id: score for photo_id, score in zip(scores, exact.tolist(), strict=True) if score > 0}
        return _Found(query_terms, scores, found.taken, found.has_more)

    def _ask(self, vector: Mapping[int, float], asked: Asked, n: int) -> _Found:
        """Ask Milvus for the rows with the largest inner products, and look for phrases in these."""
        limit = min(max(LISTED, n + 1), MOST_FOUND)
        if not vector or asked.expression == NOTHING:
            return _Found({}, {}, {}, has_more=False)
        photos = self._store.photos_of(self.stored.build)
        hits = self._store.server.search(photos, vector, asked.expression, limit, ("taken",))
        taken = {photo_id: int(row["taken"]) for photo_id, _, row in hits}
        scores = {photo_id: score for photo_id, score, _ in hits}
        if asked.phrases and taken:
            taken = self._saying(taken, asked.phrases)
            scores = {photo_id: scores[photo_id] for photo_id in taken}
        return _Found({}, scores, taken, has_more=len(hits) == limit)

    def _saying(self, taken: Mapping[str, int], phrases: Sequence[Filter]) -> dict[str, int]:
        """Return those of the photos found whose texts hold, or do not hold, phrases."""
        candidates = self._candidates(taken, ALL)
        segment, _, _ = candidates.segment(np.arange(len(candidates)))
        if segment is None:
            return {}
        filters = Filters(State((segment,), (np.ones(len(segment), bool),)), self.lexicon, self.tables)
        passes = np.ones(len(segment), bool)
        for phrase in phrases:
            passes &= ~filters.holding(phrase) if phrase.negated else filters.holding(phrase)
        passing = {photo_id.decode() for photo_id in segment.ids[passes].tolist()}
        return {photo_id: moment for photo_id, moment in taken.items() if photo_id in passing}

    def _is_any(self, asked: Asked) -> bool:
        """Return whether any photo passes a filter."""
        photos = self._store.photos_of(self.stored.build)
        rows = self._store.server.select(photos, asked.expression, ["taken"], LISTED if asked.phrases else 1)
        taken = {row["id"]: int(row["taken"]) for row in rows}
        return bool(self._saying(taken, asked.phrases) if asked.phrases and taken else taken)

    # Ranking

    def _ranking(self, found: Sequence[_Found], fields: frozenset[Field], sort: Sort = Sort.SCORE) -> Ranking:
        """Rank what was found for the alternatives of a query."""
        taken = {photo_id: moment for part in found for photo_id, moment in part.taken.items()}
        candidates = self._candidates(taken, fields)
        record = self.stored.record
        drift = 2 * record.drift + (UNMEASURED if record.n_unmeasured else 0.0) if fields == ALL else 0.0
        rankings = []
        for part in found or [_Found({}, {}, {}, has_more=False)]:
            scores = np.array([part.scores.get(photo_id, 0.0) for photo_id in taken], np.float32)
            n_found = int(np.count_nonzero(scores))
            rankings.append(
                Ranking(
                    candidates,
                    (part.query_terms,),
                    scores,
                    n_found,
                    sort=sort,
                    drift=drift,
                    has_more=any(part.has_more for part in found),
                )
            )
        return best_of(rankings)

    def _candidates(self, taken: Mapping[str, int], fields: frozenset[Field]) -> Candidates:
        return Candidates(taken, self._view(fields), len(self), self._read, self._join)

    def _read(self, ids: Sequence[str]) -> Mapping[str, str]:
        return self._store.read_photos(self.stored, ids)

    def _join(self, data: Mapping[str, str]) -> Segment | None:
        return self._store.segment(data, self._counts)
