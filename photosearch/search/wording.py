"""Words for search terms, which are stems: what is predicted as "puppi" is shown as "puppy"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from photosearch.analyzer import is_pair, term_of, terms, words
from photosearch.records import Photo


class Wording:
    """What to show for a term."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        """`known` are words by their terms, for what no text says."""
        self._known = known or {}

    @classmethod
    def load(cls, vocabulary: Path) -> Wording:
        """For each term the most frequent of the captioner's words that have it; none where there is no vocabulary."""
        if not vocabulary.is_file():
            return cls()
        found: dict[str, str] = {}
        for word in json.loads(vocabulary.read_text(encoding="utf-8")):  # by frequency
            if words(word) == [word] and len(stems := terms(word)) == 1:
                found.setdefault(stems[0], word)
        return cls(found)

    def of(self, photo: Photo) -> Words:
        """Words by their terms, those of the photo's own texts first ("running" rather than "run")."""
        found = dict(self._known)
        for text in (*(label.term for label in photo.labels), *(caption.text for caption in photo.captions)):
            found.update(words_by_term(text))
        return Words(found)


class Words(dict[str, str]):
    """Words by their terms."""

    def __missing__(self, term: str) -> str:
        """A pair of terms is shown as their words, an unknown term as it is."""
        return " ".join(self[part] for part in term.split(" ")) if is_pair(term) else term


def words_by_term(text: str) -> dict[str, str]:
    """A text's words by their terms, the first where there are several."""
    return {term: word for word in reversed(words(text)) if (term := term_of(word))}
