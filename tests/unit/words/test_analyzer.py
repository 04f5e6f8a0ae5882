from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import Stemmer
from hypothesis import given, settings
from hypothesis import strategies as st

from photosearch.words import spellings
from photosearch.words.analyzer import STOP_WORDS, pairs, respelled, stems, term_of, terms, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("the", []),
        ("The, a; of: IS!", []),
        ("Two dogs running", ["two", "dog", "run"]),
        ("a dog's ball, the dogs’ balls", ["dog", "ball", "dog", "ball"]),
        ("dog dog DOG", ["dog", "dog", "dog"]),
        ("black-and-white photo_of_1_cat", ["black", "white", "photo", "one", "cat"]),
        ("ﬁre ２ ｃａｔｓ", ["fire", "two", "cat"]),
        ("\x00 🐕 \n\t — ''' _", []),
    ],
)
def test_text_becomes_terms(text: str, found: list[str]) -> None:
    assert terms(text) == found


def test_middle_dots_join_words_of_catalan_only() -> None:
    assert words("col·laboració paral‧lel") == ["col·laboració", "paral‧lel"]
    assert words("Lisboa·Porto l· ·l") == ["lisboa", "porto", "l", "l"]


@pytest.mark.parametrize(
    "text", ["two front under fire not no nobody behind between near off up down", "Rügen Łódź 東京"]
)
def test_words_that_people_search_for_are_kept(text: str) -> None:
    assert len(terms(text)) == len(text.split())


def test_words_keep_stop_words_and_order() -> None:
    assert words("The cat's IN the hat") == ["the", "cat's", "in", "the", "hat"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("CAFÉ", "cafe\u0301"), ("don’t", "don't"), ("running", "RUNS"), ("mountain", "mountains"), ("child's", "child")],
)
def test_spellings_of_the_same_word_are_one_term(one: str, other: str) -> None:
    assert terms(one) == terms(other) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café", "cafe"),
        ("Zürich", "Zurich"),
        ("col·laboració", "collaboracio"),
        ("COL·LABORACIÓ", "coŀlaboració"),
        ("Straße", "STRASSE"),
        ("Łódź", "Lodz"),
        ("Smørrebrød", "smorrebrod"),
        ("Αθήνα", "Αθηνα"),
        ("שָׁלוֹם", "שלום"),
        ("می‌خواهم", "میخواهم"),
        ("grey cats", "gray cat"),
        ("greyish", "grayish"),
        ("a coloured theatre", "a colored theater"),
        ("pyjamas", "pajama"),
        ("organising", "organizing"),
        ("women", "woman"),
        ("two women's hats", "2 woman's hat"),
        ("geese and mice", "goose and mouse"),
        ("fishermen", "fisherman"),
        ("leaves", "leaf"),
        ("people", "person"),
        ("twelve", "12"),
        ("1st", "first"),
        ("t-shirts", "tshirt"),
        ("T-Shirt", "t shirt"),
        ("icecream", "ice-cream"),
        ("skate board", "skateboards"),
        ("straw-berries", "strawberry"),
        ("mid-air", "midair"),
    ],
)
def test_a_word_is_one_term_however_it_is_spelled(one: str, other: str) -> None:
    assert terms(one) == terms(other) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("й", "и"),  # a letter of its own in Russian
        ("が", "か"),
        ("हिंदी", "हाथी"),
        ("leaves", "leaving"),
        ("chilly", "chilli"),
        ("black board", "blackboard"),  # which may be any board
        ("check", "cheque"),
        ("women", "men"),
    ],
)
def test_other_words_stay_other_words(one: str, other: str) -> None:
    assert terms(one) != terms(other)


def test_combining_marks_belong_to_their_word() -> None:
    assert words("हिंदी में हाथी") == ["हिंदी", "में", "हाथी"]


def test_models_are_given_stems_as_they_learned_them() -> None:
    text = "two women, 2 grey T-shirts on a skate board"
    assert stems(text) == ["two", "women", "2", "grey", "t", "shirt", "skate", "board"]
    assert [respelled(stem) for stem in stems(text)] == ["two", "woman", "two", "gray", "t", "shirt", "skate", "board"]
    assert respelled("grey cat") == "gray cat"
    assert respelled("women woman") is None


def test_no_spelling_stands_for_two_words() -> None:
    entries = [*spellings.plurals(), *spellings.spellings(spellings.NUMBERS), *spellings.spellings(spellings.REGIONAL)]
    assert len({other for other, _ in entries}) == len(entries)
    assert not {other for other, _ in entries} & {chosen for _, chosen in entries}
    for other, chosen in entries:
        assert terms(other) == terms(chosen), other
        assert other[0] == chosen[0] or other[0].isdigit(), "words are looked up by the first letter of their term"


@pytest.mark.parametrize("word", sorted(STOP_WORDS))
def test_stop_words_are_stopped(word: str) -> None:
    assert term_of(word) is None
    assert terms(word.upper()) == []


@settings(max_examples=200, derandomize=True)
@given(text=st.text(max_size=60))
def test_splitting_twice_changes_nothing(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


@settings(max_examples=100, derandomize=True)
@given(one=st.text(max_size=40), other=st.text(max_size=40))
def test_terms_of_two_lines_are_those_of_each(one: str, other: str) -> None:
    assert terms(f"{one}\n{other}") == terms(one) + terms(other)


@settings(max_examples=100, derandomize=True)
@given(text=st.text(st.characters(max_codepoint=127), max_size=60))
def test_case_does_not_matter(text: str) -> None:
    assert terms(text.upper()) == terms(text.lower())


@pytest.mark.parametrize("text", ["it's", "There’s", "what's"])
def test_a_stop_word_with_its_verb_is_a_stop_word(text: str) -> None:
    assert terms(text) == []


def test_accents_without_a_letter_of_their_own_stay_in_their_word() -> None:
    assert len(words("İstanbul")) == 1


def test_words_are_stemmed_by_many_threads_as_by_one() -> None:
    made_up = [f"{start}{end}" for start in ("walk", "run", "hous", "sing", "play") for end in ("ing", "s", "ed", "er")]
    asked = [f"{word}{n}ing" for n in range(2_000) for word in made_up[:3]] + made_up
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(term_of, asked * 2))
    finally:
        sys.setswitchinterval(interval)
    alone = Stemmer.Stemmer("english")
    assert found == [alone.stemWord(word) for word in asked * 2]


def test_pairs_are_neighbours_without_stop_words():
    assert pairs(terms("the black dogs on a beach")) == ["black dog", "dog beach"]
    assert pairs(terms("dog, dog")) == pairs(["dog"]) == pairs([]) == []
