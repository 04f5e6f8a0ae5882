"""The TF-IDF index: build, search, explain.

With t a term, d a photo's text, N texts and df(t) the texts that hold t:

    g(d, t) = 1 + ln(count of t in d)        idf(t) = 1 + ln((1 + N) / (1 + df(t)))
    score(q, d) = sum over t of  q(t) idf(t) * g(d, t) idf(t) / (|q idf| * |g idf|)

the cosine of two TF-IDF vectors, q counted like g. Each summand is the share of its term. This is
scikit-learn's `TfidfVectorizer(sublinear_tf=True)` with our analyzer.
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from photosearch.analyzer import STOP_WORDS, term_of, terms, words
from photosearch.records import Match, Share

SCORE_DECIMALS = 9  # scores closer than this are equal; the photo's id then decides
N_SUGGESTIONS = 6


@dataclass(frozen=True)
class _Postings:
    """The texts that hold a term, by row in increasing order, and their normalised weights."""

    rows: np.ndarray  # int32
    weights: np.ndarray  # float64, g * idf / |g * idf|


class Index:
    """An immutable index over one state of a collection."""

    def __init__(self, documents: Iterable[tuple[str, str]]) -> None:
        """Index photo ids with their texts; an id occurs once, two photos may have the same text."""
        texts = sorted(documents)
        self._ids = np.array([photo_id for photo_id, _ in texts], dtype=np.str_)
        counts = [Counter(terms(text)) for _, text in texts]
        rows: dict[str, list[int]] = {}
        gains: dict[str, list[float]] = {}
        for row, count in enumerate(counts):
            for term, n in count.items():
                rows.setdefault(term, []).append(row)
                gains.setdefault(term, []).append(1 + math.log(n))
        self._idf = {term: 1 + math.log((1 + len(texts)) / (1 + len(found))) for term, found in rows.items()}
        squares = np.zeros(len(texts))
        weighted = {term: np.array(gains[term]) * self._idf[term] for term in rows}
        for term, weights in weighted.items():
            squares[rows[term]] += weights**2
        norms = np.sqrt(squares)
        self._postings = {
            term: _Postings(np.array(rows[term], dtype=np.int32), weights / norms[rows[term]])
            for term, weights in weighted.items()
        }
        seen = Counter(word for _, text in texts for word in words(text) if word not in STOP_WORDS)
        self._words = [word for word, _ in seen.most_common()]

    def __len__(self) -> int:
        return len(self._ids)

    def search(self, query: str, *, top: int) -> tuple[int, list[Match]]:
        """Find texts by cosine similarity.

        Args:
            query: a description; words that no text holds count for nothing.
            top: matches wanted at most.

        Returns:
            How many texts score above 0, and the best of them: by score, then by photo id.

        Raises:
            ValueError: `top` is negative.
        """
        if top < 0:
            raise ValueError(f"top is {top}; it must be at least 0")
        # As scikit-learn has it: a word that no text holds is no dimension, so it does not lower the score.
        known = {
            term: (1 + math.log(n)) * self._idf[term] for term, n in Counter(terms(query)).items() if term in self._idf
        }
        if not known:
            return 0, []
        norm = math.sqrt(sum(weight**2 for weight in known.values()))
        scores = np.zeros(len(self))
        for term, weight in known.items():
            posting = self._postings[term]
            scores[posting.rows] += weight / norm * posting.weights
        found = np.flatnonzero(scores > 0)
        rounded = scores[found].round(SCORE_DECIMALS)
        if top < len(found):  # only what may be among the best is sorted; rows are in the order of ids
            least = np.partition(rounded, len(found) - top)[len(found) - top] if top else math.inf
            keep = rounded >= least
            found, rounded, n_found = found[keep], rounded[keep], len(found)
        else:
            n_found = len(found)
        best = found[np.argsort(-rounded, kind="stable")[:top]]
        shares: list[list[Share]] = [[] for _ in best]
        for term, weight in known.items():
            posting = self._postings[term]
            at = np.minimum(np.searchsorted(posting.rows, best), len(posting.rows) - 1)
            for i in np.flatnonzero(posting.rows[at] == best):
                shares[i].append(Share(term, float(weight / norm * posting.weights[at[i]])))
        return n_found, [
            Match(
                str(self._ids[row]),
                min(round(float(scores[row]), SCORE_DECIMALS), 1.0),
                tuple(sorted(parts, key=lambda part: (-part.share, part.term))),
            )
            for row, parts in zip(best, shares, strict=True)
        ]

    def suggest(self, query: str, n: int = N_SUGGESTIONS) -> list[str]:
        """Words that do occur: those spelled like the query's words first, then the most frequent ones."""
        alike = [
            near
            for word in words(query)[:N_SUGGESTIONS]
            for near in difflib.get_close_matches(word, self._words, n=2, cutoff=0.75)
        ]
        found: dict[str | None, str] = {}  # one word a term
        for word in [*alike, *self._words]:
            found.setdefault(term_of(word), word)
            if len(found) == n:
                break
        return list(found.values())
