"""The older system's files: captions and objects of pictures known by their addresses."""

import json
from pathlib import Path

import pytest

from photosearch.errors import SourceError
from photosearch.records import UNWATCHED, Failure, Listing, TextKind
from photosearch.sources import NO_OPTIONS, find_sources
from photosearch.sources.older_system import OlderSystemSource

A, B = "https://photos.example/a.jpg", "https://photos.example/b.jpg"


@pytest.fixture
def read(tmp_path):
    """Writes a file and lists what is in it: by collection, each address with its captions and objects."""

    def read_file(name: str, content: object) -> dict[str, list[tuple[str, list[str], list[str]]]]:
        path = tmp_path / name
        path.write_text(json.dumps(content))
        found = {}
        for source in find_sources([str(path)], Path("library"), NO_OPTIONS):
            assert isinstance(source, OlderSystemSource)
            assert (source.kind, source.described, source.left_out.total(), source.covers(A)) == ("url", True, 0, False)
            found[source.collection] = [shown(item) for item in source.listings((), UNWATCHED)]
        return found

    return read_file


def shown(item: Listing | Failure) -> tuple[str, list[str], list[str]]:
    assert isinstance(item, Listing)
    if item.details is None:
        return item.source_key, [], []
    assert {kind for kind, _ in item.details.texts} <= {TextKind.IMPORTED, TextKind.OBJECT}
    return item.source_key, item.details.texts_of(TextKind.IMPORTED), item.details.texts_of(TextKind.OBJECT)


# captions_dict_NAME.json


def test_captions_by_address_are_one_collection(read):
    assert read("captions_dict_nature.json", {A: "a dog runs", B: ""}) == {
        "nature": [(A, ["a dog runs"], []), (B, [], [])]
    }


@pytest.mark.parametrize(
    ("caption", "sentences"),
    [
        ("<start> a dog  runs <end>", ["a dog runs"]),
        ("<start><end> <pad>", []),
        (["a", "dog", "runs"], ["a dog runs"]),
        (["<start>", "a", "dog", "<unk>", "<end>", "<pad>"], ["a dog"]),
        (["a dog runs", "a brown dog"], ["a dog runs", "a brown dog"]),
        *((nothing, []) for nothing in (None, 5, {}, [], [["a", "dog"]], ["a", 5], "  ", "\0")),
    ],
)
def test_a_caption_is_a_sentence_or_words_or_several_sentences(read, caption, sentences):
    assert read("captions_dict_x.json", {A: caption}) == {"x": [(A, sentences, [])]}


def test_a_file_of_another_name_is_its_collection(read):
    assert read("old.json", {A: "a dog"}) == {"old": [(A, ["a dog"], [])]}
    assert list(read("captions_dict_.json", {A: "a dog"})) == ["photos"]


# photosearch_db.json


def test_each_name_is_a_collection(read):
    nature = [
        {"url": A, "caption": "a dog", "yolo_objects": ["dog", "dog"]},
        {"url": B, "caption": None, "yolo_objects": []},
    ]
    assert read("photosearch_db.json", {"nature": nature, "empty": [], "plain": [B]}) == {
        "nature": [(A, ["a dog"], ["dog", "dog"]), (B, [], [])],
        "empty": [],
        "plain": [(B, [], [])],
    }


@pytest.mark.parametrize("name", ["urls", "http://name", ""])
def test_a_name_may_look_like_part_of_another_form(read, name):
    entries = [{"url": A, "caption": "a dog", "yolo_objects": []}]
    assert read("photosearch_db.json", {name: entries}) == {name: [(A, ["a dog"], [])]}


@pytest.mark.parametrize(
    ("objects", "labels"),
    [
        ("dog, red car,", ["dog", "red car"]),
        ([{"label": "dog", "score": 0.9}, {"name": "car"}, {"class": "cat"}], ["dog", "car", "cat"]),
        ([["dog", 0.9], ["car", 0.5]], ["dog", "car"]),
        ({"dog": 2, "car": 1, "cat": "many"}, ["dog", "dog", "car", "cat"]),
        ({"dog": 10**9, "car": -1, "cat": True}, ["dog", "car", "cat"]),
        *((nothing, []) for nothing in (None, 5, [], {}, "", [None, 5, {}, [], [5], " ", "\0", {"label": 5}])),
    ],
)
def test_objects_are_names_in_several_forms(read, objects, labels):
    entries = [{"url": A, "caption": "", "yolo_objects": objects}]
    assert read("photosearch_db.json", {"x": entries}) == {"x": [(A, [], labels)]}


def test_what_holds_no_address_is_a_failure_and_leaves_the_others(tmp_path):
    path = tmp_path / "photosearch_db.json"
    entries = [{"caption": "a dog"}, 5, {"url": "/home/me/a.jpg"}, {"url": "http://me:hunter2@x/"}, {"url": A}]
    path.write_text(json.dumps({"x": entries}))
    (source,) = find_sources([str(path)], Path("library"), NO_OPTIONS)
    for _ in range(2):  # it can be listed again
        *failures, last = source.listings((), UNWATCHED)
        assert [failure.source_key for failure in failures] == ["{}", "5", "/home/me/a.jpg", "http://x/"]
        assert last == Listing(A, "")


def test_texts_that_cannot_be_stored_are_made_so(read):
    entries = [{"url": A, "caption": "a \ud800 dog\0", "yolo_objects": ["d\udc00g"]}]
    assert read("photosearch_db.json", {"x": entries}) == {"x": [(A, ["a ? dog"], ["d?g"])]}


# Neither


@pytest.mark.parametrize("content", [{}, {"a": "b"}, {"a": [], "b": {}}, {"posts": {"url": A}}])
def test_another_file_is_refused_with_what_to_give(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(json.dumps(content))
    with pytest.raises(SourceError, match="Give url_list_NAME"):
        find_sources([str(path)], Path("library"), NO_OPTIONS)
