"""Photos' texts become segments."""

from __future__ import annotations

import calendar
from array import array
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import cast

import numpy as np

from photosearch.records import Document
from photosearch.search.fields import Field, concept_probs, join_concepts, text_postings
from photosearch.search.index.lexicon import Lexicon
from photosearch.search.index.segment import (
    BREAK,
    CAPTIONED,
    CORRECTED,
    MAX_PHOTOS,
    MAX_POSTINGS,
    NO_DATE,
    Parts,
    Segment,
    finish,
    first_key,
    make_kind,
    ordered_by_photo,
)
from photosearch.search.index.tables import Tables
from photosearch.search.index.texts import facets, texts
from photosearch.search.published import published_document
from photosearch.words.analyzer import is_pair, respelled, words

_KNOWN_TEXTS = 100_000  # kept while building: a captioner writes the same sentence for many photos
_CONCEPT = make_kind(Field.CONCEPTS, predicted=True)


class Draft:
    """A segment in the making."""

    def __init__(self, lexicon: Lexicon, tables: Tables) -> None:
        self._lexicon = lexicon
        self._hypernyms = tables.hypernyms
        self._language = tables.language
        self._public = tables.public
        self._known: dict[str, tuple[int, ...]] = {}
        self._ids: list[bytes] = []
        self._starts, self._stream_starts, self._facet_starts = (array("q", [0]) for _ in range(3))
        self._keys, self._stream, self._facets = array("i"), array("i"), array("i")
        self._codes, self._flags = array("B"), array("B")
        self._scales, self._taken = array("d"), array("q")
        self._concepts, self._concept_probs = array("i"), array("d")  # terms by number, computed together at the end
        self._concept_starts = array("q", [0])
        self._concept_numbers: dict[str, int] = {}

    @property
    def is_full(self) -> bool:
        """Tell whether the segment should be finished, and the next photo go into another one."""
        return len(self._keys) + len(self._concepts) >= MAX_POSTINGS or len(self._ids) >= MAX_PHOTOS

    def add(self, document: Document) -> None:
        """Add a photo's postings, words, facets and date; in the public demo only of what that publishes."""
        if self._public:
            document = published_document(document)
        self._ids.append(document.photo_id.encode())
        add, scale = self._lexicon.terms.add, 1.0
        for field, term, times, prob, of_owner in text_postings(
            document, self._hypernyms, self._terms, self._owner_terms
        ):
            self._keys.append(first_key(add(term)) + make_kind(field, predicted=not times))
            self._codes.append(times or prob)
            if field is Field.OWNER:
                scale = of_owner
        self._starts.append(len(self._keys))
        self._add_concepts(document.concepts)
        self._scales.append(scale)
        self._add_texts(document)
        self._add_facts(document)

    def _add_concepts(self, stems: Mapping[str, float]) -> None:
        """Add predicted terms; those of all photos come from the same few thousand stems, whose numbers are kept.

        A stem that is no term has the number -1.
        """
        numbers = list(map(self._concept_numbers.get, stems))
        if None in numbers:
            terms = map(respelled, stems)
            self._concept_numbers |= {
                stem: -1 if term is None else self._lexicon.terms.add(term)
                for stem, term in zip(stems, terms, strict=True)
            }
            numbers = list(map(self._concept_numbers.get, stems))
        concepts = join_concepts(cast("list[int]", numbers), [*stems.values()])
        concepts.pop(-1, None)
        self._concepts.extend(concepts)
        self._concept_probs.extend(concepts.values())
        self._concept_starts.append(len(self._concepts))

    def _add_texts(self, document: Document) -> None:
        for text in texts(document):
            self._stream.extend(self._words(text))
            self._stream.append(BREAK)
        self._stream_starts.append(len(self._stream))

    def _add_facts(self, document: Document) -> None:
        taken_at = document.facts.dated_at
        self._taken.append(NO_DATE if taken_at is None else seconds(taken_at))
        is_captioned = any(document.human or document.captions)  # an empty correction means that no caption fits
        self._flags.append(CORRECTED * any(document.human) | CAPTIONED * is_captioned)
        self._facets.extend(sorted(map(self._lexicon.facets.add, facets(document, self._language))))
        self._facet_starts.append(len(self._facets))

    def _words(self, text: str) -> tuple[int, ...]:
        numbers = self._known.get(text)
        if numbers is None:
            if len(self._known) >= _KNOWN_TEXTS:
                self._known.clear()
            numbers = self._known[text] = self._lexicon.add_words(words(text))
        return numbers

    def _terms(self, text: str) -> list[str]:
        word_terms = self._lexicon.word_terms
        return [word_terms[word] for word in self._words(text)]

    def _owner_terms(self, text: str) -> list[str]:
        """Return the terms of an owner's text: English stems, and other stems of the owner's language."""
        english = self._terms(text)
        if not self._language.name:
            return english
        owner = map(self._language.stem_of, words(text))
        english_stems = set(english)
        return english + [stem for stem in owner if stem is not None and stem not in english_stems]

    def finish(self) -> Segment:
        """Return the finished segment; raises `ValueError` when an id occurs twice."""
        ids = np.array(self._ids, dtype=np.bytes_) if self._ids else np.zeros(0, "S1")
        starts, keys, codes = self._postings()
        segment = finish(
            Parts(
                ids,
                starts,
                keys,
                codes,
                np.array(self._scales, np.float64),
                np.array(self._stream_starts, np.int64),
                np.array(self._stream, np.int32),
                np.array(self._taken, np.int64),
                np.array(self._flags, np.uint8),
                np.array(self._facet_starts, np.int64),
                np.array(self._facets, np.int32),
            )
        )
        twice = np.flatnonzero(segment.ids[1:] == segment.ids[:-1])
        if len(twice):
            raise ValueError(f"photo {segment.ids[twice[0]].decode()} occurs twice")
        return segment

    def _postings(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return where each photo's postings start, and the keys, ascending within a photo, and codes of all."""
        pairs = np.array([*map(is_pair, self._lexicon.terms)], bool)
        terms = np.array(self._concepts, np.int64)
        probs = concept_probs(np.array(self._concept_probs), pairs[terms])
        rows = np.arange(len(self._ids))
        concept_rows = np.repeat(rows, np.diff(self._concept_starts))
        counts = probs > 0
        return ordered_by_photo(
            len(rows),
            np.concatenate([np.repeat(rows, np.diff(self._starts)), concept_rows[counts]]),
            np.concatenate([np.array(self._keys, np.int64), first_key(terms[counts]) + _CONCEPT]),
            np.concatenate([np.array(self._codes, np.int64), probs[counts]]),
        )


def make_segments(documents: Iterable[Document], lexicon: Lexicon, tables: Tables) -> Iterator[Segment]:
    """Yield segments of photos, a new one whenever one is full; raises `ValueError` when an id occurs twice in one."""
    draft = Draft(lexicon, tables)
    for document in documents:
        if draft.is_full:
            yield draft.finish()
            draft = Draft(lexicon, tables)
        draft.add(document)
    yield draft.finish()


def seconds(moment: datetime) -> int:
    """Return the seconds since 1970 of a moment without a time zone."""
    return calendar.timegm(moment.timetuple())
