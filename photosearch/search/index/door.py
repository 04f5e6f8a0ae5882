"""What searching asks of an index, wherever it keeps its photos: here in files, or in Milvus."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

from photosearch.records import Document, Match, TermCount
from photosearch.search.fields import ALL, FULL, Field
from photosearch.search.index.conditions import Conditions
from photosearch.search.index.lexicon import Lexicon
from photosearch.search.index.ranking import Ranking, round_scores
from photosearch.search.index.scoring import Vectorizer
from photosearch.search.index.spelling import N_SUGGESTIONS, Spelling
from photosearch.search.index.tables import Tables
from photosearch.search.index.views import View
from photosearch.search.query import NO_REFINEMENT, Query, Refine
from photosearch.words.analyzer import terms

_FEW = 20  # words are put in order anew where at least one in so many has changed


class SearchIndex(ABC):
    """An index over one state of a collection."""

    lexicon: Lexicon
    tables: Tables
    word_counts: np.ndarray  # int64 (words)
    filters: Conditions
    _earlier_words: tuple[np.ndarray, Spelling] | None = None  # an earlier state's counts and spelling

    @abstractmethod
    def __len__(self) -> int: ...

    # Finding

    @abstractmethod
    def find(
        self,
        query: Query,
        *,
        fields: frozenset[Field] = ALL,
        expand: bool = True,
        refine: Refine = NO_REFINEMENT,
        n: int = 0,
    ) -> Ranking:
        """Rank the photos that score above 0 and pass the filters; by date when the query has filters only.

        Fields that the query names replace `fields`.

        Args:
            query: a parsed query.
            fields: the fields that are searched.
            expand: whether related words count, too.
            refine: filters and order besides the query's.
            n: how many of the best will be asked for, where not all are ranked.
        """

    @abstractmethod
    def similar(self, photo_id: str, *, fields: frozenset[Field] = ALL, n: int = 0) -> Ranking:
        """Rank the other photos by the cosine of their vectors with this one's; none for an unknown photo."""

    @abstractmethod
    def like(self, document: Document, *, fields: frozenset[Field] = ALL, n: int = 0) -> Ranking:
        """Rank the photos by the cosine of their vectors with that of a photo that need not be in the index."""

    def matches(self, ranking: Ranking, top: int | None = None, offset: int = 0) -> list[Match]:
        """Return matches in order: ids, scores, and the shares that add up to them.

        Args:
            ranking: the photos found.
            top: how many at most; None: all.
            offset: matches left out before them.
        """
        rows, scored = ranking.best(len(ranking) if top is None else offset + top, offset)
        shares = ranking.shares(rows, scored, self.lexicon)
        ids = map(bytes.decode, ranking.photos.ids(rows).tolist())
        return list(map(Match._make, zip(ids, round_scores(scored.scores).tolist(), shares, strict=True)))

    # Words

    @abstractmethod
    def _view(self, fields: frozenset[Field]) -> View:
        """Return the view over these fields."""

    @property
    def view(self) -> View:
        """Return the view over all fields."""
        return self._view(ALL)

    def _vectorizer(self, view: View) -> Vectorizer:
        return Vectorizer(self.lexicon, view, self.tables, len(self))

    def term_counts(self, fields: frozenset[Field] = ALL) -> list[TermCount]:
        """Count the photos that hold each of these fields' terms, in no order."""
        view = self._view(fields)
        return [
            TermCount(self.lexicon.terms[number], float(view.df[number]) / FULL, float(view.idf[number]))
            for number in np.flatnonzero(view.idf).tolist()
        ]

    @cached_property
    def spelling(self) -> Spelling:
        """Return the words that occur in the photos' texts; made from those of an earlier state where few differ."""
        words, counts = self.lexicon.words, self.word_counts
        if self._earlier_words is not None:
            before, earlier = self._earlier_words
            changed = np.flatnonzero(counts != np.pad(before, (0, len(counts) - len(before))))
            if _FEW * len(changed) < len(counts):
                return earlier.updated({words[number]: int(counts[number]) for number in changed.tolist()})
        counted = {words[number]: int(counts[number]) for number in np.flatnonzero(counts).tolist()}
        return Spelling(counted, self.tables.term_of, self.tables.language.fold)

    def follow(self, earlier: SearchIndex) -> None:
        """Make the words' spelling from that of an earlier state of this index, if it was ever needed."""
        has_spelling = "spelling" in vars(earlier)
        self._earlier_words = (earlier.word_counts, earlier.spelling) if has_spelling else earlier._earlier_words

    def suggest(self, query: str, n: int = N_SUGGESTIONS) -> list[str]:
        """Return words that occur, as `Spelling.suggest` finds them."""
        return self.spelling.suggest(query, n)

    def complete(self, start: str, n: int = N_SUGGESTIONS) -> list[str]:
        """Return words that start so, as `Spelling.complete` finds them."""
        return self.spelling.complete(start, n)

    def correct(self, query: Query) -> str | None:
        """Return the query with unknown words replaced, as `Spelling.correct` does."""
        asked = (term for start, end in query.spans for term in terms(query.raw[start:end], self.tables.term_of))
        if all(map(self.knows, asked)):
            return None
        return self.spelling.correct(query, self.knows)

    def knows(self, term: str) -> bool:
        """Return whether some photo holds a term, or one that is related to it."""
        vectorizer = self._vectorizer(self.view)
        if vectorizer.holds(term):
            return True
        others = (*vectorizer.related(term), self.tables.language.stem_of(term) or term)
        return any(map(vectorizer.holds, others))
