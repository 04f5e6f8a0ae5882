"""The texts of a photo that phrases are searched in, and its hashtags."""

from __future__ import annotations

from collections.abc import Iterator

from photosearch.records import Document
from photosearch.search.fields import FACTS, Field, fact_texts
from photosearch.search.index.lexicon import HASHTAG, OBJECT
from photosearch.words.analyzer import terms
from photosearch.words.hashtags import find_hashtags, fold_hashtag
from photosearch.words.languages import ENGLISH, Language

SURE = 0.5  # a photo counts as showing what was predicted with at least this probability


def texts(document: Document) -> Iterator[str]:
    """Yield all texts of a photo: captions or corrections, the owner's texts, objects, sure labels."""
    yield from document.human or document.captions
    yield from document.owner
    yield from fact_texts(document.facts)
    yield from dict.fromkeys(label for label, _ in document.objects)
    yield from (label for label, prob in document.labels.items() if prob >= SURE)


def hashtags(document: Document, language: Language = ENGLISH) -> set[str]:
    """Return a photo's hashtags as they are compared, those in the owner's texts included.

    A keyword of several words is one hashtag, as people write them: "farm animal" is #farmanimal.
    """
    written = (tag for text in document.owner for tag in find_hashtags(text))
    tags = ("".join(tag.lstrip("#").split()) for tag in (*document.hashtags, *written))
    return {fold_hashtag(tag, language.fold) for tag in tags}


def facets(document: Document, language: Language = ENGLISH) -> set[str]:
    """Return the names of what filters may ask a photo for: objects, hashtags, facts and the terms of facts."""
    names = {OBJECT + label for label, _ in document.objects} | {HASHTAG + tag for tag in hashtags(document, language)}
    for use in FACTS:
        if use.key and (value := use.value_of(document.facts)):
            if use.field is not Field.NAMES:  # of which there are as many as photos
                names.add(fact_facet(use.key, value))
            if not use.is_number:
                said = terms(use.filtered(value), language.term_of)
                names.update(term_facet(use.key, term) for term in said)
    return names


def fact_facet(key: str, value: str = "") -> str:
    """Return the name of the facet for a whole fact; without a value, what these names start with."""
    return f"{key}={value}"


def term_facet(key: str, term: str) -> str:
    """Return the name of the facet for one term of a fact."""
    return f"{key}:{term}"
