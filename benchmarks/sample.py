"""The captions and queries that all search engines are measured on, in a folder."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from pathlib import Path

from benchmarks.captions import Statistics
from photosearch.words.analyzer import terms, words

N_MORE = 1_000  # captions beside those that are indexed, to be added
N_QUERIES = 200
TOP = 100
SEED, QUERY_SEED = 0, 1


@dataclass(frozen=True)
class Sample:
    """A folder of text files, a caption or a query a line."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, statistics: Statistics, n: int) -> Sample:
        """Draw `n` captions and some more, and queries like them."""
        ten = statistics.sample(N_QUERIES, QUERY_SEED, n_words=10)
        two = [pair for text in statistics.sample(2 * N_QUERIES, QUERY_SEED + 1) if (pair := two_words(text))]
        texts = {"captions": statistics.sample(n + N_MORE, SEED), "ten": ten, "two": two[:N_QUERIES]}
        for name, lines in texts.items():
            (folder / name).write_text("\n".join(lines), encoding="utf-8")
        return cls(folder)

    def captions(self, n: int, first: int = 0) -> list[str]:
        """Return some of the captions."""
        with (self.folder / "captions").open(encoding="utf-8") as lines:
            return [line.rstrip("\n") for line in itertools.islice(lines, first, first + n)]

    def queries(self, kind: str) -> list[str]:
        """Descriptions of ten words (`ten`), or pairs of words (`two`)."""
        return (self.folder / kind).read_text(encoding="utf-8").split("\n")


def two_words(caption: str) -> str:
    """Two different words of a caption that searching counts, in its order; empty where it has no two."""
    found = {term: word for word in words(caption) for term in terms(word)}
    chosen = random.Random(caption).sample(sorted(found), 2) if len(found) > 1 else []
    return " ".join(found[term] for term in found if term in chosen)
