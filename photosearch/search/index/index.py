"""The TF-IDF index over a photo's fields: build, add, remove, search, explain.

For photo d, field f and term t in a collection of N photos (`photosearch.search.fields` says what a field holds):

    a(d, t) = sum over f of  w_f * g(d, t, f)          g = 1 + ln(count) where said, p^fields.ROOTS where predicted
    df(t)   = sum over d of  max over f of m           m = 1 where said, p where predicted
    idf(t)  = fields.IDF_OFFSET + ln((1 + N) / (1 + df(t)))
    q(t)    = c(t) idf(t) + sum over the query's other terms s of  e(s, t) c(s) idf(s)     c = 1 + ln(count),
                                                         for a pair of neighbouring terms  fields.PAIR (1 + ln(count))
                                                         of a term s that no photo holds also  r(s, t) c(s) idf(t)
    score   = sum over t and f of  q(t) / |q| * w_f g(d, t, f) idf(t) / |a idf|

the cosine of query and photo; each summand is the share of a term in a field. e is the learned table
(`word_tables.Expansion`), r the dictionary (`word_tables.RelatedWords`). With captions alone, weight 1 and no related
terms this is scikit-learn's `TfidfVectorizer(sublinear_tf=True)` with our analyzer, but for the offset of its IDF,
which is 1. Probabilities count in whole 1/255, so that df is a whole number, and adding and then removing photos
restores it exactly.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from photosearch.records import Document, Match
from photosearch.search.fields import ALL, Field
from photosearch.search.index.door import SearchIndex
from photosearch.search.index.filters import Filters
from photosearch.search.index.growing import Keep, grow, in_memory
from photosearch.search.index.lexicon import Lexicon
from photosearch.search.index.ranking import Ranking, Viewed, best_of
from photosearch.search.index.scoring import (
    Asked,
    QueryTerm,
    count_postings,
    own_vector,
    scores_of,
)
from photosearch.search.index.state import State
from photosearch.search.index.tables import Tables
from photosearch.search.index.views import View, count_df, make_view, update_df, update_view
from photosearch.search.query import NO_REFINEMENT, Query, Refine, Sort, parse_words

MAX_VIEWS = 8  # kept for one state; each takes 12 bytes a photo


class Index(SearchIndex):
    """An immutable index over one state of a collection; a later state shares what did not change."""

    filters: Filters

    def __init__(
        self, documents: Iterable[Document] = (), tables: Tables | None = None, keep: Keep = in_memory
    ) -> None:
        """Index documents; an id occurs once, two photos may hold the same text.

        Args:
            documents: the photos, in any order, and too many to be in memory together.
            tables: what the index depends on besides them.
            keep: writes a segment that is full to a file, and returns it mapped from there.

        Raises:
            ValueError: an id occurs twice.
        """
        tables = tables or Tables()
        empty = np.zeros(0, np.int64)
        self._set(*grow(Lexicon(language=tables.language), tables, State(), empty, empty, documents, (), keep), None)
        ids = np.concatenate([np.zeros(0, "S1"), *(segment.ids for segment in self.state.segments)])
        if len(self.state.segments) > 1 and len(np.unique(ids)) < len(ids):
            raise ValueError("a photo occurs twice")

    def _set(
        self, lexicon: Lexicon, tables: Tables, state: State, df: np.ndarray, words: np.ndarray, view: View | None
    ) -> None:
        self.lexicon = lexicon
        self.tables = tables
        self.state = state
        self.df = df  # int64 (terms), over all fields
        self.word_counts = words  # int64 (words)
        self.filters = Filters(state, lexicon, tables)
        self._views: OrderedDict[frozenset[Field], View] = OrderedDict()
        self._making = threading.Lock()
        self._earlier_views: tuple[State, Mapping[frozenset[Field], View]] = (State(), {})  # those of the last state
        self._views[ALL] = view or make_view(state.parts(), df, tables.kind_weights(ALL), state.n_photos)

    @classmethod
    def of(
        cls, lexicon: Lexicon, tables: Tables, state: State, df: np.ndarray, words: np.ndarray, view: View | None = None
    ) -> Index:
        """Make an index from its parts; `view` is the one over all fields."""
        made = cls.__new__(cls)
        made._set(lexicon, tables, state, df, words, view)
        return made

    def updated(self, documents: Iterable[Document], removed: Iterable[str] = (), keep: Keep = in_memory) -> Index:
        """Return the index after some photos were added, changed or removed; it equals one built from nothing.

        Args:
            documents: the photos added and changed; of several with one id in a list the last counts.
            removed: ids of photos; those that are among the documents stay.
            keep: as for a new index.
        """
        if isinstance(documents, Sequence):
            documents = {document.photo_id: document for document in documents}.values()
        before = self.lexicon, self.tables, self.state, self.df, self.word_counts
        lexicon, tables, state, df, words = grow(*before, documents, removed, keep)
        made = Index.of(lexicon, tables, state, df, words, update_view(self.view, self.state, state, df))
        with self._making:
            made._earlier_views = self.state, dict(self._views)
        made.follow(self)
        return made

    def __len__(self) -> int:
        return self.state.n_photos

    # Finding

    def search(
        self, query: str, *, top: int, fields: frozenset[Field] = ALL, expand: bool = True
    ) -> tuple[int, list[Match]]:
        """Find photos by cosine similarity; signs in the query mean nothing.

        Args:
            query: a description; words that no photo holds count for nothing.
            top: how many matches at most.
            fields: the fields that are searched.
            expand: whether related words count, too.

        Returns:
            How many photos score above 0, and the best of them: by score, then by photo id.

        Raises:
            ValueError: `top` is negative.
        """
        if top < 0:
            raise ValueError(f"top is {top}; it must be at least 0")
        ranking = self.find(parse_words(query), fields=fields, expand=expand)
        return len(ranking), self.matches(ranking, top)

    def find(
        self,
        query: Query,
        *,
        fields: frozenset[Field] = ALL,
        expand: bool = True,
        refine: Refine = NO_REFINEMENT,
        n: int = 0,  # noqa: ARG002 - all are ranked
    ) -> Ranking:
        """Rank photos as every index does: here all that score above 0 and pass the filters."""
        view = self._view(query.fields or fields)
        sort = Sort.NEWEST if refine.sort is Sort.SCORE and not query.is_scored else refine.sort
        rankings = [self._rank(plain, view, expand, refine, sort) for plain in query.plain]
        return best_of(rankings).without_weak(refine.cutoff)

    def _rank(self, query: Query, view: View, expand: bool, refine: Refine, sort: Sort) -> Ranking:
        """Rank photos by a query without alternatives; all that pass score 1 where it has filters only."""
        filtered = query.has_filter or refine.has_filter
        if not query.is_scored:
            scores = np.zeros(self.state.n_rows, np.float32)
            if filtered:
                scores[self.filters.passing(query, refine)] = 1.0
            return self._ranking(view, {}, scores, sort)
        query_terms = self._vectorizer(view).query(query.text, expand=expand, prefixes=query.prefixes)
        scores = scores_of(self.state.segments, self.state.offsets, query_terms, view)
        if filtered:
            scores *= self.filters.passing(query, refine)
        return self._ranking(view, query_terms, scores, sort)

    def similar(self, photo_id: str, *, fields: frozenset[Field] = ALL, n: int = 0) -> Ranking:  # noqa: ARG002
        """Rank the other photos by the cosine of their vectors with this one's; none for an unknown photo."""
        view = self._view(fields)
        row = self.state.row(photo_id)
        query_terms = (
            {} if row is None else own_vector(self.state.segments, self.state.offsets, row, view, self.lexicon)
        )
        scores = scores_of(self.state.segments, self.state.offsets, query_terms, view)
        if row is not None:
            scores[row] = 0.0
        return self._ranking(view, query_terms, scores)

    def like(self, document: Document, *, fields: frozenset[Field] = ALL, n: int = 0) -> Ranking:  # noqa: ARG002
        """Rank the photos by the cosine of their vectors with that of a photo that need not be in the index."""
        view = self._view(fields)
        query_terms = self._vectorizer(view).document(document)
        return self._ranking(view, query_terms, scores_of(self.state.segments, self.state.offsets, query_terms, view))

    def _ranking(
        self, view: View, query_terms: Mapping[int, QueryTerm], scores: np.ndarray, sort: Sort = Sort.SCORE
    ) -> Ranking:
        n_found = int(np.count_nonzero(scores.view(np.int32)))
        return Ranking(Viewed(self.state, view), (query_terms,), scores, n_found, sort=sort, drift=view.drift)

    def rank(self, query: str, photo_id: str, *, fields: frozenset[Field] = ALL, expand: bool = True) -> int | None:
        """Return the rank, from 1, of one photo in the answer to a query; None when it is not found."""
        row = self.state.row(photo_id)
        return None if row is None else self.find(parse_words(query), fields=fields, expand=expand).place(row)

    def n_postings(self, query: str, *, expand: bool = True) -> int:
        """Count the postings that are read to answer a query."""
        view = self.view
        query_terms = self._vectorizer(view).query(query, expand=expand)
        asked = Asked.of(query_terms, view)
        return sum(count_postings(segment, asked, view) for segment in self.state.segments)

    # Views

    def _view(self, fields: frozenset[Field]) -> View:
        """Return the view over these fields, which is kept once made."""
        with self._making:  # several threads would make the same view, and fill the memory
            if fields not in self._views:
                self._views[fields] = self._made_view(fields)
                if len(self._views) > MAX_VIEWS:
                    self._views.pop(next(chosen for chosen in self._views if chosen != ALL))
            self._views.move_to_end(fields)
            return self._views[fields]

    def _made_view(self, fields: frozenset[Field]) -> View:
        """Make a view, from that of the last state where there was one."""
        before, views = self._earlier_views
        if fields in views:
            df = update_df(views[fields], before, self.state, len(self.df))
            return update_view(views[fields], before, self.state, df)
        weights, parts = self.tables.kind_weights(fields), self.state.parts()
        return make_view(parts, count_df(parts, len(self.df), weights), weights, len(self))
