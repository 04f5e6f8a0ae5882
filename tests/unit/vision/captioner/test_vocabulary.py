from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosearch.vision.captioner.vocabulary import END, PAD, SPECIAL, START, UNKNOWN, Vocabulary, tokens

SENTENCES = ["A dog runs.", "a dog sits; a DOG!", "two cats' toys"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("A man's dog, on-the grass!", ["a", "man's", "dog", "on", "the", "grass"]),
        ("<pad> <END>", ["pad", "end"]),
        ("2 cafés", ["2", "caf", "s"]),
    ],
)
def test_sentence_becomes_tokens(text: str, found: list[str]) -> None:
    assert tokens(text) == found


def test_learns_words_by_frequency_then_alphabet() -> None:
    assert Vocabulary.learn(SENTENCES, min_count=1).words == (
        *SPECIAL,
        "a",
        "dog",
        "cats'",
        "runs",
        "sits",
        "toys",
        "two",
    )
    assert Vocabulary.learn(SENTENCES, min_count=3).words == (*SPECIAL, "a", "dog")
    assert Vocabulary.learn([], min_count=1).words == SPECIAL


def test_special_words_have_their_numbers() -> None:
    words = Vocabulary.learn(SENTENCES, min_count=1).words
    assert [words[number] for number in (PAD, START, END, UNKNOWN)] == list(SPECIAL)


def test_words_that_were_not_learned_are_unknown() -> None:
    vocabulary = Vocabulary.learn(SENTENCES, min_count=3)
    assert vocabulary.encode(["a", "unicorn", "dog"]) == [4, UNKNOWN, 5]
    assert vocabulary.decode([4, UNKNOWN, 5]) == ["a", "<unk>", "dog"]


def test_decoding_ends_at_the_first_end() -> None:
    vocabulary = Vocabulary([*SPECIAL, "a", "dog"])
    assert vocabulary.decode([START, 4, PAD, 5, END, 4, END]) == ["a", "dog"]
    assert vocabulary.decode([END, 4]) == vocabulary.decode([]) == []


@settings(max_examples=100, derandomize=True)
@given(sentences=st.lists(st.text("ab'c <>.Ü", max_size=20), max_size=6))
def test_learned_sentences_survive_encoding(sentences: list[str]) -> None:
    vocabulary = Vocabulary.learn(sentences, min_count=1)
    assert len(vocabulary) == len(set(vocabulary.words)) == len(vocabulary.words)
    for sentence in sentences:
        numbers = vocabulary.encode(tokens(sentence))
        assert min(numbers, default=UNKNOWN + 1) > UNKNOWN
        assert vocabulary.decode([START, *numbers, END, PAD]) == tokens(sentence)
    assert Vocabulary(vocabulary.words).words == vocabulary.words


@pytest.mark.parametrize("words", [[], ["a"], SPECIAL[:3], [*SPECIAL[::-1], "a"]])
def test_special_words_must_lead(words: list[str]) -> None:
    with pytest.raises(ValueError, match="starts with"):
        Vocabulary(words)


@pytest.mark.parametrize("words", [[*SPECIAL, "a", "b", "a"], [*SPECIAL, "<unk>"]])
def test_a_word_may_occur_once(words: list[str]) -> None:
    with pytest.raises(ValueError, match="each word once"):
        Vocabulary(words)
