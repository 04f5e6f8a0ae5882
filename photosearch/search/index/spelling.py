"""Suggestions of words that occur in a collection: corrections, completions."""

from __future__ import annotations

import difflib
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from photosearch.search.query import Query
from photosearch.words.analyzer import STOP_WORDS, TermOf, term_of, unaccented, words

N_SUGGESTIONS = 6
MIN_CHARS, MAX_CHARS = 3, 30  # shorter words resemble too many others, longer ones are no words
MAX_LONGER = 2  # characters by which a similar word may be longer or shorter
MAX_LETTERS = 40  # tried in place of a wrong letter, the most frequent first
MAX_CORRECTED = 10  # unknown words of one query
MIN_RATIO = 0.75  # difflib's ratio for words that differ in more than one place
MAX_COMPARED = 2_000  # words with the same first letter, the most frequent first


class Spelling:
    """The words of a collection's texts, the most frequent first."""

    def __init__(
        self, counts: Mapping[str, int], term_of: TermOf = term_of, fold: Callable[[str], str] = unaccented
    ) -> None:
        """Take how often each lower-case word occurs, and what makes terms of words.

        Words are compared letter by letter after `fold`, as `Language.fold` does.
        """
        self._term_of = term_of
        self._fold = fold
        self._counts = dict(counts)
        self._sorted = sorted(counts, key=self._folded)
        self._ranked = sorted(map(self._rank, counts))
        self._letters = Counter(letter for word in counts for letter in word)
        self._by_letter: dict[str, list[tuple[int, str]]] = {}
        for rank in self._ranked:
            self._by_letter.setdefault(rank[1][0], []).append(rank)

    def updated(self, counts: Mapping[str, int]) -> Spelling:
        """Return the words after the counts of some have changed; a word that occurs no more counts 0."""
        made = Spelling({}, self._term_of, self._fold)
        made._counts, made._letters = dict(self._counts), Counter(self._letters)
        made._sorted, made._ranked = list(self._sorted), list(self._ranked)
        made._by_letter = {letter: list(ranked) for letter, ranked in self._by_letter.items()}
        for word, count in counts.items():
            made._set_count(word, count)
        return made

    def _set_count(self, word: str, count: int) -> None:
        own = self._by_letter.setdefault(word[0], [])
        before = self._counts.pop(word, 0)
        if before:
            for ranked in (self._ranked, own):
                del ranked[bisect_left(ranked, (-before, word))]
        if count:
            self._counts[word] = count
            for ranked in (self._ranked, own):
                insort(ranked, (-count, word))
        if bool(before) != bool(count):
            if count:
                insort(self._sorted, word, key=self._folded)
                self._letters.update(word)
            else:
                del self._sorted[bisect_left(self._sorted, self._folded(word), key=self._folded)]
                self._letters.subtract(word)

    def _rank(self, word: str) -> tuple[int, str]:
        """Return what words are put in order by: the most frequent first."""
        return -self._counts[word], word

    def _folded(self, word: str) -> tuple[str, str]:
        """Return what words are put in order by where those that begin alike are looked for."""
        return self._fold(word), word

    def complete(self, start: str, n: int = N_SUGGESTIONS) -> list[str]:
        """Return at most `n` words that start so, accents aside, the most frequent first, one for each term.

        The word itself is offered only where it occurs with other accents and not as it is written.
        """
        written = "".join(words(start)[-1:])
        start = self._fold(written)
        if not start:
            return []
        low = bisect_left(self._sorted, (start, ""), key=self._folded)
        high = bisect_left(self._sorted, (start + chr(0x10FFFF), ""), key=self._folded)
        by_term: dict[str | None, str] = {}
        for word in sorted(self._sorted[low:high], key=self._rank):
            if written not in self._counts or self._fold(word) != start:
                by_term.setdefault(self._term_of(word), word)
            if len(by_term) == n:
                break
        return list(by_term.values())

    def near(self, word: str, n: int = 1) -> list[str]:
        """Return at most `n` words for an unknown one: those one typing error away, then similar, then longer ones."""
        if not MIN_CHARS <= len(word) <= MAX_CHARS or word.isdigit():
            return []
        letters = "".join(sorted(+self._letters, key=lambda letter: (-self._letters[letter], letter))[:MAX_LETTERS])
        slips = sorted({slip for slip in _slips(word, letters) if slip in self._counts}, key=self._rank)
        similar = [
            other
            for _, other in self._by_letter.get(word[0], ())[:MAX_COMPARED]
            if abs(len(other) - len(word)) <= MAX_LONGER
        ]
        close = difflib.get_close_matches(word, similar, n=n, cutoff=MIN_RATIO)
        return list(dict.fromkeys([*slips, *close, *self.complete(word, n)]))[:n]

    def suggest(self, query: str, n: int = N_SUGGESTIONS) -> list[str]:
        """Return words that occur, one for each term: first those spelled like the query's, then the most frequent."""
        query_words = [word for word in words(query) if word not in STOP_WORDS]
        similar = [near for word in query_words[:N_SUGGESTIONS] for near in self.near(word, 2)]
        by_term: dict[str | None, str] = {}
        for word in chain(similar, (word for _, word in self._ranked)):
            by_term.setdefault(self._term_of(word), word)
            if len(by_term) == n:
                break
        return list(by_term.values())

    def correct(self, query: Query, is_known: Callable[[str], bool]) -> str | None:
        """Return the query with unknown words replaced by the most similar known ones; None when none is replaced.

        Args:
            query: a parsed query.
            is_known: whether a term can be found.
        """
        parts, end, n_unknown = [], 0, 0
        for start, stop in query.spans:
            written = words(query.raw[start:stop])
            term = self._term_of(written[0]) if len(written) == 1 else None
            if term is None or is_known(term):
                continue
            if near := self.near(written[0]):
                parts += [query.raw[end:start], near[0]]
                end = stop
            n_unknown += 1
            if n_unknown == MAX_CORRECTED:
                break
        return "".join([*parts, query.raw[end:]]) if parts else None


def _slips(word: str, letters: str) -> Iterator[str]:
    """Yield every word that comes from leaving out, adding or changing one letter, or swapping two neighbours."""
    for i in range(len(word) + 1):
        head, tail = word[:i], word[i:]
        yield from (head + letter + tail for letter in letters)
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
