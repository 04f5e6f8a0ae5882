"""Words to show for search terms, which are stems: "puppy" for "puppi"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from photosearch.analyzer import is_pair, term_of, terms, words
from photosearch.records import Photo


class Wording:
    """Words to show for terms, from the captioner's vocabulary and from a photo's own texts."""

    def __init__(self, by_term: Mapping[str, str] | None = None) -> None:
        """Take words by their terms, for terms that no text of the photo holds."""
        self._by_term = by_term or {}

    @classmethod
    def load(cls, vocabulary: Path) -> Wording:
        """Read the captioner's most frequent word of each term; none when there is no vocabulary."""
        if not vocabulary.is_file():
            return cls()
        by_term: dict[str, str] = {}
        for word in json.loads(vocabulary.read_text(encoding="utf-8")):  # by frequency
            if words(word) == [word] and len(stems := terms(word)) == 1:
                by_term.setdefault(stems[0], word)
        return cls(by_term)

    def of(self, photo: Photo) -> Words:
        """Return words by their terms; those of the photo's own texts come first ("running" rather than "run")."""
        by_term = dict(self._by_term)
        for text in (*(label.term for label in photo.labels), *(caption.text for caption in photo.captions)):
            by_term.update(words_by_term(text))
        return Words(by_term)


class Words(dict[str, str]):
    """Words by their terms."""

    def __missing__(self, term: str) -> str:
        """Return the words of a pair of terms, or an unknown term itself."""
        return " ".join(self[part] for part in term.split(" ")) if is_pair(term) else term


def words_by_term(text: str) -> dict[str, str]:
    """Return a text's words by their terms; the first word of each term."""
    return {term: word for word in reversed(words(text)) if (term := term_of(word))}
