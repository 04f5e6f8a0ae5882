"""The names that an index knows by number: terms, the words they were written as, objects and hashtags."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import numpy as np

from photosearch.analyzer import term_of

OBJECT, HASHTAG = "object:", "#"  # what a facet's name starts with


class Names:
    """Names in the order in which they came, each with its place as its number; only ever grows."""

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
        """A name's number; None for an unknown one."""
        return self._numbers.get(name)

    def add(self, name: str) -> int:
        """A name's number, a new one if need be."""
        number = self._numbers.get(name)
        if number is not None:
            return number
        with self._adding:
            number = self._numbers.setdefault(name, len(self._names))
            if number == len(self._names):
                self._names.append(name)
            return number


class Lexicon:
    """What all states of an index share: an older state knows fewer of the names, and does not meet the others."""

    def __init__(
        self,
        terms: Iterable[str] = (),
        words: Iterable[str] = (),
        facets: Iterable[str] = (),
        stems: Iterable[int] = (),
    ) -> None:
        """`stems` are the numbers of the words' terms."""
        self.terms = Names(terms)
        self.words = Names(words)
        self.facets = Names(facets)
        self._stems = list(stems)
        self.word_terms = [self.terms[stem] for stem in self._stems]  # by the words' numbers
        self._adding = threading.Lock()

    def add_words(self, written: Iterable[str]) -> tuple[int, ...]:
        """The numbers of lower-case words, without stop words; new ones if need be."""
        found, known = [], self.words.get
        for word in written:
            number = known(word)
            if number is None:
                term = term_of(word)
                if term is None:
                    continue
                number = self._add_word(word, term)
            found.append(number)
        return tuple(found)

    def _add_word(self, word: str, term: str) -> int:
        with self._adding:
            if (number := self.words.get(word)) is None:
                self._stems.append(self.terms.add(term))  # before others can meet the word
                self.word_terms.append(term)
                number = self.words.add(word)
            return number

    def snapshot(self) -> dict[str, list[str] | list[int]]:
        """All of it at one moment, as the constructor takes it."""
        with self._adding:
            words, stems = list(self.words), list(self._stems)
            return {"terms": list(self.terms), "words": words, "facets": list(self.facets), "stems": stems}

    def stems(self) -> np.ndarray:
        """The number of each word's term: int32."""
        return np.array(self._stems, np.int32)
