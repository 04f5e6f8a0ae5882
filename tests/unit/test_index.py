from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from photosearch.analyzer import terms
from photosearch.index import SCORE_DECIMALS, Index

WORDS = ["dog", "dogs", "cat", "running", "runs", "red", "two", "snow", "the", "a", "ball", "Grass", "child's", "rügen"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
CORPORA = st.lists(TEXTS, max_size=12)
QUERIES = st.lists(st.sampled_from([*WORDS, "unicorn"]), max_size=6).map(" ".join)
quick = settings(deadline=None, max_examples=120, derandomize=True)


def index_of(texts: list[str]) -> Index:
    """An index whose ids run against the order of the texts."""
    return Index((f"photo-{len(texts) - n:03}", text) for n, text in enumerate(texts))


def dense_scores(texts: list[str], query: str) -> dict[str, float]:
    """All cosines above 0 by photo id, as scikit-learn computes them."""
    if not any(terms(text) for text in texts):
        return {}
    vectorizer = TfidfVectorizer(sublinear_tf=True, analyzer=terms)
    weights = vectorizer.fit_transform(texts).toarray()
    cosines = weights @ vectorizer.transform([query]).toarray()[0]
    return {f"photo-{len(texts) - n:03}": cosine for n, cosine in enumerate(cosines) if cosine > 0}


@quick
@given(texts=CORPORA, query=QUERIES)
def test_scores_are_those_of_scikit_learn(texts: list[str], query: str) -> None:
    n_found, matches = index_of(texts).search(query, top=1000)
    expected = dense_scores(texts, query)
    assert n_found == len(matches) == len(expected)
    assert {match.photo_id: match.score for match in matches} == pytest.approx(expected, abs=1e-8)


@quick
@given(texts=CORPORA, query=QUERIES)
def test_matches_are_in_order_and_shares_add_up(texts: list[str], query: str) -> None:
    _, matches = index_of(texts).search(query, top=1000)
    assert matches == sorted(matches, key=lambda match: (-match.score, match.photo_id))
    for match in matches:
        assert 0 < match.score <= 1
        assert sum(part.share for part in match.shares) == pytest.approx(match.score, abs=1e-8)
        assert all(part.share > 0 for part in match.shares)
        assert {part.term for part in match.shares} <= set(terms(query))
        assert list(match.shares) == sorted(match.shares, key=lambda part: (-part.share, part.term))


@quick
@given(texts=CORPORA, query=QUERIES, top=st.integers(0, 14))
def test_top_cuts_the_whole_order(texts: list[str], query: str, top: int) -> None:
    index = index_of(texts)
    n_all, everything = index.search(query, top=len(index))
    assert index.search(query, top=top) == (n_all, everything[:top])


@quick
@given(texts=CORPORA, data=st.data())
def test_order_of_the_documents_does_not_matter(texts: list[str], data: st.DataObject) -> None:
    documents = [(f"photo-{n}", text) for n, text in enumerate(texts)]
    shuffled = data.draw(st.permutations(documents))
    assert Index(shuffled).search("red dogs run", top=9) == Index(documents).search("red dogs run", top=9)


@quick
@given(texts=CORPORA, query=QUERIES, n=st.integers(1, 8))
def test_suggestions_occur_in_the_texts(texts: list[str], query: str, n: int) -> None:
    index = index_of(texts)
    suggestions = index.suggest(query, n)
    stems = [term for word in suggestions for term in terms(word)]
    assert len(suggestions) == len(stems) == len(set(stems)) == min(n, len({t for text in texts for t in terms(text)}))
    assert all(index.search(word, top=1)[0] for word in suggestions)


def test_suggestions_start_with_words_spelled_alike() -> None:
    index = index_of(["a surfer on a wave", "a wave", "a wave", "two horses"])
    assert index.suggest("the surfr's hourse")[:2] == ["surfer", "horses"]
    assert index.suggest("")[0] == "wave"


def test_same_caption_finds_both_photos_by_id() -> None:
    index = Index([("b", "a red dog"), ("c", "a blue dog"), ("a", "a red dog")])
    n_found, matches = index.search("red dog", top=10)
    assert n_found == 3
    assert [match.photo_id for match in matches] == ["a", "b", "c"]
    assert matches[0].score == matches[1].score == 1.0


def test_ties_across_the_cut_go_by_id() -> None:
    ids = [f"{n:03}" for n in np.random.default_rng(0).permutation(200)]
    n_found, matches = Index((photo_id, "a dog on grass") for photo_id in ids).search("grass", top=7)
    assert n_found == 200
    assert [match.photo_id for match in matches] == sorted(ids)[:7]


def test_many_texts_rank_as_scikit_learn_ranks_them() -> None:
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 20))) for _ in range(500)]
    expected = dense_scores(texts, "two dogs in the snow")
    order = sorted(expected, key=lambda photo_id: (-round(expected[photo_id], SCORE_DECIMALS), photo_id))
    _, matches = index_of(texts).search("two dogs in the snow", top=50)
    assert [match.photo_id for match in matches] == order[:50]


@pytest.mark.parametrize("query", ["", "   ", "the of and a", "unicorn", "🐕", "'", "\0", "-- drop table"])
def test_query_without_a_known_word_finds_nothing(query: str) -> None:
    assert index_of(["a dog", "a cat"]).search(query, top=10) == (0, [])


@pytest.mark.parametrize("texts", [[], [""], ["the", "a of"]])
def test_nothing_to_find_in_empty_texts(texts: list[str]) -> None:
    index = index_of(texts)
    assert len(index) == len(texts)
    assert index.search("dog", top=10) == (0, [])
    assert index.suggest("dog") == []


def test_unknown_words_do_not_lower_the_score() -> None:
    index = index_of(["a red dog", "a cat"])
    assert index.search("red unicorn dog", top=5) == index.search("red dog", top=5)


def test_very_long_query_is_answered() -> None:
    index = index_of(["a red dog", "a cat"])
    _, matches = index.search("a red dog " * 20_000 + "unicorn " * 1000, top=5)
    assert [match.score for match in matches] == [1.0]
    assert index.suggest("unicorn " * 1000)


def test_negative_top_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        index_of(["a dog"]).search("dog", top=-1)
