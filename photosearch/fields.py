"""A photo's text by field: what each field holds, and how much it counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from photosearch.analyzer import terms
from photosearch.hypernyms import Hypernyms
from photosearch.records import Document


class Field(StrEnum):
    """Where a photo holds a term."""

    HUMAN = "human"  # a person's sentence; there is no caption beside it
    CAPTION = "caption"
    SENTENCES = "sentences"  # the captioner's other sentences
    CONCEPTS = "concepts"  # predicted search terms
    OBJECTS = "objects"
    LABELS = "labels"
    OWNER = "owner"  # what came with the photo


ALL = frozenset(Field)
# The models' weights maximise the mean of R@10 on dev and coco-dev (`python -m training.weights`). The other two are
# set by hand: what a person says after looking counts more than the surest prediction; an owner's words are true,
# but say what the picture need not show.
WEIGHTS: Mapping[Field, float] = {
    Field.HUMAN: 8.0,
    Field.CAPTION: 1.0,
    Field.SENTENCES: 0.1,
    Field.CONCEPTS: 6.25,
    Field.OBJECTS: 1.25,
    Field.LABELS: 2.5,
    Field.OWNER: 4.0,
}
OWNER_TERMS = 12  # a longer text of the owner counts less a term, so that it does not drown its photo
STEP = 0.5  # a hypernym takes this share of the probability a step up
COUNT_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Posting:
    """A term in one field of a photo."""

    field: Field
    term: str
    gain: float  # what the field's weight is multiplied with: 1 + ln(count), or the root of a probability
    mass: float  # what it adds to the term's document frequency: 1 where said, the probability where predicted


def postings(document: Document, hypernyms: Hypernyms) -> Iterator[Posting]:
    """All terms of a photo, each once a field."""
    yield from _said(Field.HUMAN, document.human)
    if not document.human:
        yield from _said(Field.CAPTION, document.captions[:1])
        yield from _said(Field.SENTENCES, document.captions[1:])
    yield from _predicted(Field.CONCEPTS, document.concepts)
    yield from _objects(document.objects, hypernyms)
    yield from _predicted(Field.LABELS, _label_terms(document.labels, hypernyms))
    yield from _said(Field.OWNER, document.owner)


def _said(field: Field, texts: Iterable[str]) -> Iterator[Posting]:
    counts = Counter(term for text in texts for term in terms(text))
    scale = min(1.0, OWNER_TERMS / max(counts.total(), 1)) if field is Field.OWNER else 1.0
    for term, n in counts.items():
        yield Posting(field, term, scale * (1 + math.log(n)), 1.0)


def _predicted(field: Field, probs: Mapping[str, float]) -> Iterator[Posting]:
    for term, prob in probs.items():
        if prob > 0:
            yield Posting(field, term, math.sqrt(prob), prob)


def _objects(objects: Iterable[tuple[str, float]], hypernyms: Hypernyms) -> Iterator[Posting]:
    """Objects and how many there are are said; what they are a kind of is predicted."""
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
            said.update(dict.fromkeys((*terms(COUNT_WORDS[n - 2]), str(n)), 1))
    for term, n in said.items():
        yield Posting(Field.OBJECTS, term, 1 + math.log(n), 1.0)
    above = {term: prob for term, prob in _label_terms(scores, hypernyms).items() if term not in said}
    yield from _predicted(Field.OBJECTS, above)


def _label_terms(labels: Mapping[str, float], hypernyms: Hypernyms) -> dict[str, float]:
    """The terms of labels, of their synonyms and hypernyms, with probabilities; those of several labels add up."""
    found: dict[str, float] = {}
    for label, prob in labels.items():
        shares = dict.fromkeys(terms(label), 1.0)
        for phrase, steps in hypernyms.above(label):
            for term in terms(phrase):
                shares[term] = max(shares.get(term, 0.0), STEP**steps)
        for term, share in shares.items():
            found[term] = min(1.0, found.get(term, 0.0) + prob * share)
    return found
