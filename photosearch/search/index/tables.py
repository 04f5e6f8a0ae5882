"""The tables of words and the weights that an index depends on besides its photos."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np

from photosearch.pictures.names import OF_LENS
from photosearch.search.fields import COUNT_WORDS, FACTS, IDF_OFFSET, OWNER_TERMS, PAIR, ROOTS, STEP, WEIGHTS, Field
from photosearch.search.index.segment import by_kind
from photosearch.search.published import PUBLISHED
from photosearch.search.word_tables import (
    EXPANSION_FILE,
    HYPERNYMS_FILE,
    RELATED_FILE,
    Expansion,
    Hypernyms,
    RelatedWords,
)
from photosearch.words.analyzer import SPELLINGS, STOP_WORDS, TermOf
from photosearch.words.hashtags import DEFINITION
from photosearch.words.languages import OWN_LETTERS, Language, language_named
from photosearch.words.spellings import GERMAN_PLURALS


@dataclass(frozen=True)
class Tables:
    """The tables and settings that an index depends on besides its photos."""

    expansion: Expansion = field(default_factory=Expansion)
    related: RelatedWords = field(default_factory=RelatedWords)
    hypernyms: Hypernyms = field(default_factory=lambda: Hypernyms({}))
    owner_language: str = ""  # of the owner's texts, one of `languages.LANGUAGES`; empty: English like the captions
    public: bool = False  # whether only what the public demo publishes is searched (`search.published`)
    weights: Mapping[Field, float] = field(default_factory=lambda: WEIGHTS)

    @property
    def language(self) -> Language:
        """Return the owner's language, whose letters stay letters and whose stems count besides the English ones."""
        return language_named(self.owner_language)

    @property
    def term_of(self) -> TermOf:
        """Return the function that makes terms of words."""
        return self.language.term_of

    @cached_property
    def fingerprint(self) -> str:
        """Return a digest of all that postings and norms depend on besides the photos."""
        parts = (
            sorted(STOP_WORDS),
            SPELLINGS,
            DEFINITION,
            version("PyStemmer"),
            self.owner_language,
            self.public and sorted(PUBLISHED),
            (OWN_LETTERS.get(self.owner_language), GERMAN_PLURALS),
            sorted(self.weights.items()),
            (OWNER_TERMS, STEP, COUNT_WORDS, PAIR, IDF_OFFSET, sorted(ROOTS.items())),
            [(use.name, use.field, use.key) for use in FACTS],
            [pattern.pattern for pattern, _ in OF_LENS],
            self.hypernyms.table,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def kind_weights(self, chosen: frozenset[Field]) -> np.ndarray:
        """Return the weight of each kind, 0 for fields that are not chosen: float64 (kinds)."""
        return by_kind({field: self.weights[field] for field in chosen})


def read_tables(models_dir: Path, owner_language: str = "", *, public: bool = False) -> Tables:
    """Read the tables from the models' folder; raises `ModelError`."""
    return Tables(
        Expansion.load(models_dir / "expansion" / EXPANSION_FILE),
        RelatedWords.load(models_dir / "related" / RELATED_FILE),
        Hypernyms.load(models_dir / "hypernyms" / HYPERNYMS_FILE),
        owner_language,
        public,
    )
