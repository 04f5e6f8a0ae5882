"""Words to show for search terms, which are stems: "puppy" for "puppi"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

from photosearch.records import Photo, TextKind
from photosearch.search.fields import fact_texts
from photosearch.words.analyzer import TermOf, is_pair, stems, term_of, words
from photosearch.words.languages import ENGLISH, Language

_OWNERS = (TextKind.HASHTAG, TextKind.ACCESSIBILITY, TextKind.OWNER)  # the last one counts most


class Wording:
    """Words to show for terms, from what the models can say and from a photo's own texts."""

    def __init__(self, texts: Iterable[str] = (), language: Language = ENGLISH) -> None:
        """Take words and texts, the most frequent first, for terms that no text of the photo holds."""
        self._by_term = _ByTerm(texts)
        self._term_of = language.term_of

    @classmethod
    def load(cls, models_dir: Path, language: Language = ENGLISH) -> Wording:
        """Read the words that the captioner can say, the most frequent first, and the labels of the classifier."""
        said = _read_list(models_dir / "captioner" / "vocabulary.json")
        return cls([*said, *_read_list(models_dir / "classifier" / "labels.json")], language)

    def asked(self, query: str) -> dict[str, str]:
        """Return a query's words by their terms."""
        return words_by_term(query, self._term_of)

    def of(self, photo: Photo) -> Words:
        """Return words by their terms; those of the photo's own texts come first ("running" rather than "run").

        All that is searched counts, so that a hit shows its words as they are written there: captions before the
        owner's words, and these before names and cameras.
        """
        own: dict[str, str] = {}
        facts = reversed(fact_texts(photo.details))
        owner = (text for kind in _OWNERS for text in photo.details.texts_of(kind))
        for text in (*facts, *owner, *(caption.text for caption in photo.captions)):
            own.update(words_by_term(text, self._term_of))
        return Words(own, self._by_term)


_ANY_OTHER = ""  # stands for all first letters that have an accent or are digits


class _ByTerm:
    """The first word of each term in some texts; words are stemmed when a term with their first letter is asked for.

    A term has its word's first letter, unless that has an accent or is a digit.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._unread = [text.lower() for text in texts]
        self._words: dict[str, dict[str, None]] = {}  # by their first letter, in order
        self._read: dict[str, dict[str, str]] = {}  # by their first letter: words by their terms

    def get(self, term: str) -> str | None:
        """Return the first word of a term, None for an unknown term."""
        if self._unread:
            for word in chain.from_iterable(map(words, self._unread)):
                self._words.setdefault(word[0] if "a" <= word[0] <= "z" else _ANY_OTHER, {})[word] = None
            self._unread = []
        first = term[:1]
        if first not in self._read:
            by_letter = (self._words.get(letter, ()) for letter in (first, _ANY_OTHER))
            self._read[first] = words_by_term(" ".join(chain.from_iterable(by_letter)))
        return self._read[first].get(term)


class Words(dict[str, str]):
    """Words by their terms."""

    def __init__(self, by_term: Mapping[str, str], others: _ByTerm | None = None) -> None:
        """Take words by their terms, and others that are looked up where the first have none."""
        super().__init__(by_term)
        self._others = others or _ByTerm(())

    def __missing__(self, term: str) -> str:
        """Return another word, the words of a pair of terms, or an unknown term itself."""
        if (word := self._others.get(term)) is not None:
            return word
        return " ".join(self[part] for part in term.split(" ")) if is_pair(term) else term

    def after(self, first: Mapping[str, str]) -> Words:
        """Return words of which those of `first` are preferred."""
        return Words({**self, **first}, self._others)

    def after_asked(self, asked: Mapping[str, str]) -> Words:
        """Return words of which a query's are preferred, but for those that these write in another spelling."""
        return self.after({term: word for term, word in asked.items() if not is_respelled(word, self.get(term, word))})


def is_respelled(asked: str, written: str) -> bool:
    """Return whether two words of one term are different spellings of it, not only other forms of a word."""
    return stems(asked) != stems(written)


def _read_list(path: Path) -> Iterable[str]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else ()


def words_by_term(text: str, term_of: TermOf = term_of) -> dict[str, str]:
    """Return a text's words by their terms; the first word of each term."""
    return {term: word for word in reversed(words(text)) if (term := term_of(word))}
