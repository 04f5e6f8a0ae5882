"""Split texts into search terms; indexing, querying and training share this definition.

Unicode NFKC, lower case, runs of letters and digits, a short stop list of our own, English
Snowball stems. Common English stop lists drop words that people search photos for (*two*,
*front*, *under*, *fire*, *not*); ours holds only words that never distinguish photos.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import Stemmer

STOP_WORDS = frozenset(
    """
    a an the
    am is are was were be been being do does did has have had having
    will would shall should can could may might must
    i me my mine we us our ours you your yours he him his she her hers it its they them their theirs
    this that these those who whom whose which what there
    of in on at to for from by with into onto as
    and or but while than
    """.split()
)

_LETTER = r"[^\W_][\u0300-\u036f]*"  # with combining accents, for which there is no composed letter
_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ＇", "'"))
WORD = re.compile(rf"(?:{_LETTER})+(?:['’ʼ＇](?:{_LETTER})+)*")  # a word in any text
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")  # a word in a lower-case ASCII text
_stemmer = Stemmer.Stemmer("english")
_stemming = threading.Lock()  # a stemmer is not thread-safe
LANGUAGES = frozenset(Stemmer.algorithms())  # with a stemmer


def words(text: str) -> list[str]:
    """Split a text into lower-case words, stop words included, in order."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return WORD.findall(unicodedata.normalize("NFKC", text).lower().translate(_APOSTROPHES))


@lru_cache(maxsize=100_000)
def term_of(word: str) -> str | None:
    """Return the search term of one lower-case word, or None for a stop word."""
    if word in STOP_WORDS or word.removesuffix("'s") in STOP_WORDS:
        return None
    with _stemming:
        return _stemmer.stemWord(word) or None


def terms(text: str) -> list[str]:
    """Analyze a text into search terms, in order, repeats kept."""
    return [term for word in words(text) if (term := term_of(word)) is not None]


def pairs(text_terms: Sequence[str]) -> list[str]:
    """Return neighbouring terms of a text as pairs like "black dog", in order; a repeated term makes no pair."""
    return [f"{first} {second}" for first, second in pairwise(text_terms) if first != second]


def is_pair(term: str) -> bool:
    """Return whether a term is a pair."""
    return " " in term


@lru_cache
def stemmer_of(language: str) -> Callable[[str], str | None]:
    """Return a function like `term_of` for another of the `LANGUAGES`, with the same (English) stop words."""
    stemmer = Stemmer.Stemmer(language)

    @lru_cache(maxsize=100_000)
    def stem(word: str) -> str | None:
        with _stemming:
            return None if word in STOP_WORDS else stemmer.stemWord(word) or None

    return stem
