"""All that a query finds, without putting it all in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from photosearch.search.index.scoring import Exact, Wanted, exact, slack
from photosearch.search.index.segment import NO_DATE
from photosearch.search.index.state import State
from photosearch.search.index.views import View
from photosearch.search.query import Sort

SCORE_DECIMALS = 9  # scores closer than this are equal; the photo's id then decides
_BLOCK = 256  # scores, at most, of which the best one stands for all while looking for the best
_BLOCKS = 8  # for each of the best that are looked for, at least


@dataclass(frozen=True, eq=False)
class Ranking:
    """What a query finds, and what is needed to order it and to say why."""

    state: State
    view: View
    wanted: Mapping[int, Wanted]  # empty where nothing but filters was asked
    marks: np.ndarray  # float32 (rows): the score in single precision, or 1 where nothing is scored; 0: not found
    n_found: int
    n_weak: int = 0  # found, but left out by the cutoff
    sort: Sort = Sort.SCORE

    def __len__(self) -> int:
        return self.n_found

    def best(self, n: int, after: int = 0) -> tuple[np.ndarray, Exact]:
        """The rows of the first `n` in order, without the first `after` of them, with what makes their scores."""
        n = min(n, self.n_found)
        rows = self._candidates(n)
        found = self._exact(rows)
        keys = [self.state.ids(rows), -round_scores(found.scores)]
        if self.sort is not Sort.SCORE:
            keys.append(self._date_keys(rows))
        order = np.lexsort(keys)[after:n]
        return rows[order], found.of(order)

    def found(self) -> np.ndarray:
        """The rows of all that is found, ascending."""
        return np.flatnonzero(self.marks)

    def only(self, rows: np.ndarray) -> Ranking:
        """Some of the rows."""
        marks = np.zeros_like(self.marks)
        marks[rows] = self.marks[rows]
        return replace(self, marks=marks, n_found=len(rows))

    def without_weak(self, share: float) -> Ranking:
        """Without what scores below a share of the best one."""
        if share <= 0 or not self.n_found or not self.wanted:
            return self
        _, best = replace(self, sort=Sort.SCORE).best(1)
        least = round_scores(best.scores)[0] * share
        strong = np.flatnonzero(self.marks >= least * (1 - slack(self.wanted)))
        unsure = self.marks[strong] <= least * (1 + slack(self.wanted))
        close = strong[unsure]
        kept = np.concatenate([strong[~unsure], close[round_scores(self._exact(close).scores) >= least]])
        return replace(self.only(kept), n_weak=self.n_found - len(kept))

    def place(self, row: int) -> int | None:
        """The place of a photo in the order of scores, from 1; None where it is not found."""
        if not self.marks[row]:
            return None
        give = slack(self.wanted)
        close = np.flatnonzero(
            (self.marks >= self.marks[row] * (1 - 2 * give)) & (self.marks <= self.marks[row] * (1 + 2 * give))
        )
        scores = round_scores(self._exact(close).scores)
        own = scores[np.searchsorted(close, row)]
        ids = self.state.ids(close)
        before = (scores > own) | ((scores == own) & (ids < self.state.ids(np.array([row]))[0]))
        return 1 + int((self.marks > self.marks[row] * (1 + 2 * give)).sum()) + int(before.sum())

    def _exact(self, rows: np.ndarray) -> Exact:
        return exact(self.state.segments, self.state.offsets, rows, self.wanted, self.view)

    def _candidates(self, n: int) -> np.ndarray:
        """Rows that the first `n` are among, not many more of them."""
        if self.sort is Sort.SCORE:
            return leading(self.marks, n, slack(self.wanted))
        if not n:
            return np.zeros(0, np.int64)
        rows = np.flatnonzero(self.marks)
        keys = self._date_keys(rows)
        last = np.partition(keys, n - 1)[n - 1]
        tied = rows[keys == last]
        rows = rows[keys < last]
        return np.concatenate([rows, tied[leading(self.marks[tied], n - len(rows), slack(self.wanted))]])

    def _date_keys(self, rows: np.ndarray) -> np.ndarray:
        """Numbers that are the smaller the earlier a photo comes by its date: int64."""
        taken = self.state.taken(rows)
        return np.where(taken == NO_DATE, np.iinfo(np.int64).max, -taken if self.sort is Sort.NEWEST else taken)


def round_scores(scores: np.ndarray) -> np.ndarray:
    """Scores as they are compared and shown."""
    return np.minimum(scores.round(SCORE_DECIMALS), 1.0)


def leading(marks: np.ndarray, n: int, give: float) -> np.ndarray:
    """The places of all marks above 0 that may be among the `n` largest, if each is off by a share of `give`.

    The best marks of blocks are marks: the n-th largest of them is no larger than the n-th largest of all, so that
    most blocks need not be looked into.
    """
    if not n:
        return np.zeros(0, np.int64)
    size = min(_BLOCK, len(marks) // (_BLOCKS * n))
    if size > 1:
        # The bits of numbers that are not negative are in the order of the numbers, and whole numbers are the quicker.
        best = np.maximum.reduceat(marks.view(np.int32), np.arange(0, len(marks), size)).view(np.float32)
        least = _least(best, n, give)
        chosen = np.flatnonzero(best >= least) * size
        places = (chosen[:, None] + np.arange(size)).ravel()
        places = places[: np.searchsorted(places, len(marks))]
        found = places[marks[places] >= least]
    else:
        found = np.flatnonzero(marks >= _least(marks, n, give))
    return found if len(found) <= 2 * n else found[marks[found] >= _least(marks[found], n, give)]


def _least(marks: np.ndarray, n: int, give: float) -> float:
    """What none of the `n` best falls short of, be it by rounding; above 0."""
    least = float(np.partition(marks, len(marks) - n)[len(marks) - n]) if n < len(marks) else 0.0
    return max(least * (1 - 2 * give) - 2 * 10**-SCORE_DECIMALS, float(np.finfo(np.float32).tiny))
