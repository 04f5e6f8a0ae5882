"""What the Quality page shows: search measured, words counted, confidence, speed, models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from photosearch.evaluation.known_photos import SearchQuality, measure_search
from photosearch.evaluation.questions import KnownQuestion, Questions, read_questions
from photosearch.library import Library
from photosearch.library.measures import SureCaption, read_confidence, read_names
from photosearch.pipeline.speed import RunSpeed, read_speeds
from photosearch.records import UNWATCHED, Document, Watch
from photosearch.search.fields import Field
from photosearch.search.index import Index
from photosearch.vision.model_cards import ModelCard, list_cards
from photosearch.words.analyzer import term_of, words

TEXT_FIELDS = frozenset({Field.HUMAN, Field.CAPTION, Field.OWNER})  # sentences, not predictions
N_BINS = 24


@dataclass(frozen=True)
class WordCount:
    """A word of a collection's texts with its document frequency and weight."""

    word: str  # the most frequent one with its stem
    n_photos: int  # that have a word with this stem
    idf: float  # inverse document frequency


@dataclass(frozen=True)
class Bin:
    """A bar of a histogram."""

    low: float
    high: float
    n: int


def bins_of(values: Sequence[float]) -> list[Bin]:
    """Return a histogram of the values, with at most `N_BINS` bars; none without values."""
    if not values:
        return []
    counts, edges = np.histogram(values, bins=min(N_BINS, len(values)))
    return [Bin(float(low), float(high), int(n)) for low, high, n in zip(edges, edges[1:], counts, strict=False)]


class Quality:
    """How well captions and search work in the collections of a library. Only reads."""

    def __init__(self, library: Library, index: Callable[[str], Index], models_dir: Path) -> None:
        """Measure a library.

        Args:
            library: whose collections are measured.
            index: returns a collection's index as it stands; raises `CollectionNotFound`.
            models_dir: the folder of the built-in models; imported ones are in the library's folder.
        """
        self._library = library
        self._index = index
        self._models_dir = models_dir

    def read_questions(self, collection: str, text: str) -> Questions:
        """Read queries with photos of a collection; raises `CollectionNotFound`, or as `questions.read_questions`."""
        return read_questions(text, read_names(self._library, collection))

    def measure(self, collection: str, questions: Questions, watch: Watch = UNWATCHED) -> SearchQuality:
        """Measure search in a collection; raises `CollectionNotFound`, or as `measure_search`."""
        return measure_search(self._index(collection), questions.asked, watch)

    def file_names(self, collection: str) -> dict[str, str]:
        """Return the file name of each photo, by its id; raises `CollectionNotFound`."""
        names = read_names(self._library, collection)
        return {name.photo_id: name.file_name for name in names}

    def corrections(self, collection: str) -> Questions:
        """Return people's corrections as queries for their photos; raises `CollectionNotFound`."""
        return _corrections(self._library.documents(collection))

    def measure_corrections(self, collection: str, watch: Watch = UNWATCHED) -> SearchQuality:
        """Measure search with people's corrections as queries, in an index without the corrections.

        Raises:
            CollectionNotFound: there is no such collection.
            PhotosearchError: there are no corrections.
        """
        documents = self._library.documents(collection)
        without = [replace(document, human=()) for document in documents if document.human]
        index = self._index(collection).updated(without)
        return measure_search(index, _corrections(documents).asked, watch)

    def words(self, collection: str) -> list[WordCount]:
        """Count the words of captions and owners' texts, the most common first; raises `CollectionNotFound`."""
        documents = self._library.documents(collection)
        readable = _readable(documents)
        terms = self._index(collection).term_counts(TEXT_FIELDS)
        counts = [WordCount(readable.get(term.term, term.term), round(term.df), term.idf) for term in terms]
        return sorted(counts, key=lambda count: (-count.n_photos, count.word))

    def confidence(self, collection: str) -> list[SureCaption]:
        """Return the models' captions that nobody corrected, the least confident first; raises `CollectionNotFound`."""
        return read_confidence(self._library, collection)

    def speeds(self) -> list[RunSpeed]:
        """Return how fast the latest runs in this library were, the last one at the end."""
        return read_speeds(self._library.folder)

    def cards(self) -> list[ModelCard]:
        """List the models with their cards."""
        return list_cards(self._models_dir, self._library.folder / "models")


def _corrections(documents: list[Document]) -> Questions:
    return Questions(
        tuple(
            KnownQuestion(text, (document.photo_id,))
            for document in documents
            for text in document.human
            if text.strip()
        )
    )


def _readable(documents: list[Document]) -> dict[str | None, str]:
    """Return the most frequent word of each term."""
    texts = (text for d in documents for text in (*(d.human or d.captions[:1]), *d.owner))
    counts = Counter(word for text in texts for word in words(text))
    by_term: dict[str | None, str] = {}
    for word, _ in counts.most_common():
        by_term.setdefault(term_of(word), word)
    return by_term
