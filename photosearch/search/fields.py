"""The fields of a photo: what text each field holds, and how much it counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np

from photosearch.pictures.names import all_name_words, lens_words, searched_names
from photosearch.records import Document, Facts
from photosearch.search.word_tables import Hypernyms
from photosearch.words.analyzer import is_pair, respelled, terms


class Field(StrEnum):
    """A part of a photo's texts."""

    HUMAN = "human"  # a person's sentence, which replaces the captions
    CAPTION = "caption"
    SENTENCES = "sentences"  # the captioner's other sentences
    CONCEPTS = "concepts"  # predicted search terms
    OBJECTS = "objects"
    LABELS = "labels"
    OWNER = "owner"  # what came with the photo
    CAMERA = "camera"  # what it was taken with
    NAMES = "names"  # of its folder and file


ALL = frozenset(Field)


@dataclass(frozen=True)
class FieldGroup:
    """Fields that people choose together: in a query, on the command line, on the Search page."""

    name: str  # after `by:` and `--by`
    title: str  # on the page, and in its address
    fields: frozenset[Field]


# Every field belongs to one group.
GROUPS = (
    FieldGroup("caption", "captions", frozenset({Field.HUMAN, Field.CAPTION, Field.SENTENCES})),
    FieldGroup("concepts", "concepts", frozenset({Field.CONCEPTS})),
    FieldGroup("objects", "objects", frozenset({Field.OBJECTS})),
    FieldGroup("labels", "labels", frozenset({Field.LABELS})),
    FieldGroup("owner", "owner's words", frozenset({Field.OWNER})),
    FieldGroup("camera", "cameras", frozenset({Field.CAMERA})),
    FieldGroup("names", "names", frozenset({Field.NAMES})),
)
BY: Mapping[str, frozenset[Field]] = {group.name: group.fields for group in GROUPS}
PLACES: Mapping[str, str] = {  # where a word was found, as the page says it
    Field.HUMAN: "in the corrected caption",
    Field.CAPTION: "in the caption",
    Field.SENTENCES: "in another sentence of the captioner",
    Field.CONCEPTS: "in the predicted concepts",
    Field.OBJECTS: "in the objects",
    Field.LABELS: "in the labels",
    Field.OWNER: "in the owner's words",
    Field.CAMERA: "in the names of camera and lens",
    Field.NAMES: "in the names of folder and file",
}
# The models' weights maximise the mean of R@10 on dev, coco-dev and everyday-dev (`python -m training.weights`; what
# was tried: training/README.md). The others are set by hand: a person's correction counts more than the surest
# prediction; an owner's words are true, but may say what the picture does not show; a camera's name says nothing of the
# picture, and is seldom what a word means; a folder's or file's name is the owner's word, but often stands for many
# photos at once, or for what they are for.
WEIGHTS: Mapping[Field, float] = {
    Field.HUMAN: 8.0,
    Field.CAPTION: 0.5,
    Field.SENTENCES: 0.2,
    Field.CONCEPTS: 6.25,
    Field.OBJECTS: 1.6,
    Field.LABELS: 3.0,
    Field.OWNER: 4.0,
    Field.CAMERA: 1.0,
    Field.NAMES: 3.0,
}


@dataclass(frozen=True)
class FactUse:
    """How search and pages use a fact of a photo."""

    name: str  # of the fact, as in `records.Facts`
    title: str  # as pages call it
    field: Field | None = None  # where its words are searched; None: they are not
    key: str = ""  # to be typed before a colon, so that only photos with this fact are found; empty: no filter
    is_number: bool = False  # filters compare it: rating:>3
    searched: Callable[[str], str] = str  # returns the words of it that are searched
    filtered: Callable[[str], str] = str  # returns the words of it by which filters find it

    def value_of(self, facts: Facts) -> str:
        """Return the fact as a text; empty where it is unknown."""
        value = getattr(facts, self.name)
        return "" if value is None else str(value)


# A fact that is not listed here is kept, but is neither searched nor shown among the others.
FACTS = (
    FactUse("place", "Place", Field.OWNER, "place"),
    FactUse("area", "Near", Field.OWNER, "place"),
    FactUse("tagged", "Tagged", Field.OWNER),
    FactUse("music", "Music", Field.OWNER),
    FactUse("posted_by", "Posted by", Field.OWNER),
    FactUse("camera", "Camera", Field.CAMERA, "camera"),
    FactUse("lens", "Lens", Field.CAMERA, "lens", searched=lens_words, filtered=lens_words),
    FactUse("rating", "Rating", key="rating", is_number=True),
    FactUse("folder", "Folder", Field.NAMES, "folder", searched=searched_names, filtered=all_name_words),
    FactUse("file", "File", Field.NAMES, "file", searched=searched_names, filtered=all_name_words),
)
_USES: Mapping[Field | None, Sequence[FactUse]] = {  # those whose words are searched, by field; None: in any field
    None: [use for use in FACTS if use.field],
    **{field: [use for use in FACTS if use.field is field] for field in Field},
}
FILTERS: Mapping[str, FactUse] = {use.key: use for use in FACTS if use.key}  # facts of one key are filtered alike
OWNER_TERMS = 12  # terms of longer texts of the owner count less, so that they do not outweigh the rest
ROOTS: Mapping[Field, float] = dict.fromkeys(Field, 0.5) | {
    Field.CONCEPTS: 0.42
}  # exponents of probabilities, best on dev
PAIR = 0.7  # a pair of terms counts this share of a single term, both in photos and in queries
IDF_OFFSET = 3.0  # added to the logarithm of how rare a term is; with more, rare terms outweigh others less
STEP = 0.5  # each step up to a hypernym multiplies the probability by this
COUNT_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
FULL = 255  # stands for probability 1: sums of integers do not depend on the order of additions and removals
Analyze = Callable[[str], Iterable[str]]
Term = TypeVar("Term", str, int)  # by name or by number


class Posting(NamedTuple):
    """A term in one field of a photo."""

    field: Field
    term: str
    times: int  # how often it is said there, at most `FULL`; 0 when it is predicted
    prob: int  # the probability in 1/`FULL`, at least 1; `FULL` when it is said
    scale: float = 1.0

    @property
    def gain(self) -> float:
        """Return the factor of the field's weight: 1 + ln(count) when said, a power of p when predicted."""
        return self.scale * (1 + math.log(self.times) if self.times else (self.prob / FULL) ** ROOTS[self.field])

    @property
    def mass(self) -> float:
        """Return what it adds to the term's document frequency: 1 when said, the probability when predicted."""
        return self.prob / FULL


def owner_scale(n_terms: int) -> float:
    """Return the factor of each term in an owner's text of `n_terms` terms."""
    return min(1.0, OWNER_TERMS / max(n_terms, 1))


def concept_probs(probs: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the probabilities of predicted terms in 1/`FULL`: int64; 0 for those too improbable to count.

    Args:
        probs: float64.
        pairs: bool: which of the terms are pairs.
    """
    whole = np.rint(FULL * np.where(pairs, probs * PAIR ** (1 / ROOTS[Field.CONCEPTS]), probs))
    return np.clip(whole, 0, FULL).astype(np.int64)


def postings(
    document: Document, hypernyms: Hypernyms, analyze: Analyze = terms, analyze_owner: Analyze | None = None
) -> Iterator[Posting]:
    """Yield all terms of a photo, once for each field, as `text_postings` does, and its predicted terms."""
    yield from text_postings(document, hypernyms, analyze, analyze_owner)
    concepts = concept_terms(document.concepts)
    probs = concept_probs(np.array([*concepts.values()], float), np.array([*map(is_pair, concepts)], bool))
    for term, prob in zip(concepts, probs.tolist(), strict=True):
        if prob:
            yield Posting(Field.CONCEPTS, term, 0, prob)


def text_postings(
    document: Document, hypernyms: Hypernyms, analyze: Analyze = terms, analyze_owner: Analyze | None = None
) -> Iterator[Posting]:
    """Yield the terms of a photo but for the predicted ones, of which it has some two hundred.

    Args:
        document: the photo's texts.
        hypernyms: what labels and objects are a kind of.
        analyze: returns a text's terms, as `analyzer.terms` does.
        analyze_owner: the same for the owner's texts, which may be in another language.
    """
    if document.human:
        yield from _said(Field.HUMAN, document.human, analyze)
    else:
        yield from _said(Field.CAPTION, document.captions[:1], analyze)
        yield from _said(Field.SENTENCES, document.captions[1:], analyze)
    yield from _objects(document.objects, hypernyms)
    yield from _predicted(Field.LABELS, _label_terms(document.labels, hypernyms))
    owner = (*document.owner, *fact_texts(document.facts, Field.OWNER))
    yield from _said(Field.OWNER, owner, analyze_owner or analyze)
    yield from _said(Field.CAMERA, fact_texts(document.facts, Field.CAMERA), analyze)
    yield from _said(Field.NAMES, fact_texts(document.facts, Field.NAMES), analyze_owner or analyze)


def fact_texts(facts: Facts, field: Field | None = None) -> tuple[str, ...]:
    """Return the facts whose words are searched in a field; None: in any field."""
    known = ((use, value) for use in _USES[field] if (value := use.value_of(facts)))
    return tuple([said for use, value in known if (said := use.searched(value))])


def _said(field: Field, texts: Sequence[str], analyze: Analyze) -> Iterator[Posting]:
    if not texts:
        return
    found_terms = [term for text in texts for term in analyze(text)]
    scale = owner_scale(len(found_terms)) if field is Field.OWNER else 1.0
    for term, n in Counter(found_terms).items():
        yield Posting(field, term, min(n, FULL), FULL, scale)


def _predicted(field: Field, probs: Mapping[str, float]) -> Iterator[Posting]:
    for term, prob in probs.items():
        if (whole := round(FULL * prob)) > 0:
            yield Posting(field, term, 0, min(whole, FULL))


def concept_terms(stems: Mapping[str, float]) -> dict[str, float]:
    """Return a model's stems as terms with their probabilities."""
    found = [(term, prob) for stem, prob in stems.items() if (term := respelled(stem)) is not None]
    return join_concepts([term for term, _ in found], [prob for _, prob in found])


def join_concepts(terms: Sequence[Term], probs: Sequence[float]) -> dict[Term, float]:
    """Return the probability of each predicted term; stems that are one term count as if they were independent.

    By the most probable of them alone R@10 on dev would be .001 less.
    """
    joined = dict(zip(terms, probs, strict=True))
    if len(joined) < len(terms):
        of_several = {term for term, n in Counter(terms).items() if n > 1}
        missing = dict.fromkeys(of_several, 1.0)  # the probability that none of its stems is meant
        for term, prob in zip(terms, probs, strict=True):
            if term in of_several:
                missing[term] *= 1 - prob
        joined |= {term: 1 - of_none for term, of_none in missing.items()}
    return joined


def _objects(objects: Sequence[tuple[str, float]], hypernyms: Hypernyms) -> Iterator[Posting]:
    """Yield objects and their numbers as said, their hypernyms as predicted."""
    if not objects:
        return
    scores: dict[str, float] = {}
    counts: Counter[str] = Counter()
    for label, score in objects:
        counts[label] += 1
        scores[label] = max(score, scores.get(label, 0.0))
    said: Counter[str] = Counter()
    for label, n in counts.items():
        for term in set(terms(label)):
            said[term] += n
        if 2 <= n <= len(COUNT_WORDS) + 1:
            said.update(dict.fromkeys(terms(COUNT_WORDS[n - 2]), 1))
    for term, n in said.items():
        yield Posting(Field.OBJECTS, term, min(n, FULL), FULL)
    above = {term: prob for term, prob in _label_terms(scores, hypernyms).items() if term not in said}
    yield from _predicted(Field.OBJECTS, above)


def _label_terms(labels: Mapping[str, float], hypernyms: Hypernyms) -> dict[str, float]:
    """Return terms of labels, synonyms and hypernyms with probabilities, which add up over labels."""
    probs: dict[str, float] = {}
    for label, prob in labels.items():
        for term, share in _label_shares(label, hypernyms):
            probs[term] = min(1.0, probs.get(term, 0.0) + prob * share)
    return probs


@lru_cache(maxsize=10_000)  # labels recur, and each has dozens of words
def _label_shares(label: str, hypernyms: Hypernyms) -> tuple[tuple[str, float], ...]:
    """Return the terms of a label, its synonyms and hypernyms, each with the share of the label's probability."""
    shares = dict.fromkeys(terms(label), 1.0)
    for phrase, steps in hypernyms.above(label):
        for term in terms(phrase):
            shares[term] = max(shares.get(term, 0.0), STEP**steps)
    return tuple(shares.items())
