"""The captioner's vocabulary: words to numbers and back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

PAD, START, END, UNKNOWN = range(4)
SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")
_TOKEN = re.compile(r"[a-z0-9']+")


def tokens(text: str) -> list[str]:
    """Split a sentence into the captioner's words: runs of [a-z0-9'] in lower case."""
    return _TOKEN.findall(text.lower())


class Vocabulary:
    """The words a captioner can write; the four special ones come first."""

    def __init__(self, words: Sequence[str]) -> None:
        """`words` in the order of their numbers.

        Raises:
            ValueError: the special words do not lead, or a word occurs twice.
        """
        if tuple(words[: len(SPECIAL)]) != SPECIAL:
            raise ValueError(f"a vocabulary starts with {SPECIAL}, not {tuple(words[: len(SPECIAL)])}")
        self.words = tuple(words)
        self._numbers = {word: number for number, word in enumerate(words)}
        if len(self._numbers) != len(self.words):
            raise ValueError("a vocabulary holds each word once")

    @classmethod
    def learn(cls, sentences: Iterable[str], *, min_count: int) -> Vocabulary:
        """Make a vocabulary of the words that occur at least `min_count` times, most frequent first."""
        counts = Counter(word for sentence in sentences for word in tokens(sentence))
        kept = sorted((word for word, n in counts.items() if n >= min_count), key=lambda word: (-counts[word], word))
        return cls([*SPECIAL, *kept])

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, words: Iterable[str]) -> list[int]:
        """Turn words into numbers, without start and end."""
        return [self._numbers.get(word, UNKNOWN) for word in words]

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Turn numbers into words, up to the first end; padding and start are left out."""
        words = []
        for number in numbers:
            if number == END:
                break
            if number not in (PAD, START):
                words.append(self.words[number])
        return words
