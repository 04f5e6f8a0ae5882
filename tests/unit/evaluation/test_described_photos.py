"""Described photos: reading and refusing them, and numbers that follow the definitions."""

import json
import zipfile
from pathlib import Path

import pytest

from photosearch.errors import SourceError
from photosearch.evaluation.described_photos import ROWS, DescribedPhoto, measure, observe_photos, read_described
from photosearch.evaluation.metrics import bleu, cider_d
from photosearch.export.formats import measured_json, measured_table
from photosearch.records import Caption, Detection, Findings, Prediction
from photosearch.search.index import Tables
from photosearch.search.word_tables import Expansion, Hypernyms
from tests.conftest import ColourStation, jpeg

PHOTOS = [
    DescribedPhoto("a.jpg", b"", ("a dog on grass", "the brown dog")),
    DescribedPhoto("b.jpg", b"", ("a cat in snow", "a kitten")),
    DescribedPhoto("c.jpg", b"", ("a man on a bike", "a cyclist")),
]


def said(*texts: str, concepts: dict[str, float] | None = None, objects: tuple[str, ...] = ()) -> Findings:
    return Findings(
        captions=tuple(Caption(text, -0.5, "m", rank) for rank, text in enumerate(texts)),
        concepts=tuple(Prediction(term, p) for term, p in (concepts or {}).items()),
        objects=tuple(Detection(label, 0.9, (0, 0, 1, 1)) for label in objects),
    )


FINDINGS = [
    said("a dog on grass", "a brown dog"),
    said("a cat", concepts={"snow": 0.9}),
    said("a man", objects=("bicycle",)),
]


def write_set(folder: Path, *lines: object) -> tuple[Path, Path]:
    images, captions = folder / "images", folder / "captions.jsonl"
    images.mkdir()
    for name in ("red.jpg", "green.jpg"):
        (images / name).write_bytes(jpeg(name.removesuffix(".jpg")))
    captions.write_text("\n".join(json.dumps(line) if isinstance(line, dict) else str(line) for line in lines))
    return images, captions


GOOD = (
    {"image": "green.jpg", "captions": ["a green picture", "something green"]},
    {"image": "red.jpg", "captions": ["a red picture"]},
)


def test_photos_come_in_the_order_of_the_file_from_a_folder_or_a_zip(tmp_path):
    images, captions = write_set(tmp_path, *GOOD)
    from_folder = list(read_described(images, captions))
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for path in images.iterdir():
            archive.write(path, f"deep/{path.name}")
    assert list(read_described(tmp_path / "images.zip", captions)) == from_folder
    assert [photo.name for photo in from_folder] == ["green.jpg", "red.jpg"]
    assert from_folder[0].descriptions == ("a green picture", "something green")
    told = observe_photos(from_folder, [ColourStation()])
    assert [found.captions[0].text for found in told] == ["a green picture", "a red picture"]


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '"x"', {"image": "red.jpg"}, {"image": 1, "captions": ["x"]}, {"image": "red.jpg", "captions": []},
     {"image": "red.jpg", "captions": [1]}],
)  # fmt: skip
def test_an_unreadable_line_is_named_in_the_error(tmp_path, line):
    images, captions = write_set(tmp_path, GOOD[0], line)
    with pytest.raises(SourceError, match=r"captions\.jsonl\", line 2"):
        list(read_described(images, captions))


def test_a_missing_photo_or_file_is_named_in_the_error(tmp_path):
    images, captions = write_set(tmp_path, {"image": "blue.jpg", "captions": ["x"]})
    with pytest.raises(SourceError, match=r"blue\.jpg"):
        list(read_described(images, captions))
    with pytest.raises(SourceError, match=r"none\.jsonl"):
        list(read_described(images, tmp_path / "none.jsonl"))
    with pytest.raises(SourceError, match="neither a folder nor a readable ZIP"):
        list(read_described(captions, captions))
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(SourceError, match=r"has no blue\.jpg"):
        list(read_described(tmp_path / "empty.zip", captions))
    captions.write_text("\n")
    with pytest.raises(SourceError, match="describes no photo"):
        list(read_described(images, captions))


def test_a_photo_that_cannot_be_decoded_is_named_in_the_error():
    with pytest.raises(SourceError, match=r"a\.jpg: the file is empty"):
        observe_photos(PHOTOS, [ColourStation()])


def test_captions_are_scored_as_the_definitions_say():
    measured = measure(PHOTOS, FINDINGS, Tables())
    written = [["a", "dog", "on", "grass"], ["a", "cat"], ["a", "man"]]
    references = [[text.split() for text in photo.descriptions] for photo in PHOTOS]
    assert measured.bleu == tuple(bleu(written, references))
    assert measured.cider_d == cider_d(written, references)
    assert (measured.n_photos, measured.n_queries, measured.n_different, measured.n_words) == (3, 6, 3, 6)


def test_each_row_searches_more():
    tables = Tables(Expansion({"kitten": (("snow", 0.5),)}), hypernyms=Hypernyms({"bicycle": (("bike", 0),)}))
    measured = measure(PHOTOS, FINDINGS, tables)
    found = [measured.retrieval[name].recall_at_10 for name, _, _ in ROWS[:6]]
    # Captions find both of the dog, "a cat ..." and "a man ..."; the related word finds the kitten.
    assert found == pytest.approx([4 / 6, 4 / 6, 4 / 6, 4 / 6, 4 / 6, 5 / 6])
    assert measured.retrieval["concepts only"].recall_at_1 == pytest.approx(1 / 6)


def test_measuring_twice_gives_the_same_numbers():
    again = [measure(PHOTOS, FINDINGS, Tables()) for _ in range(2)]
    assert again[0] == again[1]


def test_tables_and_json_have_the_same_numbers():
    measured = measure(PHOTOS, FINDINGS, Tables())
    told = json.loads(json.dumps(measured_json(measured)))
    table = measured_table(measured)
    assert told["retrieval"].keys() == measured.retrieval.keys()
    assert f"| CIDEr-D | {told['CIDEr-D']:.3f} |" in table
    assert told["retrieval"]["concepts only"]["median_rank"] is None
    assert "| concepts only | 0.167 | 0.167 | 0.167 | inf |" in table
