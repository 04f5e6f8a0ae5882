"""Benchmark of searching 10,000 captions: with the library, and with predicted terms and related words."""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path

from benchmarks.captions import Statistics
from benchmarks.process import timed
from photosearch.library import Reading
from photosearch.records import Caption, Document, Findings, Listing, Station
from photosearch.search.index import Index, Tables
from photosearch.search.question import Question
from photosearch.search.word_tables import EXPANSION_FILE, Expansion
from photosearch.settings import MODELS_DIR, Settings
from photosearch.vision.concepts import N_PAIRS, N_TERMS
from photosearch.workspace import Workspace

N_CAPTIONS = 10_000
N_QUERIES = 200
TOP = 100
BATCH = 500
COLLECTION = "bench"


def fill(workspace: Workspace, captions: list[str]) -> None:
    """Fill a collection with photos that have these captions, saved as the pipeline saves them."""
    library = workspace.library
    library.merge(COLLECTION, "folder", [Listing(f"/photos/{i:06}.jpg", "") for i in range(len(captions))])
    model_id = library.model_id(Station.CAPTIONER, "bench", "b" * 64)
    pending = library.pending(COLLECTION, [model_id])
    for first in range(0, len(captions), BATCH):
        batch = range(first, min(first + BATCH, len(captions)))
        readings = [Reading(pending[i].id, "", f"{i:064}", 640, 480) for i in batch]
        findings = {f"{i:064}": Findings(captions=(Caption(captions[i], -1.0, "bench"),)) for i in batch}
        library.save(readings, {model_id: findings})


def make_documents(captions: list[str]) -> list[Document]:
    """Make documents of captions, each with as many predicted terms as the concept model gives, drawn by Zipf's law."""
    names = list(json.loads((MODELS_DIR / "concepts" / "terms.json").read_text(encoding="utf-8")))
    weights = [1 / rank for rank in range(1, len(names) + 1)]
    draw = random.Random(1)
    probs = [0.9 / rank for rank in range(1, N_TERMS + N_PAIRS + 1)]
    return [
        Document(
            f"{i:06}",
            captions=(caption,),
            concepts=dict(zip(draw.choices(names, weights, k=N_TERMS + N_PAIRS), probs, strict=True)),
        )
        for i, caption in enumerate(captions)
    ]


def main() -> None:
    """Measure, and print the figures."""
    statistics = Statistics.load()
    captions, queries = statistics.sample(N_CAPTIONS), statistics.sample(N_QUERIES, seed=1)
    expansion = Expansion.load(MODELS_DIR / "expansion" / EXPANSION_FILE)
    started = time.perf_counter()
    index = Index(make_documents(captions), tables=Tables(expansion=expansion))
    built_s = time.perf_counter() - started
    alone = timed(lambda query: index.search(query, top=TOP), queries)
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Workspace(Settings(Path(scratch)))
        fill(workspace, captions)
        whole = timed(lambda query: workspace.searcher.search(Question(query, COLLECTION, top=TOP)), queries)
        workspace.close()
    print(
        f"search {N_CAPTIONS:,} captions, top {TOP} with photos and reasons, library included:"
        f" {whole.median_ms:.2f} ms\n"
        f"the index alone, with {N_TERMS + N_PAIRS} predicted terms a photo and related words:"
        f" {alone.median_ms:.2f} ms (built in {built_s:.2f} s)"
    )


if __name__ == "__main__":
    main()
