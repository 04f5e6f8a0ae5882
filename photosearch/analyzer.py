"""Text to search terms: the one definition used by indexing, querying and training.

Unicode NFKC, lower case, runs of letters and digits, a short stop list of our own, English
Snowball stems. Common English stop lists drop words that people search photos for (*two*,
*front*, *under*, *fire*, *not*); ours holds only what never tells one photo from another.
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

_LETTER = r"[^\W_][\u0300-\u036f]*"  # with the accents that have no letter of their own
_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ＇", "'"))
WORD = re.compile(rf"(?:{_LETTER})+(?:['’ʼ＇](?:{_LETTER})+)*")  # a word in a text as it is written
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")  # the same for a lower-case text in ASCII
_stemmer = Stemmer.Stemmer("english")
_stemming = threading.Lock()  # a stemmer keeps the word it is at
LANGUAGES = frozenset(Stemmer.algorithms())  # that there are stemmers for


def words(text: str) -> list[str]:
    """Split a text into lower-case words, stop words included, in order."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return WORD.findall(unicodedata.normalize("NFKC", text).lower().translate(_APOSTROPHES))


@lru_cache(maxsize=100_000)
def term_of(word: str) -> str | None:
    """The search term of one lower-case word, or None for a stop word."""
    if word in STOP_WORDS or word.removesuffix("'s") in STOP_WORDS:
        return None
    with _stemming:
        return _stemmer.stemWord(word) or None


def terms(text: str) -> list[str]:
    """Analyze a text into search terms, in order, repeats kept."""
    return [term for word in words(text) if (term := term_of(word)) is not None]


def pairs(found: Sequence[str]) -> list[str]:
    """Neighbours among a text's terms, in order, as "black dog": what is the same twice is none."""
    return [f"{one} {other}" for one, other in pairwise(found) if one != other]


def is_pair(term: str) -> bool:
    """Whether a term is a pair of neighbours."""
    return " " in term


@lru_cache
def stemmer_of(language: str) -> Callable[[str], str | None]:
    """A function like `term_of` for words in another language, one of `LANGUAGES`; it has no stop words but ours."""
    stemmer = Stemmer.Stemmer(language)

    @lru_cache(maxsize=100_000)
    def stem(word: str) -> str | None:
        with _stemming:
            return None if word in STOP_WORDS else stemmer.stemWord(word) or None

    return stem
