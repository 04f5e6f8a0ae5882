"""The TF-IDF index over a photo's fields: build, add, remove, search, explain.

For photo d, field f and term t in a collection of N photos (`photosearch.search.fields` says what a field holds):

    a(d, t) = sum over f of  w_f * g(d, t, f)          g = 1 + ln(count) where said, p^fields.ROOTS where predicted
    df(t)   = sum over d of  max over f of m           m = 1 where said, p where predicted
    idf(t)  = 1 + ln((1 + N) / (1 + df(t)))
    q(t)    = c(t) idf(t) + sum over the query's other terms s of  e(s, t) c(s) idf(s)     c = 1 + ln(count),
                                                         for a pair of neighbouring terms  fields.PAIR (1 + ln(count))
                                                         of a term s that no photo holds also  r(s, t) c(s) idf(t)
    score   = sum over t and f of  q(t) / |q| * w_f g(d, t, f) idf(t) / |a idf|

the cosine of query and photo; each summand is the share of a term in a field. e is the learned table
(`word_tables.Expansion`), r the dictionary (`word_tables.RelatedWords`). With captions alone, weight 1 and
no related terms this is scikit-learn's `TfidfVectorizer(sublinear_tf=True)` with our analyzer. Probabilities count in
whole 1/255, so that df is a whole number, and what was added and removed leaves no trace.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np

from photosearch.analyzer import terms
from photosearch.records import Document, Match, TermCount
from photosearch.search.fields import ALL, FULL, Field
from photosearch.search.index.draft import make_segment
from photosearch.search.index.filters import Filters
from photosearch.search.index.lexicon import Lexicon
from photosearch.search.index.ranking import Ranking, round_scores
from photosearch.search.index.scoring import Asking, Source, Wanted, exact, scores_of, shares_of, touched
from photosearch.search.index.segment import key_terms
from photosearch.search.index.spelling import N_SUGGESTIONS, Spelling
from photosearch.search.index.state import State, count_words
from photosearch.search.index.tables import Tables
from photosearch.search.index.views import View, count_df, make_view
from photosearch.search.query import NO_REFINEMENT, Query, Refine, Sort, parse_words

MAX_VIEWS = 8  # kept of one state, 12 bytes a photo each


class Index:
    """An immutable index over one state of a collection; a later state shares what did not change."""

    def __init__(self, documents: Iterable[Document] = (), tables: Tables | None = None) -> None:
        """Index documents; an id occurs once, two photos may hold the same text.

        Args:
            documents: the photos, in any order.
            tables: what is read beside them.
        """
        tables = tables or Tables()
        lexicon = Lexicon()
        segment = make_segment(documents, lexicon, tables.hypernyms, tables.stem_owner)
        state = State().grown(segment)
        df = count_df(state.parts(), len(lexicon.terms), tables.kind_weights(ALL))
        self._set(lexicon, tables, state, df, count_words(state.parts(), len(lexicon.words)), None)

    def _set(
        self, lexicon: Lexicon, tables: Tables, state: State, df: np.ndarray, words: np.ndarray, view: View | None
    ) -> None:
        self.lexicon = lexicon
        self.tables = tables
        self.state = state
        self.df = df  # int64 (terms), over all fields
        self.word_counts = words  # int64 (words)
        self.filters = Filters(state, lexicon)
        self._views: OrderedDict[frozenset[Field], View] = OrderedDict()
        self._making = threading.Lock()
        self._views[ALL] = view or make_view(state.parts(), df, tables.kind_weights(ALL))

    @classmethod
    def of(
        cls, lexicon: Lexicon, tables: Tables, state: State, df: np.ndarray, words: np.ndarray, view: View | None = None
    ) -> Index:
        """An index from its parts; `view` is the one over all fields."""
        made = cls.__new__(cls)
        made._set(lexicon, tables, state, df, words, view)
        return made

    def updated(self, documents: Iterable[Document], removed: Iterable[str] = ()) -> Index:
        """A later state, in which some photos are new or changed and some are gone; the same as built afresh."""
        latest = {document.photo_id: document for document in documents}
        segment = make_segment(latest.values(), self.lexicon, self.tables.hypernyms, self.tables.stem_owner)
        state, dropped = self.state.without([*latest, *removed])
        n_terms, n_words = len(self.lexicon.terms), len(self.lexicon.words)
        added, weights = [(segment, np.arange(len(segment)))], self.tables.kind_weights(ALL)
        df = _widened(self.df, n_terms) + count_df(added, n_terms, weights) - count_df(dropped, n_terms, weights)
        words = _widened(self.word_counts, n_words) + count_words(added, n_words) - count_words(dropped, n_words)
        return Index.of(self.lexicon, self.tables, state.grown(segment), df, words)

    def __len__(self) -> int:
        return self.state.n_photos

    @property
    def view(self) -> View:
        """The one over all fields."""
        return self._view(ALL)

    # Finding

    def search(
        self, query: str, *, top: int, fields: frozenset[Field] = ALL, expand: bool = True
    ) -> tuple[int, list[Match]]:
        """Find photos by cosine similarity; signs in the query mean nothing.

        Args:
            query: a description; words that no photo holds count for nothing.
            top: matches wanted at most.
            fields: what is searched.
            expand: whether related words count, too.

        Returns:
            How many photos score above 0, and the best of them: by score, then by photo id.

        Raises:
            ValueError: `top` is negative.
        """
        if top < 0:
            raise ValueError(f"top is {top}; it must be at least 0")
        found = self.find(parse_words(query), fields=fields, expand=expand)
        return len(found), self.matches(found, top)

    def find(
        self, query: Query, *, fields: frozenset[Field] = ALL, expand: bool = True, refine: Refine = NO_REFINEMENT
    ) -> Ranking:
        """All photos that score above 0 and pass the filters; by date, where nothing but filters was asked.

        What the query says of fields goes before `fields`.
        """
        view = self._view(query.fields or fields)
        filtered = query.has_filter or refine.has_filter
        if not terms(query.text):
            marks = np.zeros(self.state.n_rows, np.float32)
            if filtered:
                marks[self.filters.passing(query, refine)] = 1.0
            sort = Sort.NEWEST if refine.sort is Sort.SCORE else refine.sort
            return self._ranking(view, {}, marks, sort)
        wanted = self._asking(view).query(query.text, expand=expand)
        marks = scores_of(self.state.segments, self.state.offsets, wanted, view)
        if filtered:
            marks *= self.filters.passing(query, refine)
        return self._ranking(view, wanted, marks, refine.sort).without_weak(refine.cutoff)

    def similar(self, photo_id: str, *, fields: frozenset[Field] = ALL) -> Ranking:
        """The other photos by the cosine of their vectors with this one's; none where there is no such photo."""
        view = self._view(fields)
        row = self.state.row(photo_id)
        wanted = {} if row is None else self._vector(row, view)
        marks = scores_of(self.state.segments, self.state.offsets, wanted, view)
        if row is not None:
            marks[row] = 0.0
        return self._ranking(view, wanted, marks)

    def like(self, document: Document, *, fields: frozenset[Field] = ALL) -> Ranking:
        """The photos by the cosine of their vectors with that of a photo that need not be here."""
        view = self._view(fields)
        wanted = self._asking(view).document(document)
        return self._ranking(view, wanted, scores_of(self.state.segments, self.state.offsets, wanted, view))

    def _ranking(self, view: View, wanted: Mapping[int, Wanted], marks: np.ndarray, sort: Sort = Sort.SCORE) -> Ranking:
        return Ranking(self.state, view, wanted, marks, int(np.count_nonzero(marks.view(np.int32))), sort=sort)

    def matches(self, ranking: Ranking, top: int | None = None, offset: int = 0) -> list[Match]:
        """What was found, or some of it, in order: ids, scores, and the shares that add up to them."""
        rows, found = ranking.best(len(ranking) if top is None else offset + top, offset)
        shares = shares_of(found, len(rows), ranking.wanted, self.lexicon)
        ids = map(bytes.decode, self.state.ids(rows).tolist())
        return list(map(Match._make, zip(ids, round_scores(found.scores).tolist(), shares, strict=True)))

    def rank(self, query: str, photo_id: str, *, fields: frozenset[Field] = ALL, expand: bool = True) -> int | None:
        """The rank, from 1, of one photo in the answer to a query; None where it is not found."""
        row = self.state.row(photo_id)
        return None if row is None else self.find(parse_words(query), fields=fields, expand=expand).place(row)

    def n_postings(self, query: str, *, expand: bool = True) -> int:
        """How many postings answering a query touches."""
        view = self.view
        wanted = self._asking(view).query(query, expand=expand)
        parts = [touched(segment, wanted, view) for segment in self.state.segments]
        return sum(int((part.ends - part.starts).sum()) for part in parts)

    def _asking(self, view: View) -> Asking:
        return Asking(self.lexicon, view, self.tables, len(self))

    def _vector(self, row: int, view: View) -> dict[int, Wanted]:
        """A photo's own vector, as something to look for."""
        every = {number: Wanted(1.0, ()) for number in self._numbers(row)}
        found = exact(self.state.segments, self.state.offsets, np.array([row]), every, view)
        weights: dict[int, float] = {}
        for number, added in zip(key_terms(found.keys).tolist(), found.added.tolist(), strict=True):
            weights[number] = weights.get(number, 0.0) + added
        return {n: Wanted(weight, (Source(self.lexicon.terms[n], weight),)) for n, weight in weights.items()}

    def _numbers(self, row: int) -> set[int]:
        """The terms that a photo holds."""
        place = int(np.searchsorted(self.state.offsets, row, side="right")) - 1
        segment, own = self.state.segments[place], row - int(self.state.offsets[place])
        return set(key_terms(segment.keys[segment.starts[own] : segment.starts[own + 1]]).tolist())

    # Words

    def term_counts(self, fields: frozenset[Field] = ALL) -> list[TermCount]:
        """How many photos hold each of these fields' terms, in no order."""
        view = self._view(fields)
        return [
            TermCount(self.lexicon.terms[number], float(view.df[number]) / FULL, float(view.idf[number]))
            for number in np.flatnonzero(view.idf).tolist()
        ]

    @cached_property
    def spelling(self) -> Spelling:
        """The words that do occur."""
        words = self.lexicon.words
        return Spelling(
            {words[number]: int(self.word_counts[number]) for number in np.flatnonzero(self.word_counts).tolist()}
        )

    def suggest(self, query: str, n: int = N_SUGGESTIONS) -> list[str]:
        """Words that do occur, as `Spelling.suggest` finds them."""
        return self.spelling.suggest(query, n)

    def complete(self, start: str, n: int = N_SUGGESTIONS) -> list[str]:
        """Words that start so, as `Spelling.complete` finds them."""
        return self.spelling.complete(start, n)

    def correct(self, query: Query) -> str | None:
        """The query with words that occur nowhere replaced by words that do, as `Spelling.correct` does."""
        unknown = [word for start, end in query.spans for word in terms(query.raw[start:end]) if not self.knows(word)]
        return self.spelling.correct(query, self.knows) if unknown else None

    def knows(self, term: str) -> bool:
        """Whether searching has a use for a term: some photo holds it, or one that is related to it."""
        asking = self._asking(self.view)
        stem_owner = self.tables.stem_owner
        others = [*asking.related(term), *((stem_owner(term) or term,) if stem_owner else ())]
        return asking.holds(term) or any(asking.holds(other) for other in others)

    # Views

    def _view(self, fields: frozenset[Field]) -> View:
        """The index over these fields; kept once made."""
        with self._making:  # several at once would fill the memory with the same
            if fields not in self._views:
                weights = self.tables.kind_weights(fields)
                parts = self.state.parts()
                self._views[fields] = make_view(parts, count_df(parts, len(self.df), weights), weights)
                if len(self._views) > MAX_VIEWS:
                    self._views.pop(next(chosen for chosen in self._views if chosen != ALL))
            self._views.move_to_end(fields)
            return self._views[fields]


def _widened(counts: np.ndarray, length: int) -> np.ndarray:
    """Counts with zeros for what is new."""
    return np.concatenate([counts, np.zeros(length - len(counts), np.int64)])
