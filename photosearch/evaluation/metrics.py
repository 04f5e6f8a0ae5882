"""Metrics of captions and search: BLEU, CIDEr-D, ROUGE-L and recall@k.

The caption scores are those of the COCO caption evaluation (Chen et al. 2015, arXiv:1504.00325), on the captioner's
own tokens. A caption is a list of tokens; each photo has several references.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_NGRAM = 4
CIDER_SIGMA = 6.0  # Vedantam et al. 2015, arXiv:1411.5726, section 6: width of CIDEr-D's penalty on length
ROUGE_BETA = 1.2  # weight of recall against precision, as the COCO evaluation sets it

Tokens = Sequence[str]


def _ngrams(tokens: Tokens, n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def bleu(captions: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> list[float]:
    """Return corpus BLEU-1 to BLEU-4 (Papineni et al. 2002), with the brevity of the reference closest in length.

    Raises:
        ValueError: there are no captions, or not as many as reference sets.
    """
    _check(captions, references)
    matched, written = [0] * MAX_NGRAM, [0] * MAX_NGRAM
    n_written = n_closest = 0
    for caption, photo_references in zip(captions, references, strict=True):
        n_written += len(caption)
        n_closest += min((abs(len(r) - len(caption)), len(r)) for r in photo_references)[1]
        for n in range(1, MAX_NGRAM + 1):
            most: Counter[tuple[str, ...]] = Counter()
            for reference in photo_references:
                most |= _ngrams(reference, n)
            counts = _ngrams(caption, n)
            matched[n - 1] += (counts & most).total()
            written[n - 1] += counts.total()
    brevity = min(0.0, 1 - n_closest / n_written) if n_written else -math.inf
    scores, log_sum = [], 0.0
    for n in range(MAX_NGRAM):
        log_sum += math.log(matched[n] / written[n]) if matched[n] else -math.inf
        scores.append(math.exp(log_sum / (n + 1) + brevity))
    return scores


@dataclass(frozen=True)
class _Vector:
    """TF-IDF weights of a sentence's n-grams, for n = 1 to 4, with their norms."""

    weights: list[dict[tuple[str, ...], float]]
    norms: list[float]
    length: int


class CiderD:
    """CIDEr-D (Vedantam et al. 2015) against fixed references, whose n-grams give the document frequencies."""

    def __init__(self, references: Sequence[Sequence[Tokens]]) -> None:
        """Count the n-grams of `references`, which has a list of sentences for each photo."""
        self._log_photos = math.log(max(len(references), 1))
        self._photos_with: Counter[tuple[str, ...]] = Counter()
        for photo in references:
            self._photos_with.update({gram for r in photo for n in range(1, MAX_NGRAM + 1) for gram in _ngrams(r, n)})
        self._references = [[self._vector(r) for r in photo] for photo in references]

    def _vector(self, tokens: Tokens) -> _Vector:
        weights = [
            {
                gram: count * (self._log_photos - math.log(max(self._photos_with.get(gram, 0), 1)))
                for gram, count in _ngrams(tokens, n).items()
            }
            for n in range(1, MAX_NGRAM + 1)
        ]
        return _Vector(weights, [math.sqrt(sum(w * w for w in grams.values())) for grams in weights], len(tokens))

    def score(self, caption: Tokens, photo: int) -> float:
        """Return CIDEr-D of a caption, 0 to 10, for the photo with that number in the references."""
        hypothesis, references = self._vector(caption), self._references[photo]
        total = 0.0
        for reference in references:
            similarity = 0.0
            for n in range(MAX_NGRAM):
                norm = hypothesis.norms[n] * reference.norms[n]
                if norm:
                    theirs = reference.weights[n]
                    dot = sum(min(w, theirs[g]) * theirs[g] for g, w in hypothesis.weights[n].items() if g in theirs)
                    similarity += dot / norm
            total += similarity * math.exp(-((hypothesis.length - reference.length) ** 2) / (2 * CIDER_SIGMA**2))
        return 10 * total / (MAX_NGRAM * len(references)) if references else 0.0


def cider_d(captions: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> float:
    """Return the mean CIDEr-D of captions; raises as `bleu` does."""
    _check(captions, references)
    scorer = CiderD(references)
    return sum(scorer.score(caption, i) for i, caption in enumerate(captions)) / len(captions)


def rouge_l(captions: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> float:
    """Return the mean ROUGE-L (Lin 2004) of captions; raises as `bleu` does.

    Precision and recall are each the best over the references, as in the COCO evaluation.
    """
    _check(captions, references)
    total = 0.0
    for caption, photo_references in zip(captions, references, strict=True):
        common = [_longest_common(caption, reference) for reference in photo_references]
        precision = max(common) / len(caption) if caption else 0.0
        recall = max(n / len(r) if r else 0.0 for n, r in zip(common, photo_references, strict=True))
        if precision and recall:
            total += (1 + ROUGE_BETA**2) * precision * recall / (recall + ROUGE_BETA**2 * precision)
    return total / len(captions)


def _longest_common(a: Tokens, b: Tokens) -> int:
    lengths = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for j, y in enumerate(b, start=1):
            diagonal, lengths[j] = lengths[j], diagonal + 1 if x == y else max(lengths[j], lengths[j - 1])
    return lengths[-1]


def _check(captions: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> None:
    if not captions or len(captions) != len(references):
        raise ValueError(f"{len(captions)} captions for {len(references)} sets of references; want as many, at least 1")


@dataclass(frozen=True)
class Retrieval:
    """How high the right photo ranks: recall as a share of queries, ranks from 1."""

    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    median_rank: float
    mean_reciprocal_rank: float


def retrieval(ranks: Iterable[int | None]) -> Retrieval:
    """Summarise the ranks of each query's right photo; None where it was not found.

    Raises:
        ValueError: there are no ranks.
    """
    ordered = sorted(rank if rank is not None else math.inf for rank in ranks)
    if not ordered:
        raise ValueError("no ranks to summarise")
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

    def recall(k: int) -> float:
        return sum(rank <= k for rank in ordered) / len(ordered)

    return Retrieval(recall(1), recall(5), recall(10), median, sum(1 / rank for rank in ordered) / len(ordered))
