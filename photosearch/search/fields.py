"""A photo's text by field: what each field holds, and how much it counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from photosearch.analyzer import is_pair, terms
from photosearch.records import Document
from photosearch.search.word_tables import Hypernyms


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
# The models' weights maximised the mean of R@10 on dev and coco-dev (`python -m training.weights`) before pairs were
# predicted; tuned anew they gain .003 there and lose .004 on dev (training/README.md). The other two are
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
ROOTS: Mapping[Field, float] = dict.fromkeys(Field, 0.5) | {Field.CONCEPTS: 0.42}  # of a probability, best on dev
PAIR = 0.7  # a predicted pair of terms counts this much of what a term does, on the photo's side and on the query's
STEP = 0.5  # a hypernym takes this share of the probability a step up
COUNT_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
FULL = 255  # probability 1: they are kept as whole numbers, whose sums do not depend on what was added and removed
Analyze = Callable[[str], Iterable[str]]


class Posting(NamedTuple):
    """A term in one field of a photo."""

    field: Field
    term: str
    times: int  # how often it is said there, at most `FULL`; 0 where it is predicted
    prob: int  # the probability in 1/`FULL`, at least 1; `FULL` where it is said
    scale: float = 1.0

    @property
    def gain(self) -> float:
        """What the field's weight is multiplied with: 1 + ln(count) where said, a root of p where predicted."""
        return self.scale * (1 + math.log(self.times) if self.times else (self.prob / FULL) ** ROOTS[self.field])

    @property
    def mass(self) -> float:
        """What it adds to the term's document frequency: 1 where said, the probability where predicted."""
        return self.prob / FULL


def owner_scale(n_terms: int) -> float:
    """How much a term of an owner's text of so many terms counts."""
    return min(1.0, OWNER_TERMS / max(n_terms, 1))


def postings(
    document: Document, hypernyms: Hypernyms, analyze: Analyze = terms, analyze_owner: Analyze | None = None
) -> Iterator[Posting]:
    """All terms of a photo, each once a field.

    Args:
        document: the photo's texts.
        hypernyms: what labels and objects are a kind of.
        analyze: a text's terms, as `analyzer.terms` gives them.
        analyze_owner: the same for the owner's texts, which may be in another language.
    """
    if document.human:
        yield from _said(Field.HUMAN, document.human, analyze)
    else:
        yield from _said(Field.CAPTION, document.captions[:1], analyze)
        yield from _said(Field.SENTENCES, document.captions[1:], analyze)
    pair = PAIR ** (1 / ROOTS[Field.CONCEPTS])
    yield from _predicted(Field.CONCEPTS, {t: p * pair if is_pair(t) else p for t, p in document.concepts.items()})
    yield from _objects(document.objects, hypernyms)
    yield from _predicted(Field.LABELS, _label_terms(document.labels, hypernyms))
    yield from _said(Field.OWNER, document.owner, analyze_owner or analyze)


def _said(field: Field, texts: Sequence[str], analyze: Analyze) -> Iterator[Posting]:
    if not texts:
        return
    found = [term for text in texts for term in analyze(text)]
    scale = owner_scale(len(found)) if field is Field.OWNER else 1.0
    for term, n in Counter(found).items():
        yield Posting(field, term, min(n, FULL), FULL, scale)


def _predicted(field: Field, probs: Mapping[str, float]) -> Iterator[Posting]:
    for term, prob in probs.items():
        if (whole := round(FULL * prob)) > 0:
            yield Posting(field, term, 0, min(whole, FULL))


def _objects(objects: Sequence[tuple[str, float]], hypernyms: Hypernyms) -> Iterator[Posting]:
    """Objects and how many there are are said; what they are a kind of is predicted."""
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
            said.update(dict.fromkeys((*terms(COUNT_WORDS[n - 2]), str(n)), 1))
    for term, n in said.items():
        yield Posting(Field.OBJECTS, term, min(n, FULL), FULL)
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
