from __future__ import annotations

import math

import numpy as np
import pytest
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge

from photosearch.evaluation.metrics import CiderD, Retrieval, bleu, cider_d, retrieval, rouge_l

WORDS = [*"a a a dog dog cat red runs sits on on grass snow two the".split(), *(f"word{n}" for n in range(12))]
Corpus = tuple[list[list[str]], list[list[list[str]]]]


def corpus(seed: int, n_photos: int = 12, shortest: int = 1) -> Corpus:
    """Captions that are their references with words changed, dropped and moved."""
    rng = np.random.default_rng(seed)

    def sentence(shortest: int, longest: int) -> list[str]:
        return rng.choice(WORDS, rng.integers(shortest, longest, endpoint=True)).tolist()

    references = [[sentence(shortest, 14) for _ in range(rng.integers(1, 6))] for _ in range(n_photos)]
    captions = []
    for photo in references:
        source = photo[rng.integers(len(photo))]
        kept = source[rng.integers(max(1, len(source) - 5)) :]
        captions.append([word if rng.random() < 0.85 else sentence(1, 1)[0] for word in kept] + sentence(0, 3))
    return captions, references


def coco(scorer: Bleu | Cider | Rouge, captions: list, references: list, **options: int) -> object:
    written = {n: [" ".join(caption)] for n, caption in enumerate(captions)}
    wanted = {n: [" ".join(reference) for reference in photo] for n, photo in enumerate(references)}
    return scorer.compute_score(wanted, written, **options)[0]


@pytest.fixture(params=range(25))
def scored(request: pytest.FixtureRequest) -> Corpus:
    return corpus(request.param)


@pytest.fixture(params=range(5))
def scored_with_gaps(request: pytest.FixtureRequest) -> Corpus:
    """Some captions are empty."""
    captions, references = corpus(100 + request.param)
    return [[] if n % 3 == 0 else caption for n, caption in enumerate(captions)], references


def test_bleu_is_that_of_coco(scored: Corpus) -> None:
    assert bleu(*scored) == pytest.approx(coco(Bleu(), *scored, verbose=0), abs=1e-6)
    assert min(bleu(*scored)) > 0


def test_cider_d_is_that_of_coco(scored: Corpus) -> None:
    assert cider_d(*scored) == pytest.approx(coco(Cider(), *scored), abs=1e-6)


def test_rouge_l_is_that_of_coco(scored: Corpus) -> None:
    assert rouge_l(*scored) == pytest.approx(coco(Rouge(), *scored), abs=1e-6)


def test_empty_captions_count_as_coco_counts_them(scored_with_gaps: Corpus) -> None:
    assert bleu(*scored_with_gaps) == pytest.approx(coco(Bleu(), *scored_with_gaps, verbose=0), abs=1e-6)
    assert cider_d(*scored_with_gaps) == pytest.approx(coco(Cider(), *scored_with_gaps), abs=1e-6)
    assert rouge_l(*scored_with_gaps) == pytest.approx(coco(Rouge(), *scored_with_gaps), abs=1e-6)


def test_cider_d_of_one_caption_is_that_of_coco(scored: Corpus) -> None:
    captions, references = scored
    scorer = CiderD(references)
    written = {n: [" ".join(caption)] for n, caption in enumerate(captions)}
    wanted = {n: [" ".join(reference) for reference in photo] for n, photo in enumerate(references)}
    expected = Cider().compute_score(wanted, written)[1]
    assert [scorer.score(caption, n) for n, caption in enumerate(captions)] == pytest.approx(expected, abs=1e-6)


def test_the_reference_itself_scores_highest() -> None:
    _, references = corpus(7, shortest=5)
    captions = [photo[0] for photo in references]
    assert bleu(captions, references) == pytest.approx([1, 1, 1, 1])
    assert rouge_l(captions, references) == pytest.approx(1)
    assert cider_d(captions, [photo[:1] for photo in references]) == pytest.approx(10)


def test_nothing_in_common_scores_zero() -> None:
    captions, references = [["cat"], []], [[["a", "dog"]], [["a", "red", "dog"]]]
    assert bleu(captions, references) == [0, 0, 0, 0]
    assert cider_d(captions, references) == rouge_l(captions, references) == 0


def test_without_a_common_run_of_four_words_bleu_4_is_zero() -> None:
    scores = bleu(["a red dog sits".split()], [["a red dog runs".split()]])
    assert scores[2] > scores[3] == 0


@pytest.mark.parametrize("score", [bleu, cider_d, rouge_l])
def test_scores_need_captions_and_as_many_references(score: object) -> None:
    with pytest.raises(ValueError, match="0 captions"):
        score([], [])
    with pytest.raises(ValueError, match="2 captions for 1"):
        score([["a"], ["b"]], [[["a"]]])


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ([1], Retrieval(1, 1, 1, 1, 1)),
        ([None], Retrieval(0, 0, 0, math.inf, 0)),
        ([10, 1, 5, 2], Retrieval(1 / 4, 3 / 4, 1, 3.5, (1 + 1 / 2 + 1 / 5 + 1 / 10) / 4)),
        ([1, 6, 11, None, 1], Retrieval(2 / 5, 2 / 5, 3 / 5, 6, (2 + 1 / 6 + 1 / 11) / 5)),
        ([None, 1], Retrieval(1 / 2, 1 / 2, 1 / 2, math.inf, 1 / 2)),
    ],
)
def test_retrieval_of_known_ranks(ranks: list[int | None], expected: Retrieval) -> None:
    assert vars(retrieval(ranks)) == pytest.approx(vars(expected))
    assert retrieval(iter(ranks[::-1])) == retrieval(ranks)


def test_retrieval_needs_ranks() -> None:
    with pytest.raises(ValueError, match="no ranks"):
        retrieval([])
