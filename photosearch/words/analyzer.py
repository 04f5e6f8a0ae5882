"""Split texts into search terms; indexing and querying share this definition.

Unicode NFKC, lower case, runs of letters and digits, a short stop list of our own, one spelling of each word
(`photosearch.words.spellings`; accents are left out), English Snowball stems. Common English stop lists drop words that
people search photos for (*two*, *front*, *under*, *fire*, *not*); ours holds only words that never distinguish photos.

Models learned from stems before the spellings were made one: `stems` returns those, `respelled` makes terms of them.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import Stemmer

from photosearch.words import spellings

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

# The code points among which nearly all combining marks are; Chinese, Korean and hieroglyphs between them have none.
_MARKED = (
    range(0x300, 0x3100),
    range(0xA66F, 0xAC00),
    range(0xFB00, 0x12000),
    range(0x16A00, 0x17000),
    range(0x1BC00, 0x1E960),
)


def _marks() -> str:
    """Return the combining marks as ranges within a pattern's brackets, which compile faster than one by one."""
    marks = {code for codes in _MARKED for code in codes if unicodedata.category(chr(code))[0] == "M"}
    firsts = sorted(code for code in marks if code - 1 not in marks)
    lasts = sorted(code for code in marks if code + 1 not in marks)
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(firsts, lasts, strict=True))


MARKS = _marks()
JOINERS = "\u200c\u200d"  # within words of Persian and of Indian languages, and within emoji
# Letters with their marks; the hundreds of marks are looked through once for a run of letters, not for each.
_LETTERS = rf"[^\W_]+(?:[{MARKS}{JOINERS}]+[^\W_]*)*"
_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ＇", "'"))
_WITHIN = r"(?:['’ʼ＇]|(?<=[lL])[·‧](?=[lL]))"  # apostrophes, and the middle dot of Catalan: col·laboració
WORD = re.compile(rf"{_LETTERS}(?:{_WITHIN}{_LETTERS})*")  # a word in any text
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")  # a word in a lower-case ASCII text
_stemmer = Stemmer.Stemmer("english")
_stemming = threading.Lock()  # a stemmer is not thread-safe
TermOf = Callable[[str], str | None]  # the term of a lower-case word; None for a stop word


def _unaccented() -> dict[int, str | None]:
    """Return what each letter becomes without its accents, as `str.translate` takes it.

    Only Latin and Greek letters lose theirs: in other alphabets (й, が, हिं) the mark makes another letter. Marks for
    which there is no composed letter are left out, as are points that Hebrew and Arabic write for learners only.
    """
    table: dict[int, str | None] = {}
    for code in (*range(0xC0, 0x250), *range(0x370, 0x400), *range(0x1E00, 0x2000)):
        letters = unicodedata.normalize("NFD", chr(code))
        if len(letters) > 1:
            table[code] = letters[0]
    table |= dict(zip(map(ord, "æœøłđßı"), ("ae", "oe", "o", "l", "d", "ss", "i"), strict=True))
    left_out = (*range(0x300, 0x370), *range(0x591, 0x5C8), 0x640, *range(0x64B, 0x653), 0x670, *map(ord, JOINERS))
    return table | dict.fromkeys((*left_out, *map(ord, "·‧")))


UNACCENTED = _unaccented()  # for `str.translate`


def unaccented(word: str) -> str:
    """Return a lower-case word in NFKC without its accents and middle dots."""
    return word if word.isascii() else word.translate(UNACCENTED)


def _stem(word: str) -> str:
    with _stemming:
        return _stemmer.stemWord(word)


def plain_word(text: str) -> str:
    """Return a word of any text as `words` has it: in lower case and NFKC."""
    return unicodedata.normalize("NFKC", text).lower().translate(_APOSTROPHES)


_REGIONAL = dict(spellings.spellings(spellings.REGIONAL))
_CHOSEN = {**dict(spellings.plurals()), **dict(spellings.spellings(spellings.NUMBERS)), **_REGIONAL}
_STEMS = {_stem(other): _stem(chosen) for other, chosen in _REGIONAL.items()}  # for all forms of these words
_RESPELLED = {_stem(other): _stem(chosen) for other, chosen in _CHOSEN.items()}
_SPLIT, _JOINED = spellings.compounds()
_IN_COMPOUNDS = frozenset((*_SPLIT, *(first for first, _ in _JOINED)))
# What terms depend on, so that saved indexes are made anew when it changes.
SPELLINGS = (
    sorted(_CHOSEN.items()),
    sorted(_SPLIT),
    sorted(_JOINED),
    WORD.pattern,
    unicodedata.unidata_version,
)


def words(text: str) -> list[str]:
    """Split a text into lower-case words, stop words included, in order; compounds are written in one way."""
    found = _words(text)
    return found if _IN_COMPOUNDS.isdisjoint(found) else _one_way(found)


def _words(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return WORD.findall(plain_word(text))


def _one_way(found: list[str]) -> list[str]:
    """Return words with compounds split (tshirt) or joined (skate, board), as the table has them."""
    split = [part for word in found for part in _SPLIT.get(word, (word,))]
    whole: list[str] = []
    for word in split:
        joined = _JOINED.get((whole[-1], word)) if whole else None
        if joined is None:
            whole.append(word)
        else:
            whole[-1] = joined
    return whole


@lru_cache(maxsize=100_000)
def term_of(word: str) -> str | None:
    """Return the search term of one lower-case word, or None for a stop word; `languages` has other languages'."""
    return term_of_folded(unaccented(word))


def term_of_folded(word: str) -> str | None:
    """Return `term_of` for a word whose letters are already those that are compared."""
    owner = word.removesuffix("'s")
    if word in STOP_WORDS or owner in STOP_WORDS:
        return None
    stem = _stem(_CHOSEN.get(owner, word))
    return _STEMS.get(stem, stem) or None


def terms(text: str, term_of: TermOf = term_of) -> list[str]:
    """Analyze a text into search terms, in order, repeats kept."""
    return [term for word in words(text) if (term := term_of(word)) is not None]


def stems(text: str) -> list[str]:
    """Return the stems of a text's words as models learned them: in order, stop words left out."""
    plain = (word for word in _words(text) if word not in STOP_WORDS and word.removesuffix("'s") not in STOP_WORDS)
    return [stem for word in plain if (stem := _stem_once(word))]


@lru_cache(maxsize=100_000)
def _stem_once(word: str) -> str:
    return _stem(word)


@lru_cache(maxsize=100_000)
def respelled(stem: str) -> str | None:
    """Return the term of a model's stem, or the pair of terms of a pair of stems; None where both are one term."""
    parts = [_RESPELLED.get(part, part) for part in stem.split(" ")]
    return " ".join(parts) if len(set(parts)) == len(parts) else None


def pairs(text_terms: Sequence[str]) -> list[str]:
    """Return neighbouring terms of a text as pairs like "black dog", in order; a repeated term makes no pair."""
    return [f"{first} {second}" for first, second in pairwise(text_terms) if first != second]


def is_pair(term: str) -> bool:
    """Return whether a term is a pair."""
    return " " in term
