"""Made-up captions with the statistics of real ones: `python -m benchmarks.captions` counts those anew.

Real captions may not lie here, counts of their words may: how often a word follows another, twice at least, and how
often each follows a word in some pair that was seen but once. A chain over these counts gives sentences in which each
word is as frequent as in real ones, among the same neighbours.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from photosearch.words.analyzer import terms, words

STATISTICS = Path(__file__).with_name("caption_statistics.json")
LEAST = 2  # a rarer pair of words is not kept
N_COMMON = 10
END = 0  # the word before the first and after the last
BATCH = 250_000


@dataclass(frozen=True)
class Likeness:
    """What sampled captions have in common with real ones."""

    n_captions: int
    n_terms: int  # different ones
    terms_a_caption: float
    lengths: tuple[int, ...]  # words of the caption at 10, 50 and 90 of 100
    common: dict[str, float]  # the commonest terms, and the share of the captions that hold them

    def over(self, names: Iterable[str]) -> float:
        """Return the mean share of photos that hold each of some terms."""
        return float(np.mean([self.common[name] for name in names]))


def liken(captions: list[str], common: Iterable[str] = ()) -> Likeness:
    """Count captions; the shares are those of the commonest terms where none are named."""
    found = [terms(caption) for caption in captions]
    df = Counter(term for of_one in found for term in set(of_one))
    names = list(common) or [term for term, _ in df.most_common(N_COMMON)]
    lengths = np.percentile([len(words(caption)) for caption in captions], (10, 50, 90))
    return Likeness(
        len(captions),
        len(df),
        round(sum(map(len, found)) / len(found), 3),
        tuple(int(n) for n in lengths),
        {term: round(df[term] / len(captions), 4) for term in names},
    )


@dataclass(frozen=True)
class Statistics:
    """How words follow each other; the first word stands for both ends of a caption."""

    origin: str
    real: Likeness
    lengths: list[int]  # by number of words: how many captions have so many
    words: list[str]
    rare: list[int]  # by word: how often it follows in a pair that is not kept
    followers: list[list[int]]  # by word: a follower, how often, another follower, ...

    @classmethod
    def count(cls, captions: list[str], origin: str) -> Statistics:
        """Read the statistics of real captions."""
        pairs: Counter[tuple[str, str]] = Counter()
        for caption in captions:
            of_one = words(caption)
            pairs.update(zip(["", *of_one], [*of_one, ""], strict=True))
        often = Counter[str]()
        for (_, second), n in pairs.items():
            often[second] += n
        names = ["", *(word for word, _ in often.most_common() if word)]
        number = {word: i for i, word in enumerate(names)}
        rare, followers = [0] * len(names), [list[int]() for _ in names]
        for (first, second), n in pairs.most_common():
            if n < LEAST:
                rare[number[second]] += n
            else:
                followers[number[first]] += [number[second], n]
        lengths = np.bincount([len(words(caption)) for caption in captions]).tolist()
        return cls(origin, liken(captions), lengths, names, rare, followers)

    @classmethod
    def load(cls, path: Path = STATISTICS) -> Statistics:
        """Read what `save` wrote."""
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**kept, "real": Likeness(**kept["real"])})

    def save(self, path: Path = STATISTICS) -> None:
        """Write a file of a line a part."""
        parts = [f'"{name}": {json.dumps(part, separators=(",", ":"))}' for name, part in asdict(self).items()]
        path.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")

    @cached_property
    def _chain(self) -> _Chain:
        return _Chain.of(self)

    def sample(self, n: int, seed: int = 0, n_words: int | None = None) -> list[str]:
        """Captions of the chain, as long as real ones or of `n_words` words each; the same for the same seed."""
        draw = np.random.default_rng(seed)
        if n_words is None:
            wanted = draw.multinomial(n, np.array(self.lengths) / sum(self.lengths))
        else:
            wanted = np.where(np.arange(len(self.lengths)) == n_words, n, 0)
        names, found = np.array(self.words, dtype=object), list[str]()
        while n_missing := int(wanted.sum()):
            steps, lengths = self._chain.walk(min(BATCH, 1_000 + 3 * n_missing), len(wanted) - 1, draw)
            for length in np.flatnonzero(wanted):
                taken = names[steps[lengths == length][: wanted[length], :length]]
                found += map(" ".join, taken.tolist())
                wanted[length] -= len(taken)
        return [found[i] for i in draw.permutation(n)]


@dataclass(frozen=True)
class _Chain:
    """The statistics as running sums, which a random number is looked up in."""

    starts: np.ndarray  # int64 (V + 1): where the followers of each word begin
    followers: np.ndarray  # int32; the last of each word's, -1, stands for a rare pair
    sums: np.ndarray  # int64: of the counts, over all words
    rare_sums: np.ndarray  # int64 (V)

    @classmethod
    def of(cls, statistics: Statistics) -> _Chain:
        """Made of the counts."""
        often = np.array(statistics.rare)
        for pairs in statistics.followers:
            np.add.at(often, pairs[::2], pairs[1::2])
        followers, counts, starts = list[int](), list[int](), [0]
        for word, pairs in enumerate(statistics.followers):
            followers += [*pairs[::2], -1]
            counts += [*pairs[1::2], int(often[word]) - sum(pairs[1::2])]
            starts.append(len(followers))
        sums = np.concatenate([[0], np.cumsum(counts)])
        return cls(np.array(starts), np.array(followers, np.int32), sums, np.cumsum(statistics.rare))

    def walk(self, n: int, most: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Sentences: int32 (n, most + 1), and how many words each has, `most` + 1 where it is too long."""
        steps, lengths = np.zeros((n, most + 1), np.int32), np.zeros(n, np.int64)
        going, words = np.arange(n), np.zeros(n, np.int32)
        for step in range(most + 1):
            words = self._next(words, draw)
            going, words = going[words != END], words[words != END]
            steps[going, step] = words
            lengths[going] += 1
        return steps, lengths

    def _next(self, words: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        least, most = self.sums[self.starts[words]], self.sums[self.starts[words + 1]]
        followers = self.followers[np.searchsorted(self.sums, draw.integers(least, most), side="right") - 1]
        rare = np.flatnonzero(followers < 0)
        followers[rare] = np.searchsorted(self.rare_sums, draw.integers(0, self.rare_sums[-1], len(rare)), side="right")
        return followers


def main() -> None:
    """Count the training captions, and say how like them sampled ones are."""
    from training.data import DEFAULT_DATA, DataMissing  # with torch, which sampling does without

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of Flickr8k")
    path = parser.parse_args().data / "captions-train.jsonl"
    if not path.is_file():
        raise DataMissing(f"{path} is missing. The statistics are those of Flickr8k; see training/README.md.")
    lines = path.read_text(encoding="utf-8").splitlines()
    captions = [caption for line in lines for caption in json.loads(line)["captions"]]
    statistics = Statistics.count(captions, "Flickr8k's training captions (Hodosh et al. 2013), word pairs counted")
    statistics.save()
    print(f"{STATISTICS.name}: {STATISTICS.stat().st_size:,} bytes")
    print(likeness_table(statistics, statistics.sample(len(captions))))


def likeness_table(statistics: Statistics, sampled: list[str]) -> str:
    """Real captions beside sampled ones, as a Markdown table."""
    real, ours = statistics.real, liken(sampled, statistics.real.common)
    rows = [
        ("captions", f"{real.n_captions:,}", f"{ours.n_captions:,}"),
        ("different terms", f"{real.n_terms:,}", f"{ours.n_terms:,}"),
        ("terms a caption", f"{real.terms_a_caption:.2f}", f"{ours.terms_a_caption:.2f}"),
        ("words of a caption (10, 50, 90 of 100)", *(", ".join(map(str, of.lengths)) for of in (real, ours))),
        (
            f"share of captions with each of the {N_COMMON} commonest terms, mean",
            *(f"{of.over(real.common):.1%}" for of in (real, ours)),
        ),
        *((f"... with {term}", f"{share:.1%}", f"{ours.common[term]:.1%}") for term, share in real.common.items()),
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(["| | real | sampled |", "| --- | --- | --- |", *lines])


if __name__ == "__main__":
    main()
