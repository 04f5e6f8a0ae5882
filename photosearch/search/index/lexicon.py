"""Numbers for the names in an index: terms, the words they were written as, objects and hashtags."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import numpy as np

from photosearch.words.analyzer import is_pair
from photosearch.words.languages import ENGLISH, Language

OBJECT, HASHTAG = "object:", "#"  # what a facet's name starts with


class Names:
    """Names, numbered in the order in which they were added; none is ever removed."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = list(names)
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._adding = threading.Lock()

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __getitem__(self, number: int) -> str:
        return self._names[number]

    def get(self, name: str) -> int | None:
        """Return a name's number; None for an unknown name."""
        return self._numbers.get(name)

    def add(self, name: str) -> int:
        """Return a name's number; add the name when it is new."""
        number = self._numbers.get(name)
        if number is not None:
            return number
        with self._adding:
            number = self._numbers.setdefault(name, len(self._names))
            if number == len(self._names):
                self._names.append(name)
            return number


class Lexicon:
    """The names that all states of an index share. Names are only added, so older states stay valid."""

    def __init__(
        self,
        terms: Iterable[str] = (),
        words: Iterable[str] = (),
        facets: Iterable[str] = (),
        stems: Iterable[int] = (),
        *,
        language: Language = ENGLISH,
    ) -> None:
        """Take the names in order; `stems` has the number of each word's term, `language` makes those of new words."""
        self._language = language
        self.terms = Names(terms)
        self.words = Names(words)
        self.facets = Names(facets)
        self._stems = list(stems)
        self.word_terms = [self.terms[stem] for stem in self._stems]  # by the words' numbers
        self._adding = threading.Lock()

    def add_words(self, written: Iterable[str]) -> tuple[int, ...]:
        """Return the numbers of lower-case words, stop words left out; add words that are new."""
        numbers, get_number = [], self.words.get
        for word in written:
            number = get_number(word)
            if number is None:
                term = self._language.term_of(word)
                if term is None:
                    continue
                number = self._add_word(word, term)
            numbers.append(number)
        return tuple(numbers)

    def _add_word(self, word: str, term: str) -> int:
        with self._adding:
            if (number := self.words.get(word)) is None:
                self._stems.append(self.terms.add(term))  # before another thread can find the word
                self.word_terms.append(term)
                number = self.words.add(word)
            return number

    def terms_from(self, beginning: str) -> list[int]:
        """Return the numbers of the terms of which a word begins so, and of those that begin so themselves."""
        fold = self._language.fold
        prefix = fold(beginning)
        words = (self._stems[number] for number, word in enumerate(self.words) if fold(word).startswith(prefix))
        own = (number for number, term in enumerate(self.terms) if term.startswith(prefix) and not is_pair(term))
        return sorted({*words, *own})

    def snapshot(self) -> dict[str, list[str] | list[int]]:
        """Return all names at one moment, as the constructor takes them."""
        with self._adding:
            words, stems = list(self.words), list(self._stems)
            return {"terms": list(self.terms), "words": words, "facets": list(self.facets), "stems": stems}

    def stems(self) -> np.ndarray:
        """Return the number of each word's term: int32."""
        return np.array(self._stems, np.int32)
