"""Searching 10,000 captions inside the process, beside scikit-learn's sparse product."""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from photosearch.analyzer import terms
from photosearch.concepts import N_TERMS
from photosearch.expansion import Expansion
from photosearch.index import Index
from photosearch.library import Reading
from photosearch.records import Caption, Document, Listing
from photosearch.settings import MODELS_DIR, Settings
from photosearch.stations import Findings, Station
from photosearch.workspace import Workspace

N_CAPTIONS = 10_000
N_QUERIES = 200
TOP = 100
BATCH = 500
COLLECTION = "bench"


def make_captions(n: int, vocabulary_path: Path = MODELS_DIR / "captioner" / "vocabulary.json") -> list[str]:
    """Sentences of the captioner's words, which its vocabulary lists by frequency, drawn by Zipf's law."""
    words = json.loads(vocabulary_path.read_text(encoding="utf-8"))[4:]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    draw = random.Random(0)
    return [" ".join(draw.choices(words, weights, k=draw.randint(7, 14))) for _ in range(n)]


def median_ms(work: Callable[[str], object], queries: list[str]) -> float:
    """The median time of one call, over all queries after a first one."""
    work(queries[0])
    took = []
    for query in queries:
        started = time.perf_counter()
        work(query)
        took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took)


def fill(workspace: Workspace, captions: list[str]) -> None:
    """A collection of photos with these captions, kept as the pipeline keeps them."""
    library = workspace.library
    library.merge(COLLECTION, "folder", [Listing(f"/photos/{i:06}.jpg", "") for i in range(len(captions))])
    model_id = library.model_id(Station.CAPTIONER, "bench", "b" * 64)
    pending = library.pending(COLLECTION, [model_id])
    for first in range(0, len(captions), BATCH):
        batch = range(first, min(first + BATCH, len(captions)))
        readings = [Reading(pending[i].id, "", f"{i:064}", 640, 480) for i in batch]
        told = {f"{i:064}": Findings(captions=(Caption(captions[i], -1.0, "bench"),)) for i in batch}
        library.save(readings, {model_id: told})


def make_documents(captions: list[str]) -> list[Document]:
    """The captions with 64 predicted terms each, as many as the concept model gives: drawn by Zipf's law."""
    names = list(json.loads((MODELS_DIR / "concepts" / "terms.json").read_text(encoding="utf-8")))
    weights = [1 / rank for rank in range(1, len(names) + 1)]
    draw = random.Random(1)
    probs = [0.9 / rank for rank in range(1, N_TERMS + 1)]
    return [
        Document(
            f"{i:06}",
            captions=(caption,),
            concepts=dict(zip(draw.choices(names, weights, k=N_TERMS), probs, strict=True)),
        )
        for i, caption in enumerate(captions)
    ]


def main() -> None:
    """Measure and print."""
    captions = make_captions(N_CAPTIONS)
    queries = make_captions(N_CAPTIONS + N_QUERIES)[N_CAPTIONS:]
    started = time.perf_counter()
    index = Index(Document(f"{i:06}", captions=(caption,)) for i, caption in enumerate(captions))
    built = time.perf_counter() - started
    documents = make_documents(captions)
    expansion = Expansion.load(MODELS_DIR / "expansion" / "expansion.txt")
    started = time.perf_counter()
    full = Index(documents, expansion=expansion)
    full.search(queries[0], top=TOP)
    full_built = time.perf_counter() - started
    vectorizer = TfidfVectorizer(analyzer=terms, sublinear_tf=True)
    matrix = vectorizer.fit_transform(captions)

    def peer(query: str) -> np.ndarray:
        scores = (matrix @ vectorizer.transform([query]).T).toarray().ravel()
        return np.argsort(-scores)[:TOP]

    with tempfile.TemporaryDirectory() as scratch:
        workspace = Workspace(Settings(Path(scratch)))
        fill(workspace, captions)
        whole = median_ms(lambda query: workspace.search(query, COLLECTION, top=TOP), queries)
        workspace.close()
    ours, theirs = median_ms(lambda query: index.search(query, top=TOP), queries), median_ms(peer, queries)
    print(
        f"search {N_CAPTIONS:,} captions, top {TOP} with photos and reasons, library included: {whole:.2f} ms\n"
        f"the index alone: {ours:.2f} ms (built in {built:.2f} s);"
        f" scikit-learn's product without reasons: {theirs:.2f} ms, {theirs / ours:.1f} times as long\n"
        f"the index with {N_TERMS} predicted terms a photo and related words:"
        f" {median_ms(lambda query: full.search(query, top=TOP), queries):.2f} ms (built in {full_built:.2f} s)"
    )


if __name__ == "__main__":
    main()
