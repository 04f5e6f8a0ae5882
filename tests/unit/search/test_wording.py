"""Words for terms."""

from __future__ import annotations

import json
from pathlib import Path

from photosearch.records import Caption, Photo, PhotoState, Prediction
from photosearch.search.wording import Wording, words_by_term


def photo_of(text: str, *labels: str) -> Photo:
    captions, told = (Caption(text, -1.0, "model"),), tuple(Prediction(label, 0.5) for label in labels)
    return Photo("1", "walks", "folder", "a.jpg", PhotoState.READY, captions=captions, labels=told)


def test_a_term_is_shown_as_the_most_frequent_word_of_the_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.json").write_text(json.dumps(["<pad>", "the", "puppies", "puppy", "two dogs"]))
    assert Wording.load(tmp_path / "vocabulary.json").of(photo_of("")) == {"puppi": "puppies"}


def test_the_photos_own_words_go_before(tmp_path: Path) -> None:
    assert Wording({"run": "runs", "dog": "dogs"}).of(photo_of("a man running", "hunting dog")) == {
        "run": "running",
        "man": "man",
        "dog": "dog",
        "hunt": "hunting",
    }


def test_without_a_vocabulary_there_are_the_photos_words_only(tmp_path: Path) -> None:
    assert Wording.load(tmp_path / "missing.json").of(photo_of("a kite")) == {"kite": "kite"}


def test_the_first_of_several_words_for_a_term_counts() -> None:
    assert words_by_term("Running the dogs, run") == {"run": "running", "dog": "dogs"}


def test_a_pair_is_shown_as_its_words_and_what_is_unknown_as_it_is() -> None:
    shown = Wording({"puppi": "puppy", "run": "running"}).of(photo_of(""))
    assert [shown[term] for term in ("puppi", "puppi run", "zzz", "zzz run")] == [
        "puppy",
        "puppy running",
        "zzz",
        "zzz running",
    ]
