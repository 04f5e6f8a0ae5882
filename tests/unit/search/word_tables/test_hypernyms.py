"""The table of what labels are a kind of: what it says, how it is made, and how it fails."""

import json

import pytest

from photosearch.errors import ModelError
from photosearch.search.word_tables import Hypernyms
from photosearch.settings import MODELS_DIR
from photosearch.vision.model_folder import open_model
from training.labels import COCO_SENSES, Synset, WordNet, label_texts, table_line

TABLE = MODELS_DIR / "hypernyms" / "hypernyms.txt"


@pytest.fixture(scope="module")
def hypernyms() -> Hypernyms:
    return Hypernyms.load(TABLE)


@pytest.fixture(scope="module")
def imagenet() -> list[str]:
    return json.loads((MODELS_DIR / "classifier" / "labels.json").read_text(encoding="utf-8"))


def words(hypernyms: Hypernyms, label: str) -> set[str]:
    return {word for word, _ in hypernyms.above(label)}


def test_a_dog_is_an_animal_whatever_its_breed(hypernyms):
    above = dict(hypernyms.above("Border collie"))
    assert above["sheepdog"] == 1
    assert above["dog"] == 3
    assert above["dog"] < above["animal"]
    assert dict(hypernyms.above("dog"))["animal"] == 2


@pytest.mark.parametrize(
    ("label", "expected", "refused"),
    [
        ("crane (wading bird)", "wading bird", "lifting device"),
        ("crane (lifting device)", "lifting device", "bird"),
        ("kite (hawk)", "bird", "toy"),
        ("kite", "toy", "bird"),
        ("mouse", "computer mouse", "animal"),
        ("tie", "clothing", "rope"),
        ("orange", "fruit", "colour"),
        ("remote", "remote control", "animal"),
        ("baseball bat", "sports equipment", "animal"),
        ("hot dog", "food", "dog"),
        ("bear", "animal", "toy"),
        ("teddy bear", "toy", "animal"),
        ("cup", "tableware", "beverage"),
        ("car", "vehicle", "machine"),
        ("couch", "furniture", "artifact"),
        ("banana", "fruit", "plant"),
    ],
)
def test_a_label_has_the_sense_that_photos_show(hypernyms, label, expected, refused):
    found = words(hypernyms, label)
    assert expected in found
    assert refused not in found


@pytest.mark.parametrize(("label", "synonym"), [("couch", "sofa"), ("tv", "television"), ("bicycle", "bike")])
def test_other_names_for_a_label_are_no_step_up(hypernyms, label, synonym):
    assert (synonym, 0) in hypernyms.above(label)


def test_the_1000_labels_differ_and_each_has_a_line(hypernyms, imagenet):
    assert len(imagenet) == len(set(imagenet)) == 1000
    assert not [label for label in imagenet if "_" in label]
    lines = {line.split("\t")[0] for line in TABLE.read_text(encoding="utf-8").splitlines()}
    assert set(imagenet) <= lines
    assert len(hypernyms) == len(lines) - 1  # the first one is a comment


def test_every_name_of_the_detector_has_a_line():
    named = open_model(MODELS_DIR / "detector", "detector").options["labels"]
    lines = {line.split("\t")[0] for line in TABLE.read_text(encoding="utf-8").splitlines()}
    assert len(named) == 80
    assert set(named) == set(COCO_SENSES) <= lines


def test_steps_increase_along_a_line_and_no_word_comes_twice(hypernyms, imagenet):
    for label in (*imagenet, *COCO_SENSES):
        above = hypernyms.above(label)
        steps = [n for _, n in above]
        assert steps == sorted(steps), label
        assert len({word for word, _ in above}) == len(above), label
        assert label not in {word for word, _ in above}


def test_what_is_too_general_to_be_searched_for_is_not_there(hypernyms, imagenet):
    everything = {word for label in (*imagenet, *COCO_SENSES) for word in words(hypernyms, label)}
    assert not everything & {"entity", "physical entity", "object", "whole", "artifact", "organism", "living thing"}
    assert {"animal", "food", "vehicle", "furniture", "clothing", "fruit", "building", "tool"} <= everything


def test_an_unknown_label_has_nothing_above_it(hypernyms):
    assert hypernyms.above("no such label") == ()


def test_the_licence_lies_beside_the_table():
    notice = (TABLE.parent / "LICENSE").read_text(encoding="utf-8")
    assert "WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved." in notice
    assert TABLE.stat().st_size < 200_000


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"dog\t1:canine\ncat\tfeline\n", "line 2"),
        (b"# comment\ndog\tone:canine\n", "line 2"),
        (b"dog\t2:carnivore\t1:canine\n", "line 1"),
        (b"dog\t-1:canine\n", "line 1"),
        (b"dog\t1:canine,, canid\n", "line 1"),
        (b"dog\t1:\n", "line 1"),
        (b"\t1:canine\n", "line 1"),
        (b"dog\t1:canine\ndog\t1:canine\n", "line 2"),
        (b"dog\t1:canine\ncat\t1:fel", "line 2"),
        (b"", "cut short"),
        (b"dog\t1:canine\xff\n", "damaged"),
    ],
)
def test_a_damaged_table_says_which_and_where(tmp_path, content, where):
    path = tmp_path / "hypernyms.txt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=where) as raised:
        Hypernyms.load(path)
    assert str(path) in str(raised.value)


def test_a_missing_table_says_which(tmp_path):
    with pytest.raises(ModelError, match=r"hypernyms\.txt cannot be read: No such file"):
        Hypernyms.load(tmp_path / "hypernyms.txt")


def wordnet(*synsets: tuple[str, ...], parents: dict[int, tuple[int, ...]]) -> WordNet:
    """A small WordNet; a word's senses are in the order of the synsets."""
    senses: dict[str, list[int]] = {}
    for offset, synset in enumerate(synsets):
        for word in synset:
            senses.setdefault(word.replace(" ", "_"), []).append(offset)
    return WordNet({i: Synset(synset, parents.get(i, ())) for i, synset in enumerate(synsets)}, senses)


def test_an_ancestor_with_several_ways_up_takes_the_shortest():
    diamond = wordnet(
        ("collie",), ("canid",), ("pet",), ("beast",), ("animal",), parents={0: (1, 2), 1: (3,), 2: (4,), 3: (4,)}
    )
    assert table_line("collie", 0, diamond) == "collie\t1:canid, pet\t2:beast, animal"


def test_steps_are_counted_over_what_is_left_out():
    line = wordnet(("chair",), ("artifact",), ("furniture",), parents={0: (1,), 1: (2,)})
    assert table_line("chair", 0, line) == "chair\t2:furniture"


def test_a_word_stands_for_a_synset_in_its_first_sense_only():
    cars = wordnet(("machine",), ("coupe",), ("car", "auto", "machine"), parents={1: (2,)})
    assert table_line("coupe", 1, cars) == "coupe\t1:car, auto"


def test_labels_that_would_be_the_same_say_what_they_are_a_kind_of(monkeypatch):
    cranes = wordnet(("bird",), ("device",), ("crane",), ("crane",), parents={2: (0,), 3: (1,)})
    monkeypatch.setattr("training.labels.imagenet_synsets", lambda _: [2, 3, 0])
    monkeypatch.setattr("training.labels.coco_synsets", lambda _: {"bird": 0})
    assert label_texts(cranes) == ["crane (bird)", "crane (device)", "bird"]
