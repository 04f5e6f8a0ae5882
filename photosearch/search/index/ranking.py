"""The photos that a query finds, of which only the first ones are put in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from photosearch.records import Share
from photosearch.search.index.lexicon import Lexicon
from photosearch.search.index.scoring import Exact, QueryTerm, exact, joined, shares_of, slack
from photosearch.search.index.segment import NO_DATE
from photosearch.search.index.state import State
from photosearch.search.index.views import View
from photosearch.search.query import Sort

SCORE_DECIMALS = 9  # scores closer than this are equal; the photo's id then decides
_BLOCK = 256  # scores at most in a block, whose best one is looked at first
_BLOCKS = 8  # at least, for each of the best scores wanted


class Photos(Protocol):
    """The photos that a ranking is of, by their rows."""

    @property
    def source(self) -> object:
        """Return what is the same for all rankings whose photos have the same rows."""

    def numbered(self, numbers: Mapping[str, int]) -> np.ndarray:
        """Return the number given for each row's photo by its id, -1 where none is: int64 (rows)."""

    def ids(self, rows: np.ndarray) -> np.ndarray:
        """Return the ids of some rows: bytes."""

    def taken(self, rows: np.ndarray) -> np.ndarray:
        """Return when the photos of some rows were taken: int64, as in `Segment.taken`."""

    def exact(self, rows: np.ndarray, query_terms: Mapping[int, QueryTerm]) -> Exact:
        """Score the photos of some rows from their own postings, in double precision."""


@dataclass(frozen=True, eq=False)
class Viewed:
    """All photos of an index, scored in some of the fields."""

    state: State
    view: View

    @property
    def source(self) -> object:
        """Return what is the same for all rankings whose photos have the same rows."""
        return self.state

    def numbered(self, numbers: Mapping[str, int]) -> np.ndarray:
        """Return the number given for each row's photo by its id, -1 where none is: int64 (rows)."""
        of_rows = np.full(self.state.n_rows, -1, np.int64)
        for photo_id, number in numbers.items():
            if (row := self.state.row(photo_id)) is not None:
                of_rows[row] = number
        return of_rows

    def ids(self, rows: np.ndarray) -> np.ndarray:
        """Return the ids of some rows: bytes."""
        return self.state.ids(rows)

    def taken(self, rows: np.ndarray) -> np.ndarray:
        """Return when the photos of some rows were taken: int64, as in `Segment.taken`."""
        return self.state.taken(rows)

    def exact(self, rows: np.ndarray, query_terms: Mapping[int, QueryTerm]) -> Exact:
        """Score the photos of some rows from their own postings, in double precision."""
        return exact(self.state.segments, self.state.offsets, rows, query_terms, self.view)


@dataclass(frozen=True, eq=False)
class Ranking:
    """The photos that a query finds, with what is needed to order them and to explain their scores."""

    photos: Photos
    queries: tuple[Mapping[int, QueryTerm], ...]  # alternatives; one is empty where it has filters only
    scores: np.ndarray  # float32 (rows): in single precision; 1 when the query has filters only; 0: not found
    n_found: int
    n_weak: int = 0  # found, but left out by the cutoff
    sort: Sort = Sort.SCORE
    chosen: np.ndarray | None = None  # uint8 (rows): the alternative that each photo fits best; None: there is only one
    drift: float = 0.0  # largest relative error of `scores` besides that of single precision
    has_more: bool = False  # whether photos were found that are not among the rows

    @property
    def is_scored(self) -> bool:
        """Return whether any word was asked."""
        return any(self.queries)

    @property
    def slack(self) -> float:
        """Return a share s such that photos whose `scores` are further apart than a share of 2s are in this order.

        With a relative error of d at most, (1 + d) / (1 - d) = 1 + 2s.
        """
        error = self.drift + max(map(slack, self.queries))
        return error / (1 - error)

    def __len__(self) -> int:
        return self.n_found

    def best(self, n: int, after: int = 0) -> tuple[np.ndarray, Exact]:
        """Return the rows ranked from `after` + 1 to `n`, in order, with what makes up their scores."""
        n = min(n, self.n_found)
        rows = self._candidates(n)
        scored = self._exact(rows)
        keys = [self.photos.ids(rows), -round_scores(scored.scores)]
        if self.sort is not Sort.SCORE:
            keys.append(self._date_keys(rows))
        order = np.lexsort(keys)[after:n]
        return rows[order], scored.of(order)

    def found(self) -> np.ndarray:
        """Return the rows of all photos found, ascending."""
        return np.flatnonzero(self.scores)

    def only(self, rows: np.ndarray) -> Ranking:
        """Return the ranking of some of the rows found."""
        scores = np.zeros_like(self.scores)
        scores[rows] = self.scores[rows]
        return replace(self, scores=scores, n_found=len(rows))

    def without_weak(self, share: float) -> Ranking:
        """Return the ranking without photos that score below a share of the best score."""
        if share <= 0 or not self.n_found or not self.is_scored:
            return self
        fits_wholly = self._fits_wholly()
        if fits_wholly.any():
            scored = self.only(np.flatnonzero((self.scores > 0) & ~fits_wholly)).without_weak(share)
            kept = np.flatnonzero(fits_wholly | (scored.scores > 0))
            return replace(self.only(kept), n_weak=scored.n_weak)
        _, best = replace(self, sort=Sort.SCORE).best(1)
        least = round_scores(best.scores)[0] * share
        strong = np.flatnonzero(self.scores >= least * (1 - self.slack))
        unsure = self.scores[strong] <= least * (1 + self.slack)
        close = strong[unsure]
        kept = np.concatenate([strong[~unsure], close[round_scores(self._exact(close).scores) >= least]])
        return replace(self.only(kept), n_weak=self.n_found - len(kept))

    def _fits_wholly(self) -> np.ndarray:
        """Return which photos were found by an alternative that has filters only: bool (rows)."""
        if self.chosen is None:
            return np.zeros(len(self.scores), bool)
        unscored = [number for number, query_terms in enumerate(self.queries) if not query_terms]
        return np.isin(self.chosen, unscored) & (self.scores > 0)

    def place(self, row: int) -> int | None:
        """Return the rank of a photo by score, from 1; None when it is not found."""
        if not self.scores[row]:
            return None
        slack_share = self.slack
        close = np.flatnonzero(
            (self.scores >= self.scores[row] * (1 - 2 * slack_share))
            & (self.scores <= self.scores[row] * (1 + 2 * slack_share))
        )
        exact_scores = round_scores(self._exact(close).scores)
        own = exact_scores[np.searchsorted(close, row)]
        ids = self.photos.ids(close)
        before = (exact_scores > own) | ((exact_scores == own) & (ids < self.photos.ids(np.array([row]))[0]))
        return 1 + int((self.scores > self.scores[row] * (1 + 2 * slack_share)).sum()) + int(before.sum())

    def _exact(self, rows: np.ndarray) -> Exact:
        if self.chosen is None:
            return self.photos.exact(rows, self.queries[0])
        parts = []
        # A photo fits an alternative that has filters only wholly.
        scores = np.full(len(rows), float(self.is_scored))
        for number, query_terms in enumerate(self.queries):
            own = np.flatnonzero(self.chosen[rows] == number)
            if query_terms and len(own):
                scored = self.photos.exact(rows[own], query_terms)
                scores[own] = scored.scores
                parts.append((own[scored.places], scored.keys, scored.added))
        places, keys, added = joined(parts, (np.int64, np.int32, np.float64))
        return Exact(places, keys, added, scores)

    def shares(self, rows: np.ndarray, scored: Exact, lexicon: Lexicon) -> list[tuple[Share, ...]]:
        """Return the shares of some rows, largest first."""
        if self.chosen is None:
            return shares_of(scored, len(rows), self.queries[0], lexicon)
        shares: list[tuple[Share, ...]] = [()] * len(rows)
        for number, query_terms in enumerate(self.queries):
            own = np.flatnonzero(self.chosen[rows] == number)
            for place, parts in zip(
                own.tolist(), shares_of(scored.of(own), len(own), query_terms, lexicon), strict=True
            ):
                shares[place] = parts
        return shares

    def _candidates(self, n: int) -> np.ndarray:
        """Return rows that hold the first `n`, and few others."""
        if self.sort is Sort.SCORE:
            return leading(self.scores, n, self.slack)
        if not n:
            return np.zeros(0, np.int64)
        rows = np.flatnonzero(self.scores)
        keys = self._date_keys(rows)
        last = np.partition(keys, n - 1)[n - 1]
        tied = rows[keys == last]
        rows = rows[keys < last]
        return np.concatenate([rows, tied[leading(self.scores[tied], n - len(rows), self.slack)]])

    def _date_keys(self, rows: np.ndarray) -> np.ndarray:
        """Return sort keys by date, ascending, photos without a date last: int64."""
        taken = self.photos.taken(rows)
        return np.where(taken == NO_DATE, np.iinfo(np.int64).max, -taken if self.sort is Sort.NEWEST else taken)


def best_of(rankings: Sequence[Ranking]) -> Ranking:
    """Return the ranking in which each photo has the largest of its scores."""
    if len(rankings) == 1:
        return rankings[0]
    scores = np.stack([ranking.scores for ranking in rankings])
    best = scores.max(0)
    return replace(
        rankings[0],
        queries=tuple(query_terms for ranking in rankings for query_terms in ranking.queries),
        scores=best,
        n_found=int(np.count_nonzero(best)),
        chosen=scores.argmax(0).astype(np.uint8),
    )


def round_scores(scores: np.ndarray) -> np.ndarray:
    """Return scores as they are compared and shown."""
    return np.minimum(scores.round(SCORE_DECIMALS), 1.0)


def leading(scores: np.ndarray, n: int, slack_share: float) -> np.ndarray:
    """Return the places of all scores above 0 that may be among the `n` largest.

    The n-th largest of the blocks' best scores is at most the n-th largest of all, so that most blocks need not be
    read.

    Args:
        scores: float32, at least 0.
        n: how many are wanted.
        slack_share: largest relative error of a score.
    """
    if not n:
        return np.zeros(0, np.int64)
    size = min(_BLOCK, len(scores) // (_BLOCKS * n))
    if size > 1:
        # Non-negative floats sort like their bits; integers compare faster.
        best = np.maximum.reduceat(scores.view(np.int32), np.arange(0, len(scores), size)).view(np.float32)
        least = _least(best, n, slack_share)
        chosen = np.flatnonzero(best >= least) * size
        places = (chosen[:, None] + np.arange(size)).ravel()
        places = places[: np.searchsorted(places, len(scores))]
        candidates = places[scores[places] >= least]
    else:
        candidates = np.flatnonzero(scores >= _least(scores, n, slack_share))
    if len(candidates) <= 2 * n:
        return candidates
    return candidates[scores[candidates] >= _least(scores[candidates], n, slack_share)]


def _least(scores: np.ndarray, n: int, slack_share: float) -> float:
    """Return a bound above 0 that all of the `n` best reach in spite of rounding."""
    least = float(np.partition(scores, len(scores) - n)[len(scores) - n]) if n < len(scores) else 0.0
    return max(least * (1 - 2 * slack_share) - 2 * 10**-SCORE_DECIMALS, float(np.finfo(np.float32).tiny))
