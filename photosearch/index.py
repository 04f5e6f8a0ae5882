"""The TF-IDF index over a photo's fields: build, search, explain.

For photo d, field f and term t in a collection of N photos (`photosearch.fields` says what a field holds):

    a(d, t) = sum over f of  w_f * g(d, t, f)          g = 1 + ln(count) where said, sqrt(p) where predicted
    df(t)   = sum over d of  max over f of m           m = 1 where said, p where predicted
    idf(t)  = 1 + ln((1 + N) / (1 + df(t)))
    q(t)    = c(t) idf(t) + sum over the query's other terms s of  e(s, t) c(s) idf(s)     c = 1 + ln(count)
    score   = sum over t and f of  q(t) / |q| * w_f g(d, t, f) idf(t) / |a idf|

the cosine of query and photo; each summand is the share of a term in a field. With captions alone, weight 1 and
no expansion table this is scikit-learn's `TfidfVectorizer(sublinear_tf=True)` with our analyzer.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from photosearch.analyzer import terms
from photosearch.expansion import Expansion
from photosearch.fields import ALL, WEIGHTS, Field, postings
from photosearch.filters import SURE, Filters, Terms
from photosearch.hypernyms import Hypernyms
from photosearch.query import NO_REFINEMENT, Query, Refine, Sort, parse_words
from photosearch.records import Document, Match, Share, TermCount
from photosearch.spelling import N_SUGGESTIONS, Spelling

SCORE_DECIMALS = 9  # scores closer than this are equal; the photo's id then decides
_FIELDS = tuple(Field)


@dataclass(frozen=True)
class _View:
    """The index over some of the fields: postings by term, then by row; those of one photo in several fields adjoin."""

    starts: np.ndarray  # int64 (V + 1): where each term's postings begin
    rows: np.ndarray  # int32
    fields: np.ndarray  # int8
    weights: np.ndarray  # float64: w_f * g * idf / |a * idf|
    idf: np.ndarray  # float64 (V); 0 for a term that none of these fields holds


@dataclass(frozen=True)
class _Wanted:
    """What a query asks of one of the index's terms."""

    weight: float  # q(t) / |q|
    sources: tuple[tuple[str, float], ...]  # the query's terms that want it, with their parts of the weight


@dataclass(frozen=True)
class Ranking:
    """All that a query finds, in order, and what is needed to say why."""

    rows: np.ndarray  # int64
    scores: np.ndarray  # float64, rounded; 0 where nothing but filters was asked
    n_weak: int  # found, but left out by the cutoff
    wanted: Mapping[int, _Wanted]
    view: _View

    def __len__(self) -> int:
        return len(self.rows)

    def keep(self, places: np.ndarray | slice) -> Ranking:
        """Some of it."""
        return replace(self, rows=self.rows[places], scores=self.scores[places])


class Index:
    """An immutable index over one state of a collection."""

    def __init__(
        self,
        documents: Iterable[Document],
        *,
        expansion: Expansion | None = None,
        hypernyms: Hypernyms | None = None,
        weights: Mapping[Field, float] = WEIGHTS,
    ) -> None:
        """Index documents; an id occurs once, two photos may hold the same text."""
        ordered = sorted(documents, key=lambda d: d.photo_id)
        self._ids = np.array([d.photo_id for d in ordered], dtype=np.str_)
        self._expansion = expansion or Expansion()
        self._field_weights = np.array([weights[field] for field in _FIELDS])
        column: defaultdict[str, int] = defaultdict()
        column.default_factory = column.__len__  # a new term gets the next number
        rows, columns, fields = array("i"), array("i"), array("b")
        gains, masses = array("d"), array("d")
        number = {field: i for i, field in enumerate(_FIELDS)}
        above = hypernyms or Hypernyms({})
        for row, document in enumerate(ordered):
            for posting in postings(document, above):
                rows.append(row)
                columns.append(column[posting.term])
                fields.append(number[posting.field])
                gains.append(posting.gain)
                masses.append(posting.mass)
        self._column = dict(column)
        order = np.lexsort((np.array(rows, np.int32), np.array(columns, np.int32)))
        self._rows, self._columns = (np.array(values, np.int32)[order] for values in (rows, columns))
        self._fields = np.array(fields, np.int8)[order]
        self._gains, self._masses = (np.array(values, np.float64)[order] for values in (gains, masses))
        self._views: dict[frozenset[Field], _View] = {}
        self._making = threading.Lock()
        sure = self._masses >= SURE
        held = Terms(self._column, self._columns[sure], self._rows[sure], len(ordered))
        self.filters = Filters(ordered, self._column, held)
        self._spelling = Spelling(ordered)

    def __len__(self) -> int:
        return len(self._ids)

    def search(
        self, query: str, *, top: int, fields: frozenset[Field] = ALL, expand: bool = True
    ) -> tuple[int, list[Match]]:
        """Find photos by cosine similarity; signs in the query mean nothing.

        Args:
            query: a description; words that no photo holds count for nothing.
            top: matches wanted at most.
            fields: what is searched.
            expand: whether the expansion table counts.

        Returns:
            How many photos score above 0, and the best of them: by score, then by photo id.

        Raises:
            ValueError: `top` is negative.
        """
        if top < 0:
            raise ValueError(f"top is {top}; it must be at least 0")
        found = self.find(parse_words(query), fields=fields, expand=expand)
        return len(found), self.matches(found.keep(slice(top)))

    def find(
        self, query: Query, *, fields: frozenset[Field] = ALL, expand: bool = True, refine: Refine = NO_REFINEMENT
    ) -> Ranking:
        """Rank all photos that score above 0 and pass the filters; by date, where nothing but filters was asked.

        What the query says of fields goes before `fields`.
        """
        view = self._view(query.fields or fields)
        if not terms(query.text):
            rows = np.zeros(0, np.int64)
            if query.has_filter or refine.has_filter:
                rows = np.flatnonzero(self.filters.passing(query, refine))
            sort = Sort.NEWEST if refine.sort is Sort.SCORE else refine.sort
            return self._ordered(Ranking(rows, np.zeros(len(rows)), 0, {}, view), sort)
        wanted = self._wanted(query.text, view, expand)
        scores = self._scores(wanted, view)
        passes = scores > 0
        if query.has_filter or refine.has_filter:
            passes &= self.filters.passing(query, refine)
        return self._best_first(np.flatnonzero(passes), scores, wanted, view, refine)

    def similar(self, photo_id: str, *, fields: frozenset[Field] = ALL) -> Ranking:
        """The other photos by the cosine of their vectors with this one's; none where there is no such photo."""
        view = self._view(fields)
        row = self._row(photo_id)
        wanted: dict[int, _Wanted] = {}
        if row is not None:
            places = np.flatnonzero(view.rows == row)
            columns = np.searchsorted(view.starts, places, side="right") - 1
            weights: defaultdict[int, float] = defaultdict(float)
            for column, weight in zip(columns.tolist(), view.weights[places].tolist(), strict=True):
                weights[column] += weight
            names = self._names(weights)
            wanted = {column: _Wanted(weight, ((names[column], weight),)) for column, weight in weights.items()}
        scores = self._scores(wanted, view)
        if row is not None:
            scores[row] = 0.0
        return self._best_first(np.flatnonzero(scores > 0), scores, wanted, view, NO_REFINEMENT)

    def _best_first(
        self, found: np.ndarray, scores: np.ndarray, wanted: Mapping[int, _Wanted], view: _View, refine: Refine
    ) -> Ranking:
        rounded = np.minimum(scores[found].round(SCORE_DECIMALS), 1.0)
        strong = rounded >= refine.cutoff * rounded.max(initial=0.0)
        n_weak = len(found) - int(strong.sum())
        found, rounded = found[strong], rounded[strong]
        order = np.argsort(-rounded, kind="stable")  # rows are in the order of ids
        return self._ordered(Ranking(found[order], rounded[order], n_weak, wanted, view), refine.sort)

    def _ordered(self, ranking: Ranking, sort: Sort) -> Ranking:
        if sort is Sort.SCORE:
            return ranking
        return ranking.keep(self.filters.by_date(ranking.rows, newest_first=sort is Sort.NEWEST))

    def matches(self, ranking: Ranking) -> list[Match]:
        """The ids of what was found, with scores and the shares that add up to them."""
        shares = self._explain(ranking.rows, ranking.wanted, ranking.view)
        return [
            Match(str(self._ids[row]), float(score), parts)
            for row, score, parts in zip(ranking.rows, ranking.scores, shares, strict=True)
        ]

    def ids(self) -> list[str]:
        """The photos' ids, by row."""
        return [str(photo_id) for photo_id in self._ids]

    def rank(self, query: str, photo_id: str, *, fields: frozenset[Field] = ALL, expand: bool = True) -> int | None:
        """The rank, from 1, of one photo in the answer to a query; None where it is not found."""
        row = self._row(photo_id)
        if row is None:
            return None
        view = self._view(fields)
        scores = self._scores(self._wanted(query, view, expand), view).round(SCORE_DECIMALS)
        own = scores[row]
        return 1 + int((scores > own).sum() + (scores[:row] == own).sum()) if own > 0 else None

    def term_counts(self, fields: frozenset[Field] = ALL) -> list[TermCount]:
        """How many photos hold each of these fields' terms, in no order."""
        idf = self._view(fields).idf
        df = (1 + len(self)) / np.exp(idf - 1) - 1
        return [TermCount(term, float(df[i]), float(idf[i])) for term, i in self._column.items() if idf[i]]

    def _row(self, photo_id: str) -> int | None:
        row = int(np.searchsorted(self._ids, photo_id))
        return row if row < len(self) and self._ids[row] == photo_id else None

    def _names(self, columns: Container[int]) -> dict[int, str]:
        """The terms of some columns."""
        return {column: term for term, column in self._column.items() if column in columns}

    def _scores(self, wanted: Mapping[int, _Wanted], view: _View) -> np.ndarray:
        """Each photo's cosine: float64 (N,)."""
        scores = np.zeros(len(self))
        for column, want in wanted.items():
            here = slice(view.starts[column], view.starts[column + 1])
            np.add.at(scores, view.rows[here], want.weight * view.weights[here])
        return scores

    def _view(self, fields: frozenset[Field]) -> _View:
        """The index over these fields: df, norms and with them all weights depend on the choice; kept once made."""
        with self._making:  # several at once would fill the memory with the same
            if fields not in self._views:
                self._views[fields] = self._make_view(fields)
            return self._views[fields]

    def _make_view(self, fields: frozenset[Field]) -> _View:
        chosen = np.isin(self._fields, [i for i, field in enumerate(_FIELDS) if field in fields])
        rows, columns, of = self._rows[chosen], self._columns[chosen], self._fields[chosen]
        n_terms = len(self._column)
        first = np.flatnonzero(np.diff(rows, prepend=-1) | np.diff(columns, prepend=-1))  # of a term in a photo
        once = np.maximum.reduceat(self._masses[chosen], first) if len(first) else np.zeros(0)
        df = np.bincount(columns[first], once, minlength=n_terms)
        idf = np.where(df > 0, 1 + np.log((1 + len(self)) / (1 + df)), 0.0)
        weights = self._field_weights[of] * self._gains[chosen] * idf[columns]
        added = np.add.reduceat(weights, first) if len(first) else np.zeros(0)
        norms = np.sqrt(np.bincount(rows[first], added**2, minlength=len(self)))
        weights = np.divide(weights, norms[rows], out=np.zeros_like(weights), where=norms[rows] > 0)
        starts = np.searchsorted(columns, np.arange(n_terms + 1))
        return _View(starts, rows, of, weights, idf)

    def _wanted(self, query: str, view: _View, expand: bool) -> dict[int, _Wanted]:
        """The index's terms that a query asks for. A term that no photo holds is no dimension, as in scikit-learn."""
        unseen = 1 + math.log(1 + len(self))  # the idf of a term that no photo holds
        parts: dict[int, list[tuple[str, float]]] = {}
        for term, n in Counter(terms(query)).items():
            column = self._column.get(term)
            idf = view.idf[column] if column is not None else 0.0
            count = 1 + math.log(n)
            if column is not None and idf:
                parts.setdefault(column, []).append((term, count * idf))
            for other, weight in self._expansion.related(term) if expand else ():
                to = self._column.get(other)
                if to is not None and view.idf[to]:
                    parts.setdefault(to, []).append((term, weight * count * (idf or unseen)))
        norm = math.sqrt(sum(sum(part for _, part in wants) ** 2 for wants in parts.values()))
        return {
            column: _Wanted(sum(part for _, part in wants) / norm, tuple((term, part / norm) for term, part in wants))
            for column, wants in parts.items()
        }

    def _explain(self, best: np.ndarray, wanted: Mapping[int, _Wanted], view: _View) -> list[tuple[Share, ...]]:
        """Each found photo's shares, largest first: by term, field and the query's term that it answers."""
        place = np.full(len(self), -1)
        place[best] = np.arange(len(best))
        names = self._names(wanted)
        shares: list[list[Share]] = [[] for _ in best]
        for column, want in wanted.items():
            start, end = view.starts[column], view.starts[column + 1]
            at = place[view.rows[start:end]]
            for i in np.flatnonzero(at >= 0):
                weight, field = float(view.weights[start + i]), _FIELDS[view.fields[start + i]]
                shares[at[i]] += [Share(names[column], part * weight, field, source) for source, part in want.sources]
        return [tuple(sorted(parts, key=lambda part: (-part.share, part.term, part.field))) for parts in shares]

    def suggest(self, query: str, n: int = N_SUGGESTIONS) -> list[str]:
        """Words that do occur, as `Spelling.suggest` finds them."""
        return self._spelling.suggest(query, n)

    def correct(self, query: Query) -> str | None:
        """The query with words that occur nowhere replaced by words that do, as `Spelling.correct` does."""
        return self._spelling.correct(query, lambda term: term in self._column or bool(self._expansion.related(term)))
