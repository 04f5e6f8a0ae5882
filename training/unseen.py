"""How well photos are found by a word that none of their texts holds: `python -m training.unseen --data FLICKR8K`.

The photos' texts are their human captions but for the first, which is the query. Each frequent word in turn is taken
out of all texts, as if this collection had never said it, and then searched for, alone and within the queries that hold
it, with the table of related words and without. The table was not learned from captions.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from photosearch.search.word_tables import RELATED_FILE, RelatedWords
from photosearch.words.analyzer import terms
from training.data import DEFAULT_DATA, DataMissing
from training.labels import ROOT

log = logging.getLogger("training.unseen")

LEAST_PHOTOS, MOST_SHARE = 5, 0.25  # of the photos whose texts hold a word that is hidden
N_TOP = 10
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """A word hidden from all texts."""

    has_related: bool
    precision: float  # mean precision of the photos that had it, searched by the word alone
    base: float  # what any order of the photos gives: the share of them that had it
    ranks: list[tuple[int, int]]  # of the queries' own photos, without the table and with it


class Captions:
    """Texts of photos as TF-IDF, with queries for them."""

    def __init__(self, captions: list[list[str]]) -> None:
        self.queries = [Counter(terms(texts[0])) for texts in captions]
        said = [Counter(term for text in texts[1:] for term in terms(text)) for texts in captions]
        self.columns = {term: i for i, term in enumerate(sorted(set().union(*said)))}
        rows = [row for row, counts in enumerate(said) for _ in counts]
        columns = [self.columns[term] for counts in said for term in counts]
        weights = [1 + np.log(n) for counts in said for n in counts.values()]
        matrix = scipy.sparse.csr_matrix((weights, (rows, columns)), (len(said), len(self.columns)))
        self.df = np.bincount(columns, minlength=len(self.columns))
        self.idf = 1 + np.log((1 + len(said)) / (1 + self.df))
        self.matrix = scipy.sparse.csr_matrix(matrix.multiply(self.idf))
        self.squares = np.asarray(self.matrix.multiply(self.matrix).sum(axis=1)).ravel()

    def frequent(self) -> list[str]:
        """Return the terms to hide."""
        most = MOST_SHARE * len(self.queries)
        return [term for term, column in self.columns.items() if LEAST_PHOTOS <= self.df[column] <= most]

    def hide(self, term: str, words: RelatedWords) -> Trial:
        """Search for a term that is taken out of all texts."""
        hidden = np.asarray(self.matrix[:, self.columns[term]].todense()).ravel()
        norms = np.sqrt(np.maximum(self.squares - hidden**2, 1e-9))
        related = self._related(term, words)
        added: Scores = (self.matrix @ related) / norms
        had = hidden > 0
        ranks = list(self._ranks(term, norms, added))
        return Trial(bool(related.any()), _mean_precision(added, had), float(had.mean()), ranks)

    def _ranks(self, term: str, norms: Scores, added: Scores) -> Iterator[tuple[int, int]]:
        for photo, counts in enumerate(self.queries):
            if term in counts:
                plain = (self.matrix @ self._query(counts, term)) / norms
                yield _rank(plain, photo), _rank(plain + (1 + np.log(counts[term])) * added, photo)

    def unheard(self, words: RelatedWords) -> list[tuple[int, int]]:
        """Ranks as a trial's, of the queries with a word that no text holds as it is."""
        found, norms = [], np.sqrt(self.squares)
        for photo, counts in enumerate(self.queries):
            unheard = [term for term in counts if term not in self.columns]
            if unheard:
                plain = self._query(counts)
                both = plain + sum(((1 + np.log(counts[term])) * self._related(term, words) for term in unheard), 0.0)
                found.append((_rank(self.matrix @ plain / norms, photo), _rank(self.matrix @ both / norms, photo)))
        return found

    def _query(self, counts: Counter[str], hidden: str | None = None) -> Scores:
        query = np.zeros(len(self.columns))
        for term, n in counts.items():
            if term != hidden and term in self.columns:
                query[self.columns[term]] = (1 + np.log(n)) * self.idf[self.columns[term]]
        return query

    def _related(self, term: str, words: RelatedWords) -> Scores:
        """Return what a term adds to a query, with its own idf: that of the unheard word, the largest, finds less."""
        related = np.zeros(len(self.columns))
        for found in words.related(term):
            if found.term in self.columns:
                related[self.columns[found.term]] += found.weight * self.idf[self.columns[found.term]]
        return related


def _rank(scores: Scores, photo: int) -> int:
    return int((scores > scores[photo]).sum()) + 1


def _mean_precision(scores: Scores, relevant: NDArray[np.bool_]) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = relevant[order[scores[order] > 0]]
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precisions[hits].sum() / relevant.sum())


def measure(captions: Captions, words: RelatedWords) -> list[str]:
    """Hide each frequent word; returns the table's lines."""
    trials = [captions.hide(term, words) for term in captions.frequent()]
    related = sum(trial.has_related for trial in trials)
    precision, base = np.mean([(trial.precision, trial.base) for trial in trials], axis=0)
    unheard = captions.unheard(words)
    return [
        f"| {len(trials)} words, each hidden from {len(captions.queries)} photos | without | with the table |",
        "| --- | --- | --- |",
        f"| words that find anything | 0 | {related} |",
        f"| mean precision of the word alone (any order: {base:.3f}) | 0 | {precision:.3f} |",
        *_recalls("descriptions that hold it", [pair for trial in trials for pair in trial.ranks]),
        *_recalls("descriptions with a word that no text holds as it is", unheard),
    ]


def _recalls(what: str, ranks: list[tuple[int, int]]) -> list[str]:
    without, with_table = np.array(ranks).T
    return [
        f"| R@{n} of {len(ranks)} {what} | {(without <= n).mean():.3f} | {(with_table <= n).mean():.3f} |"
        for n in (N_TOP, 1)
    ]


def read_captions(folder: Path, split: str) -> Captions:
    """Read the first 1,000 photos' captions; raises `DataMissing`."""
    path = folder / f"captions-{split}.jsonl"
    if not path.is_file():
        raise DataMissing(f"{path} is missing. --data says where Flickr8k lies; see training/README.md.")
    rows = path.read_text(encoding="utf-8").splitlines()[:1_000]
    return Captions([json.loads(row)["captions"] for row in rows])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="Flickr8k's folder")
    parser.add_argument("--split", default="dev", choices=["dev", "train"], help="train: what constants are chosen on")
    parser.add_argument("--table", type=Path, default=ROOT / "related" / RELATED_FILE)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for line in measure(read_captions(options.data, options.split), RelatedWords.load(options.table)):
        log.info("%s", line)


if __name__ == "__main__":
    main()
