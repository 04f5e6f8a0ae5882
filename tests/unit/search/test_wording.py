"""Words for terms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from photosearch.records import Caption, Details, Photo, PhotoState, TextKind
from photosearch.search.wording import Wording, is_respelled, words_by_term


def photo_of(*texts: str) -> Photo:
    captions = tuple(Caption(text, -1.0, "model") for text in texts)
    return Photo("1", "walks", "folder", "a.jpg", PhotoState.READY, captions=captions)


def write(models: Path, file: str, texts: list[str]) -> None:
    (models / file).parent.mkdir()
    (models / file).write_text(json.dumps(texts))


def test_a_term_is_shown_as_the_most_frequent_word_of_the_vocabulary(tmp_path: Path) -> None:
    write(tmp_path, "captioner/vocabulary.json", ["<pad>", "the", "puppies", "puppy"])
    assert Wording.load(tmp_path).of(photo_of(""))["puppi"] == "puppies"


def test_a_term_that_the_vocabulary_lacks_is_shown_as_the_labels_word(tmp_path: Path) -> None:
    write(tmp_path, "captioner/vocabulary.json", ["puppies"])
    write(tmp_path, "classifier/labels.json", ["tabby, tabby cat", "puppy kennel"])
    shown = Wording.load(tmp_path).of(photo_of(""))
    assert [shown[term] for term in ("puppi", "tabbi", "kennel")] == ["puppies", "tabby", "kennel"]


def test_the_photos_own_words_go_before() -> None:
    shown = Wording(["runs", "dogs"]).of(photo_of("a man running", "hunting dog"))
    assert [shown[term] for term in ("run", "man", "dog", "hunt")] == ["running", "man", "dog", "hunting"]


def test_the_querys_words_go_before_the_photos() -> None:
    shown = Wording(["runs", "dogs"]).of(photo_of("a man running")).after({"run": "ran"})
    assert [shown[term] for term in ("run", "man", "dog")] == ["ran", "man", "dogs"]


def test_a_query_s_words_give_way_to_the_photo_s_other_spellings() -> None:
    details = Details(texts=((TextKind.OWNER, "A grey goose runs at the café"),))
    photo = Photo("1", "walks", "folder", "a.jpg", PhotoState.READY, details=details)
    shown = Wording().of(photo).after_asked(words_by_term("gray geese running, cafe lake"))
    assert [shown[term] for term in ("gray", "goos", "cafe", "run", "lake")] == [
        "grey",
        "goose",
        "café",
        "running",
        "lake",
    ]


def test_without_models_there_are_the_photos_words_only(tmp_path: Path) -> None:
    assert Wording.load(tmp_path).of(photo_of("a kite")) == {"kite": "kite"}


def test_the_first_of_several_words_for_a_term_counts() -> None:
    assert words_by_term("Running the dogs, run") == {"run": "running", "dog": "dogs"}


def test_a_pair_is_shown_as_its_words_and_what_is_unknown_as_it_is() -> None:
    shown = Wording(["puppy", "running"]).of(photo_of(""))
    assert [shown[term] for term in ("puppi", "puppi run", "zzz", "zzz run")] == [
        "puppy",
        "puppy running",
        "zzz",
        "zzz running",
    ]


def test_the_owners_words_are_shown_as_written() -> None:
    details = Details(place="Zürich", texts=((TextKind.OWNER, "Grey cats, 2 of them"),))
    shown = Wording(["gray", "two"]).of(Photo("1", "walks", "folder", "a.jpg", PhotoState.READY, details=details))
    assert [shown[term] for term in ("gray", "two", "zurich", "cat")] == ["grey", "2", "zürich", "cats"]


def test_all_that_is_searched_is_shown_as_written() -> None:
    details = Details(
        area="Málaga, Andalusia, Spain",
        tagged="Zoë",
        camera="Nokia Grau",
        folder="album/Café 2",
        file="grey wall.jpg",
        texts=((TextKind.HASHTAG, "pyjamas"),),
    )
    photo = Photo("1", "walks", "folder", "a.jpg", PhotoState.READY, details=details)
    shown = Wording(["gray", "cafe", "two", "pajamas"]).of(photo).after_asked(words_by_term("gray cafe two pajamas"))
    assert [shown[term] for term in ("gray", "cafe", "two", "pajama", "malaga", "zoe", "nokia")] == [
        "grey",
        "café",
        "2",
        "pyjamas",
        "málaga",
        "zoë",
        "nokia",
    ]


def test_words_with_accents_and_digits_are_found_by_their_terms() -> None:
    shown = Wording(["école", "2"]).of(photo_of(""))
    assert [shown[term] for term in ("ecol", "two")] == ["école", "2"]


@pytest.mark.parametrize(
    ("asked", "written", "expected"),
    [
        ("grey", "gray", True),
        ("cafe", "café", True),
        ("2", "two", True),
        ("dog", "dogs", False),
        ("Grey", "grey", False),
    ],
)
def test_a_spelling_is_told_from_a_form(asked: str, written: str, expected: bool) -> None:
    assert is_respelled(asked, written) is expected
