"""The older system's three files: reading what was written gives the same."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from photosearch.errors import PhotosearchError
from photosearch.export.older_system import has_address, older_system_files, write_older_system_files
from photosearch.records import UNWATCHED, Caption, Details, Detection, Failure, Listing, Photo, PhotoState, TextKind
from photosearch.sources import NO_OPTIONS, find_sources
from photosearch.sources.source import Source

PERMALINK = "https://www.instagram.com/p/A/"


def photo(key: str, caption: str = "", objects: list[str] = (), permalink: str | None = None) -> Photo:
    return Photo(
        id=key,
        collection="x",
        source="url",
        source_key=key,
        state=PhotoState.READY,
        captions=(Caption(caption, -1.0, "m"), Caption("another", -2.0, "m")) if caption else (),
        objects=tuple(Detection(label, 0.9, (0.0, 0.0, 1.0, 1.0)) for label in objects),
        details=Details(permalink=permalink),
    )


def read_back(folder: Path, files: dict[str, str], name: str) -> list[tuple[Source, list[Listing]]]:
    (folder / name).write_text(files[name], encoding="utf-8")
    sources = find_sources([str(folder / name)], folder, NO_OPTIONS)
    read = [(source, list(source.listings((), UNWATCHED))) for source in sources]
    assert not [item for _, items in read for item in items if isinstance(item, Failure)]
    return read


def said(item: Listing, kind: TextKind) -> list[str]:
    return item.details.texts_of(kind) if item.details else []


def test_the_three_files_are_those_of_the_older_system():
    photos = [
        photo("https://a.example/1.jpg", "a dog", ["dog", "car", "dog"], PERMALINK),
        photo("https://a.example/2.jpg"),
    ]
    assert {name: json.loads(text) for name, text in older_system_files("nature", photos).items()} == {
        "url_list_nature.json": ["https://a.example/1.jpg", "https://a.example/2.jpg"],
        "captions_dict_nature.json": {"https://a.example/1.jpg": "a dog", "https://a.example/2.jpg": ""},
        "photosearch_db.json": {
            "nature": [
                {"url": "https://a.example/1.jpg", "caption": "a dog", "yolo_objects": ["dog", "car", "dog"]},
                {"url": "https://a.example/2.jpg", "caption": "", "yolo_objects": []},
            ]
        },
    }


def test_an_empty_collection_has_files_too():
    assert [json.loads(text) for text in older_system_files("x", []).values()] == [[], {}, {"x": []}]


def test_a_photo_without_an_address_is_left_out():
    photos = [photo("A/1", permalink=PERMALINK), photo("/photos/a.jpg"), photo("photos.zip/a.jpg")]
    assert json.loads(older_system_files("x", photos)["url_list_x.json"]) == [PERMALINK]
    with pytest.raises(PhotosearchError, match=r"No photo of .x. has an address.*JSON or CSV"):
        older_system_files("x", photos[1:])


def test_a_database_that_is_there_keeps_its_other_collections(tmp_path):
    write_older_system_files(tmp_path, "k", [photo("https://a.example/1.jpg", "a dog")])
    write_older_system_files(tmp_path, "z", [photo("https://a.example/2.jpg")])
    write_older_system_files(tmp_path, "z", [photo("https://a.example/3.jpg")])
    held = json.loads((tmp_path / "photosearch_db.json").read_text())
    assert {name: [entry["url"] for entry in entries] for name, entries in held.items()} == {
        "k": ["https://a.example/1.jpg"],
        "z": ["https://a.example/3.jpg"],
    }
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("content", ["{", "[]", '{"k": 5}'])
def test_a_file_that_is_no_database_is_not_overwritten(tmp_path, content):
    (tmp_path / "photosearch_db.json").write_text(content)
    with pytest.raises(PhotosearchError, match=r"photosearch_db\.json"):
        write_older_system_files(tmp_path, "k", [photo("https://a.example/1.jpg")])
    assert [path.name for path in tmp_path.iterdir()] == ["photosearch_db.json"]
    assert (tmp_path / "photosearch_db.json").read_text() == content


def test_every_slide_of_a_post_has_its_own_address(tmp_path):
    slides = [photo(f"A/{n}", f"caption {n}", permalink=PERMALINK) for n in (1, 2, 3)]
    files = older_system_files("x", slides)
    keys = [PERMALINK, f"{PERMALINK}?img_index=2", f"{PERMALINK}?img_index=3"]
    assert json.loads(files["url_list_x.json"]) == keys
    for name in ("captions_dict_x.json", "photosearch_db.json"):
        ((_, items),) = read_back(tmp_path, files, name)
        assert [item.source_key for item in items] == keys
        assert [said(item, TextKind.IMPORTED) for item in items] == [["caption 1"], ["caption 2"], ["caption 3"]]


@pytest.mark.parametrize(
    ("collection", "name"),
    [
        ("Süße Hunde", "Süße Hunde"),
        ("a/b\\c:d", "a_b_c_d"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "photos"),
        ('<>"|?*', "______"),
        ("x" * 300, "x" * 200),
        ("犬" * 100, "犬" * 66),
        ("", "photos"),
    ],
)
def test_a_files_name_is_one_on_any_system(tmp_path, collection, name):
    files = older_system_files(collection, [])
    assert list(files) == [f"url_list_{name}.json", f"captions_dict_{name}.json", "photosearch_db.json"]
    for file, text in files.items():
        (tmp_path / file).write_text(text)


MARKS = re.compile("<(start|end|pad|unk)>")  # reading drops these from captions
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
LINES = TEXT.map(lambda text: " ".join(MARKS.sub(" ", text).split()))
NAMES = TEXT.map(str.strip).filter(bool) | st.sampled_from(["urls", "http://x/", "captions_dict_", "url", "."])
KEYS = st.builds(
    "https://a.example/{}{}".format,
    st.text(st.characters(categories=["L", "N"])),
    st.sampled_from(["", "?a=b&c=d@e", ".jpg", "%20b", "/a:b"]),
)
PHOTOS = st.lists(st.builds(photo, KEYS, LINES, st.lists(LINES.filter(bool), max_size=4)), unique_by=lambda p: p.id)


@given(NAMES, PHOTOS)
def test_reading_what_was_written_gives_the_same(tmp_path_factory, collection, photos):
    assume(all(map(has_address, photos)))
    folder = tmp_path_factory.getbasetemp()
    files = older_system_files(collection, photos)
    addresses, captions, database = files
    keys = [photo.source_key for photo in photos]
    texts = [[photo.caption] if photo.caption else [] for photo in photos]
    if photos:
        ((source, items),) = read_back(folder, files, addresses)
        assert items == [Listing(key, "") for key in keys]
        ((source, items),) = read_back(folder, files, captions)
        assert captions == f"captions_dict_{source.collection}.json" or source.collection == "photos"
        assert [item.source_key for item in items] == keys
        assert [said(item, TextKind.IMPORTED) for item in items] == texts
        ((source, items),) = read_back(folder, files, database)
        assert source.collection == collection
        assert [item.source_key for item in items] == keys
        assert [said(item, TextKind.IMPORTED) for item in items] == texts
        objects = [[found.label for found in photo.objects] for photo in photos]
        assert [said(item, TextKind.OBJECT) for item in items] == objects
