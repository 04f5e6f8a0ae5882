"""Words to show for search terms, which are stems: "puppy" for "puppi"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from photosearch.analyzer import is_pair, term_of, terms, words
from photosearch.records import Photo


class Wording:
    """Words to show for terms, from what the models can say and from a photo's own texts."""

    def __init__(self, by_term: Mapping[str, str] | None = None) -> None:
        """Take words by their terms, for terms that no text of the photo holds."""
        self._by_term = by_term or {}

    @classmethod
    def load(cls, models_dir: Path) -> Wording:
        """Read the captioner's most frequent word of each term, then the words of the classifier's labels."""
        by_term: dict[str, str] = {}
        for word in _read_list(models_dir / "captioner" / "vocabulary.json"):  # by frequency
            if words(word) == [word] and len(stems := terms(word)) == 1:
                by_term.setdefault(stems[0], word)
        for label in _read_list(models_dir / "classifier" / "labels.json"):
            for term, word in words_by_term(label).items():
                by_term.setdefault(term, word)
        return cls(by_term)

    def of(self, photo: Photo) -> Words:
        """Return words by their terms; those of the photo's own texts come first ("running" rather than "run")."""
        own: dict[str, str] = {}
        for caption in photo.captions:
            own.update(words_by_term(caption.text))
        return Words(own, self._by_term)


class Words(dict[str, str]):
    """Words by their terms."""

    def __init__(self, by_term: Mapping[str, str], others: Mapping[str, str] | None = None) -> None:
        """Take words by their terms, and others that are looked up where the first have none."""
        super().__init__(by_term)
        self._others = others or {}

    def __missing__(self, term: str) -> str:
        """Return another word, the words of a pair of terms, or an unknown term itself."""
        if (word := self._others.get(term)) is not None:
            return word
        return " ".join(self[part] for part in term.split(" ")) if is_pair(term) else term

    def after(self, first: Mapping[str, str]) -> Words:
        """Return words of which those of `first` are preferred."""
        return Words({**self, **first}, self._others)


def _read_list(path: Path) -> Iterable[str]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else ()


def words_by_term(text: str) -> dict[str, str]:
    """Return a text's words by their terms; the first word of each term."""
    return {term: word for word in reversed(words(text)) if (term := term_of(word))}
