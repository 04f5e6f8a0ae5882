"""What lies beside pictures: sidecars, Google Takeout's JSON, instaloader's files; in folders and ZIPs alike."""

from __future__ import annotations

import json
import lzma
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from photosearch.records import UNWATCHED, Details, Failure, Listing, TextKind
from photosearch.sources.folder import FolderSource
from photosearch.sources.photos_zip import PhotosZipSource
from photosearch.sources.takeout import takeout_names
from tests.conftest import jpeg
from tests.unit.pictures.test_xmp import items, packet

TAKEN = {"photoTakenTime": {"timestamp": "1686824430", "formatted": "x"}}


@pytest.fixture(params=["folder", "zip"])
def source(request: pytest.FixtureRequest, tmp_path: Path):
    """Return a function that makes a source named Trip of files, given by their paths."""

    def make(files: dict[str, bytes | str | dict]) -> FolderSource | PhotosZipSource:
        contents = {name: _as_bytes(data) for name, data in files.items()}
        if request.param == "zip":
            with zipfile.ZipFile(tmp_path / "Trip.zip", "w") as archive:
                for name, data in contents.items():
                    archive.writestr(name, data)
            return PhotosZipSource(tmp_path / "Trip.zip")
        for name, data in contents.items():
            path = tmp_path / "Trip" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return FolderSource(tmp_path / "Trip")

    return make


def _as_bytes(data: bytes | str | dict) -> bytes:
    text = json.dumps(data) if isinstance(data, dict) else data
    return text if isinstance(text, bytes) else text.encode()


def listed(source: FolderSource | PhotosZipSource) -> dict[str, Details]:
    """Return the details of the photos that a source lists, by the names of their files; nothing may fail."""
    found = list(source.listings({}, UNWATCHED))
    assert not [item for item in found if isinstance(item, Failure)]
    return {item.source_key.rpartition("/")[2]: item.details for item in found if isinstance(item, Listing)}


def texts(details: Details) -> list[str]:
    marks = {TextKind.HASHTAG: "#", TextKind.MENTION: "@"}
    return [marks.get(kind, "") + text for kind, text in details.texts]


def test_folder_and_file_are_named(source) -> None:
    found = listed(source({"2019 Lisbon/tram_28.jpg": jpeg(), "IMG-20210101-WA0001.jpg": jpeg()}))
    assert found["tram_28.jpg"] == Details(folder="Trip/2019 Lisbon", file="tram_28.jpg")
    assert found["IMG-20210101-WA0001.jpg"].dated_at == datetime(2021, 1, 1)


@pytest.mark.parametrize("name", ["a.xmp", "a.jpg.xmp", "A.XMP"])
def test_a_sidecar_belongs_to_its_picture(source, name: str) -> None:
    made = source({"a.jpg": jpeg(), "b.jpg": jpeg(), name: packet(items("dc:subject", "alpaca"), 'xmp:Rating="4"')})
    found = listed(made)
    assert (texts(found["a.jpg"]), found["a.jpg"].rating) == (["#alpaca"], 4)
    assert texts(found["b.jpg"]) == []
    assert not made.left_out


def test_a_sidecar_without_a_picture_is_left_out(source) -> None:
    made = source({"a.jpg": jpeg(), "b.xmp": packet(), "notes.txt": "x"})
    listed(made)
    assert made.left_out == {".xmp": 1, ".txt": 1}


def test_a_sidecar_that_cannot_be_read_is_named_and_costs_no_photo(source) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>'
    made = source({"a.jpg": jpeg(), "a.xmp": bomb})
    photo, failure = made.listings({}, UNWATCHED)
    assert isinstance(photo, Listing)
    assert not made.left_out, "it is named, and not counted besides"
    assert isinstance(failure, Failure)
    assert failure.source_key.endswith("a.xmp")
    assert "defines entities" in failure.reason


def test_instaloader_writes_a_post_s_text_beside_its_pictures(source) -> None:
    found = listed(
        source(
            {
                "2023-06-15_10-20-30_UTC.jpg": jpeg(),
                "2023-06-15_10-20-30_UTC.txt": "Kingfisher #birds",
                "2023-06-16_10-20-30_UTC_1.jpg": jpeg(),
                "2023-06-16_10-20-30_UTC_2.jpg": jpeg(),
                "2023-06-16_10-20-30_UTC.txt": "Two views of the lighthouse",
            }
        )
    )
    assert texts(found["2023-06-15_10-20-30_UTC.jpg"]) == ["Kingfisher #birds", "#birds"]
    assert found["2023-06-15_10-20-30_UTC.jpg"].taken_at == datetime(2023, 6, 15, 10, 20, 30, tzinfo=UTC)
    for slide in "12":
        assert texts(found[f"2023-06-16_10-20-30_UTC_{slide}.jpg"]) == ["Two views of the lighthouse"]


def test_instaloader_s_json_says_more(source) -> None:
    node = {
        "shortcode": "CtgK9abc",
        "taken_at_timestamp": 1686824430,
        "edge_media_to_caption": {"edges": [{"node": {"text": "Kingfisher #birds @lena"}}]},
        "edge_media_preview_like": {"count": 12},
        "edge_media_to_comment": {"count": 3},
        "location": {"name": "Rügen", "lat": 54.4, "lng": 13.4},
    }
    whole = {"node": node, "instaloader": {"version": "4.14", "node_type": "Post"}}
    made = source(
        {
            "lena_1.jpg": jpeg(),
            "lena_2.jpg": jpeg(),
            "lena.json.xz": lzma.compress(json.dumps(whole).encode()),
            "lena.txt": "Kingfisher #birds @lena",
            "iterator_x.json.xz": lzma.compress(b"{}"),
        }
    )
    found = listed(made)
    assert not [ending for ending in made.left_out if ending != ".xz"], "the text belongs to the post, as the JSON does"
    for details in found.values():
        assert details.permalink == "https://www.instagram.com/p/CtgK9abc/"
        assert details.taken_at == datetime(2023, 6, 15, 10, 20, 30, tzinfo=UTC)
        assert (details.place, details.latitude, details.longitude) == ("Rügen", 54.4, 13.4)
        assert (details.n_likes, details.n_comments) == (12, 3)
        assert texts(details) == ["Kingfisher #birds @lena", "#birds", "@lena"]


@pytest.mark.parametrize(("slides", "said"), [({}, ["bird"]), ({"edge_sidecar_to_children": {"edges": [{}]}}, [])])
def test_instagram_s_description_in_its_json_is_that_of_a_single_picture(source, slides, said) -> None:
    node = {"shortcode": "C", "accessibility_caption": "Photo by Lena on May 1, 2024. Puede ser una imagen de bird"}
    made = source({"lena.jpg": jpeg(), "lena.json": json.dumps({"node": node | slides})})
    assert listed(made)["lena.jpg"].texts_of(TextKind.ACCESSIBILITY) == said


def test_what_instaloader_keeps_besides_posts_is_left_out(source) -> None:
    made = source(
        {
            "2023-06-15_10-20-30_UTC.jpg": jpeg(),
            "2023-06-17_10-20-30_UTC.jpg": jpeg(),
            "2023-06-17_10-20-30_UTC.mp4": b"x" * 100,
            "2020-01-01_00-00-00_UTC_profile_pic.jpg": jpeg(),
            "2023-06-15_10-20-30_UTC.txt": "Kingfisher",
            "2023-06-15_10-20-30_UTC_comments.json": "[]",
            "2023-06-15_10-20-30_UTC_location.txt": "Kiel",
            "IMG_1.jpg": jpeg(),
            "IMG_1.mp4": b"x" * 100,
        }
    )
    assert set(listed(made)) == {"2023-06-15_10-20-30_UTC.jpg", "IMG_1.jpg"}
    assert made.left_out == {"profile picture": 1, "cover of a video": 1, ".mp4": 2}


@pytest.mark.parametrize(
    ("picture", "beside"),
    [
        ("IMG_1.jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-me.json"),
        ("IMG_1.jpg", "IMG_1.json"),
        ("IMG_1(1).jpg", "IMG_1.jpg(1).json"),
        ("IMG_1(1).jpg", "IMG_1.jpg.supplemental-metadata(1).json"),
        ("IMG_1-edited.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1-bearbeitet.jpg", "IMG_1.jpg.json"),
        ("PXL_20230615_123456789.PORTRAIT.ORIGINAL.jpg", "PXL_20230615_123456789.PORTRAIT.ORIGINAL.jpg.s.json"),
        (
            "a_very_long_name_of_a_photo_of_my_holidays_in_2019.jpg",
            "a_very_long_name_of_a_photo_of_my_holidays_in_.json",
        ),
    ],
)
def test_google_takeout_s_json_belongs_to_its_picture(source, picture: str, beside: str) -> None:
    said = {
        **TAKEN,
        "title": picture,
        "description": "Kingfisher",
        "geoData": {"latitude": 0.0, "longitude": 0.0},
        "geoDataExif": {"latitude": 54.4, "longitude": 13.4},
        "people": [{"name": "Aunt Tilda"}, {"nobody": 1}, 5],
    }
    made = source({picture: jpeg(), beside: said})
    (details,) = listed(made).values()
    assert details.taken_at == datetime(2023, 6, 15, 10, 20, 30, tzinfo=UTC)
    assert (details.latitude, details.longitude) == (54.4, 13.4)
    assert texts(details) == ["Kingfisher", "Aunt Tilda"]
    assert not made.left_out


def test_a_name_that_takeout_shortened_is_found() -> None:
    long = "Screenshot_20230615-123456_Some Very Long Application Name.jpg"
    assert "Screenshot_20230615-123456_Some Very Long Appl" in list(takeout_names(long))


@pytest.mark.parametrize("said", [b"[]", b"7", b'{"title": 5, "photoTakenTime": 3}', b'{"node": []}', b"{}"])
def test_json_of_another_kind_is_left_out_like_any_file(source, said: bytes) -> None:
    made = source({"IMG_1.jpg": jpeg(), "IMG_1.jpg.json": said})
    (details,) = listed(made).values()
    assert details == Details(folder="Trip", file="IMG_1.jpg")
    assert made.left_out == {".json": 1}


@pytest.mark.parametrize("timestamp", ["-99999999999999", "9999999999999999", "x", None, [], "0", "nan"])
def test_odd_times_and_places_are_none(source, timestamp: object) -> None:
    said = {
        "title": "a",
        "photoTakenTime": {"timestamp": timestamp},
        "geoData": {"latitude": 1e999, "longitude": "x"},
        "description": None,
    }
    (details,) = listed(source({"a.jpg": jpeg(), "a.jpg.json": said})).values()
    assert (details.taken_at, details.latitude) == (None, None)


@pytest.mark.parametrize(
    "data", [b"{", b"\xfd7zXZ\0damaged", lzma.compress(b"[" * 100_000), lzma.compress(b" " * 9_000_000)]
)
def test_files_that_cannot_be_read_are_named(source, data: bytes) -> None:
    name = "2023-06-15_10-20-30_UTC.json.xz"
    made = source({"2023-06-15_10-20-30_UTC.jpg": jpeg(), name: data})
    photo, failure = made.listings({}, UNWATCHED)
    assert isinstance(photo, Listing)
    assert not made.left_out
    assert isinstance(failure, Failure)
    assert failure.source_key.endswith(name)


def test_the_files_of_one_folder_say_nothing_of_another(source) -> None:
    found = listed(source({"a/x.jpg": jpeg(), "b/x.xmp": packet(items("dc:subject", "alpaca")), "b/y.jpg": jpeg()}))
    assert [texts(details) for details in found.values()] == [[], []]
