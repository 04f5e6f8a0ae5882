"""Hashtags: one definition for posts that are read and for queries."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosearch.words.hashtags import asked_hashtags, find_hashtags, fold_hashtag


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("शाम #हिंदी", ["हिंदी"]),  # with its vowel signs
        ("I #❤️ you #👩‍🚒", ["❤️", "👩‍🚒"]),
        ("#col·laboració #ラーメン・餃子", ["col·laboració", "ラーメン・餃子"]),
        ("#東京・#京都", ["東京", "京都"]),
        ("#one#two (#three) #four.", ["one", "two", "three", "four"]),
        ("#mañana_2 #Größe! ＃東京", ["mañana_2", "Größe", "東京"]),
        ("#Sun #sun #SUN", ["Sun"]),
        ("see https://example.org/page#section and www.example.org/#top", []),
        ("mailto:x@example.org?subject=#1a example.org/#a", []),
        ("Tom &#39;n Jerry &#x27; a#b", []),
        ("# #1 #2020 ##", []),
        ("#4ever", ["4ever"]),
        ("#️⃣", []),  # the emoji of a number sign
        ("#می‌خواهم", ["می‌خواهم"]),
    ],
)
def test_what_a_hashtag_is(text: str, tags: list[str]) -> None:
    assert find_hashtags(text) == tags


@pytest.mark.parametrize(("one", "other"), [("❤️", "❤"), ("Café", "cafe"), ("STRASSE", "straße"), ("ｓｕｎ", "sun")])
def test_hashtags_that_are_the_same(one: str, other: str) -> None:
    assert fold_hashtag(one) == fold_hashtag(other)


@pytest.mark.parametrize(("one", "other"), [("हिंदी", "हाथी"), ("हिं", "ह"), ("がく", "かく"), ("й", "и")])
def test_a_mark_that_makes_another_letter_makes_another_hashtag(one: str, other: str) -> None:
    assert fold_hashtag(one) != fold_hashtag(other)


@settings(max_examples=200, derandomize=True)
@given(st.text(max_size=60))
def test_what_is_read_can_be_asked(text: str) -> None:
    for tag in find_hashtags(text):
        assert asked_hashtags(f"#{tag}") == [tag]
        assert fold_hashtag(fold_hashtag(tag)) == fold_hashtag(tag)
