"""Other ways to search, measured on the same captions: `python -m benchmarks.peers NAME SAMPLE N` prints JSON.

Each finds the best hundred photos for the words of a query. Those that accept terms get ours, so that all search for
the same. None of them explains its answers.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.process import Times, keep_to_one_core, run_module, timed
from benchmarks.sample import TOP, Sample
from photosearch.words.analyzer import terms

Search = Callable[[str], object]
MILLION = 1_000_000
LIMIT_S = 3600  # for one of them among a million


@dataclass(frozen=True)
class Peer:
    """Another search engine."""

    name: str
    build: Callable[[list[str]], Search]
    most: int = MILLION  # captions
    n_queries: int = 200


@dataclass(frozen=True)
class Compared:
    """Figures of a peer."""

    build_s: float
    ten: Times
    two: Times

    @classmethod
    def measure(cls, key: str, sample: Sample, n: int) -> Compared:
        """Measure in a process of its own."""
        found = run_module("benchmarks.peers", key, sample.folder, n, limit_s=LIMIT_S)
        return cls(found["build_s"], Times(**found["ten"]), Times(**found["two"]))


def older_system(captions: list[str]) -> Search:
    """Search as the older system does: each request fits a vectorizer, makes a dense table, compares and sorts."""
    import pandas as pd  # type: ignore[import-untyped]
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics.pairwise import cosine_similarity

    def search(query: str) -> object:
        vectorizer = TfidfVectorizer()
        table = pd.DataFrame(vectorizer.fit_transform(captions).toarray(), columns=vectorizer.get_feature_names_out())
        scores = cosine_similarity(table.to_numpy(), vectorizer.transform([query]).toarray()).ravel()
        return pd.Series(scores).sort_values(ascending=False).head(TOP)

    return search


def sparse_columns(captions: list[str]) -> Search:
    """Multiply scikit-learn's sparse matrix with the query."""
    vectorizer, matrix = _fit(captions)
    return lambda query: _best((matrix @ vectorizer.transform([query]).T).tocoo())


def sparse_rows(captions: list[str]) -> Search:
    """Multiply the query with the transposed matrix, which reads the query's terms only."""
    vectorizer, matrix = _fit(captions)
    turned = matrix.T.tocsr()
    return lambda query: _best((vectorizer.transform([query]) @ turned).tocoo())


def _fit(captions: list[str]) -> tuple:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer=terms, sublinear_tf=True)
    return vectorizer, vectorizer.fit_transform(captions)


def _best(found) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Return the `TOP` photos with scores above 0, best first."""
    scores, photos = found.data, found.coords[int(found.shape[1] > 1)]
    if len(scores) > TOP:
        chosen = np.argpartition(scores, -TOP)[-TOP:]
        scores, photos = scores[chosen], photos[chosen]
    return photos[np.argsort(-scores, kind="stable")]


def bm25s(captions: list[str], backend: str = "numpy") -> Search:
    """Index with the package bm25s in its default setting, on numpy."""
    import bm25s as package  # type: ignore[import-untyped]

    index = package.BM25(backend=backend)
    index.index([terms(caption) for caption in captions], show_progress=False)
    if backend == "numba":
        index.activate_numba_scorer()
    return lambda query: index.retrieve([terms(query)], k=TOP, show_progress=False, n_threads=0)


def bm25s_compiled(captions: list[str]) -> Search:
    """Index with bm25s on numba, which compiles it at the first query."""
    return bm25s(captions, "numba")


def fts5(captions: list[str]) -> Search:
    """Index with SQLite's full-text search, in memory."""
    database = sqlite3.connect(":memory:")
    database.execute(
        """CREATE VIRTUAL TABLE photo USING fts5(text, content='', tokenize="unicode61 tokenchars ''''")"""
    )
    rows = ((i, " ".join(terms(caption))) for i, caption in enumerate(captions))
    database.executemany("INSERT INTO photo(rowid, text) VALUES (?, ?)", rows)
    database.execute("INSERT INTO photo(photo) VALUES ('optimize')")
    statement = "SELECT rowid, rank FROM photo WHERE photo MATCH ? ORDER BY rank LIMIT ?"

    def search(query: str) -> object:
        return database.execute(statement, (" OR ".join(f'"{term}"' for term in terms(query)), TOP)).fetchall()

    return search


def tantivy(captions: list[str], *, count: bool = True) -> Search:
    """Index with tantivy, one segment in memory; it counts all matches, as ours does."""
    import tantivy as package

    analyzer = package.TextAnalyzerBuilder(package.Tokenizer.whitespace()).build()
    schema = package.SchemaBuilder().add_text_field("text", tokenizer_name="terms", index_option="freq").build()
    index = package.Index(schema)
    index.register_tokenizer("terms", analyzer)
    writer = index.writer(heap_size=1_000_000_000, num_threads=1)
    for caption in captions:
        writer.add_document(package.Document(text=" ".join(terms(caption))))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def search(query: str) -> object:
        clauses = [
            (package.Occur.Should, package.Query.term_query(schema, "text", term, index_option="freq"))
            for term in terms(query)
        ]
        return searcher.search(package.Query.boolean_query(clauses), limit=TOP, count=count).hits

    return search


def tantivy_uncounted(captions: list[str]) -> Search:
    """Index with tantivy, which skips photos that cannot be among the best."""
    return tantivy(captions, count=False)


PEERS = {
    "original": Peer("the older system's way: a dense DataFrame a request", older_system, 10_000, 5),
    "columns": Peer("scikit-learn sparse, `X @ q.T`", sparse_columns, n_queries=50),
    "rows": Peer("scikit-learn sparse, `q @ X.T.tocsr()`", sparse_rows),
    "bm25s": Peer("bm25s (numpy)", bm25s, n_queries=50),
    "bm25s-numba": Peer("bm25s (compiled by numba)", bm25s_compiled),
    "fts5": Peer("SQLite FTS5", fts5, n_queries=30),
    "tantivy": Peer("tantivy, hits counted as ours are", tantivy),
    "tantivy-uncounted": Peer("tantivy, hits not counted", tantivy_uncounted),
}


def main() -> None:
    """Measure one peer and print it."""
    key, folder, n = sys.argv[1:]
    keep_to_one_core()
    peer, sample = PEERS[key], Sample(Path(folder))
    captions = sample.captions(int(n))
    started = time.perf_counter()
    search = peer.build(captions)
    build_s = time.perf_counter() - started
    ten, two = (timed(search, sample.queries(kind)[: peer.n_queries]) for kind in ("ten", "two"))
    print(json.dumps(asdict(Compared(build_s, ten, two))))


if __name__ == "__main__":
    main()
