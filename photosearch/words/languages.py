"""Languages of the owner's texts: which letters stay letters, and how words become terms.

Accents count for nothing (café, cafe), but for letters that an alphabet has besides those of English: año is not ano in
Spanish, nor schön schon in German. All that compares words asks here: ranking, filters, hashtags, beginnings,
suggestions.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import lru_cache

import Stemmer

from photosearch.words import analyzer
from photosearch.words.analyzer import STOP_WORDS, UNACCENTED, TermOf, term_of
from photosearch.words.spellings import GERMAN_PLURALS, spellings

_SCANDINAVIAN = {"å": "aa", "æ": "ae", "ø": "oe"}
# What each language's own letters are compared as, by the stemmer's name: where people without the key for a letter
# write two others for it (schoen, Aarhus), as these, else as itself.
OWN_LETTERS: Mapping[str, Mapping[str, str]] = {
    "spanish": {"ñ": "ñ"},
    "basque": {"ñ": "ñ"},
    "estonian": {letter: letter for letter in "äõöü"},
    "finnish": {letter: letter for letter in "åäö"},
    "swedish": {letter: letter for letter in "åäö"},
    "danish": _SCANDINAVIAN,
    "norwegian": _SCANDINAVIAN,
    "german": {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"},
}
LANGUAGES = frozenset(Stemmer.algorithms())  # with a stemmer
_GERMAN = "german"
_TWO_FOR_ONE = re.compile("ae|oe|(?<![aeq])ue")  # not in Frauen, neue, Quelle
_UMLAUTS = {"ae": "ä", "oe": "ö", "ue": "ü"}
_MIN_LAST_PART = 4  # letters of the last part of a compound: Apfelbäume


class Language:
    """The owner's language, or English; all words are given in lower case and NFKC."""

    def __init__(self, name: str = "") -> None:
        """Take one of `LANGUAGES`; empty: English, the language of captions."""
        self.name = name
        self._letters = {**UNACCENTED, **{ord(letter): other for letter, other in OWN_LETTERS.get(name, {}).items()}}
        self._stemmer = Stemmer.Stemmer(name or "english")
        # No past tense: rød is not ro in Danish.
        self._whole = tuple(f"{two}d" for two in OWN_LETTERS.get(name, {}).values() if len(two) == 2)
        self._stemming = threading.Lock()  # a stemmer is not thread-safe
        self.term_of: TermOf = lru_cache(100_000)(self._term_of) if name in OWN_LETTERS else term_of
        self._stem_of = lru_cache(100_000)(self._own_stem)
        self._plurals: Mapping[str, str] = {}
        if name == _GERMAN:
            plurals = spellings(GERMAN_PLURALS)
            self._plurals = {self._bare_german(many): self._bare_german(one) for many, one in plurals}

    def fold(self, word: str) -> str:
        """Return a word as it is compared letter by letter: without accents, but for the language's own letters."""
        return word if word.isascii() else word.translate(self._letters)

    def stem_of(self, word: str) -> str | None:
        """Return the term that the language's own stemmer makes of a word; None for a stop word, and in English."""
        return self._stem_of(word)

    def _term_of(self, word: str) -> str | None:
        folded = self.fold(word)
        return folded if folded.endswith(self._whole) else analyzer.term_of_folded(folded)

    def _own_stem(self, word: str) -> str | None:
        if not self.name or word in STOP_WORDS:
            return None
        return self.fold(self._german(word) if self.name == _GERMAN else self._stem(word)) or None

    def _stem(self, word: str) -> str:
        with self._stemming:
            return self._stemmer.stemWord(word)

    def _german(self, word: str) -> str:
        """Return a German word's stem with its umlauts, but for those of plurals (Häuser), which the stemmer undoes."""
        stem = self._bare_german(word)
        for start in range(max(1, len(stem) - _MIN_LAST_PART + 1)):
            if (one := self._plurals.get(stem[start:])) is not None:
                return stem[:start] + one
        return stem

    def _bare_german(self, word: str) -> str:
        """Return a word without the ending that the stemmer takes off, which otherwise only turns umlauts to vowels."""
        whole = _TWO_FOR_ONE.sub(lambda pair: _UMLAUTS[pair.group()], word.replace("ß", "ss"))
        return whole[: len(self._stem(whole))]


@lru_cache
def language_named(name: str) -> Language:
    """Return one of `LANGUAGES`; an empty name means English."""
    return Language(name)


ENGLISH = language_named("")
