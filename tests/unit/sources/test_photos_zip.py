"""A ZIP of photos: what is listed, what is left out, and that its bytes are found again."""

import warnings
import zipfile
from pathlib import Path

import pytest

from photosearch.errors import Cancelled, PhotoError, SourceError
from photosearch.records import Failure, Listing, Watch
from photosearch.sources import NO_OPTIONS, find_sources
from photosearch.sources.archive import Archives
from photosearch.sources.photos_zip import PhotosZipSource, read_member
from tests.exports import FLAGS, patch_directory, picture, put, write_zip

LIMIT = 1_000_000
MEMBERS = {
    "red.jpg": picture("red"),
    "trip/blue.PNG": picture("blue", ".png"),
    "trip/notes.txt": b"notes",
    "inner.zip": b"PK",
    ".hidden.jpg": b"",
    ".cache/x.jpg": b"",
    "__MACOSX/trip/._blue.PNG": b"",
    "./dotted.jpg": b"",
}


@pytest.fixture
def path(tmp_path) -> Path:
    return write_zip(tmp_path / "holidays.zip", MEMBERS)


def listed(source: PhotosZipSource, known: dict[str, str | None] | None = None) -> dict[str, Listing | Failure]:
    return {item.source_key: item for item in source.listings(known or {}, Watch())}


def test_pictures_are_listed_by_their_path_in_the_zip(path):
    source = PhotosZipSource(path)
    items = listed(source)
    assert list(items) == ["holidays.zip/red.jpg", "holidays.zip/trip/blue.PNG", "holidays.zip/./dotted.jpg"]
    assert (source.kind, source.collection, source.described) == ("zip", "holidays", False)
    assert source.left_out == {".txt": 1, ".zip": 1}  # the ZIP in the ZIP is not opened
    assert {item.address for item in items.values()} == {str(path)}


def test_listed_photos_are_read(path):
    with Archives() as archives:
        for key, item in listed(PhotosZipSource(path)).items():
            data = read_member(key, item.address, archives, LIMIT)
            assert data == MEMBERS[key.removeprefix("holidays.zip/")]


def test_a_photo_is_read_where_the_zip_was_moved_to(path, tmp_path):
    (tmp_path / "moved").mkdir()
    path = path.rename(tmp_path / "moved" / path.name)
    with Archives() as archives:
        assert read_member("holidays.zip/red.jpg", str(path), archives, LIMIT) == MEMBERS["red.jpg"]


def test_the_same_photos_have_the_same_keys_and_stamps(path):
    before = listed(PhotosZipSource(path))
    write_zip(path, {**MEMBERS, "red.jpg": picture("green")})
    after = listed(PhotosZipSource(path))
    assert [key for key in before if before[key] != after[key]] == ["holidays.zip/red.jpg"]


def test_a_relative_path_has_an_absolute_address(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert listed(PhotosZipSource(Path(path.name))) == listed(PhotosZipSource(path))


def test_it_covers_what_is_of_its_name(path):
    source = PhotosZipSource(path)
    assert [source.covers(key) for key in ("holidays.zip/red.jpg", "holidays.zip2/red.jpg", "red.jpg")] == [
        True,
        False,
        False,
    ]


def test_refused_pictures_are_told_and_the_rest_listed(tmp_path):
    path = write_zip(
        tmp_path / "bad.zip",
        {
            "../out.jpg": b"x",
            "/abs.jpg": b"x",
            "locked.jpg": b"x",
            "bomb.jpg": bytes(20_000_000),
            "good.jpg": b"x",
            "../out.txt": b"x",
        },
    )
    patch_directory(path, "locked.jpg", put(*FLAGS, 1))
    items = listed(source := PhotosZipSource(path))
    failures = [key for key, item in items.items() if isinstance(item, Failure)]
    assert failures == ["bad.zip/../out.jpg", "bad.zip//abs.jpg", "bad.zip/locked.jpg", "bad.zip/bomb.jpg"]
    assert [key for key, item in items.items() if isinstance(item, Listing)] == ["bad.zip/good.jpg"]
    assert source.left_out.total() == 1
    with Archives() as archives, pytest.raises(PhotoError):
        read_member("bad.zip/../out.jpg", str(path), archives, LIMIT)


def test_a_photo_that_has_gone_is_told(path):
    write_zip(path, {"deeper/red.jpg": b"another"})
    with Archives() as archives, pytest.raises(PhotoError, match="no longer holds it"):
        read_member("holidays.zip/red.jpg", str(path), archives, LIMIT)


@pytest.mark.parametrize("address", ["", "/nowhere/holidays.zip", "nul\0byte"])
def test_an_address_that_leads_nowhere_is_told(address):
    with Archives() as archives, pytest.raises(PhotoError):
        read_member("holidays.zip/red.jpg", address, archives, LIMIT)


def test_a_zip_that_goes_before_it_is_listed_is_told(path):
    source = PhotosZipSource(path)
    path.unlink()
    with pytest.raises(SourceError, match="holidays"):
        listed(source)


def test_the_one_who_watches_may_end_it(path):
    items = PhotosZipSource(path).listings({}, Watch(is_cancelled=lambda: True))
    with pytest.raises(Cancelled):
        next(items)


def test_zips_are_photos_where_they_are_no_export_but_only_one_at_a_time(path, tmp_path):
    (source,) = find_sources([str(path)], tmp_path, NO_OPTIONS)
    assert isinstance(source, PhotosZipSource)
    other = write_zip(tmp_path / "other.ZIP", {"red.jpg": picture()})
    with pytest.raises(SourceError, match="one at a time"):
        find_sources([str(path), str(other)], tmp_path, NO_OPTIONS)


# Another ZIP of the same name


@pytest.fixture
def twin(path, tmp_path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    return write_zip(tmp_path / "elsewhere" / path.name, {"red.jpg": picture("green")})


def known_of(items: dict[str, Listing | Failure]) -> dict[str, str | None]:
    return {key: item.address for key, item in items.items()}


def test_another_zip_of_the_name_has_keys_of_its_own_for_good(path, twin):
    known = known_of(listed(PhotosZipSource(path)))
    source = PhotosZipSource(twin)
    (key,) = items = listed(source, known)
    assert key not in known
    assert key.endswith("/red.jpg")
    assert not any(source.covers(one) for one in known)
    known |= known_of(items)
    path.unlink()
    assert list(listed(PhotosZipSource(twin), known)) == [key]
    with Archives() as archives:
        assert read_member(key, str(twin), archives, LIMIT) == picture("green")


def test_a_zip_that_was_moved_keeps_its_keys(path, tmp_path):
    known = known_of(listed(PhotosZipSource(path)))
    (tmp_path / "moved").mkdir()
    source = PhotosZipSource(path.rename(tmp_path / "moved" / path.name))
    assert list(listed(source, known)) == list(known)
    assert all(source.covers(key) for key in known)


def test_where_both_were_mixed_before_each_covers_its_own_only(path, twin):
    known = {"holidays.zip/red.jpg": str(twin), "holidays.zip/gone.jpg": str(path), "holidays.zip/old.jpg": str(twin)}
    listed(source := PhotosZipSource(path), known)
    assert [source.covers(key) for key in known] == [False, True, False]


def test_a_zip_leaves_out_what_a_folder_does(tmp_path):
    members = {
        "2023/red.jpg": picture(),
        "2023/DSC0001.HIF": picture(),
        "2023/@eaDir/red.jpg/THUMB.jpg": picture(),
        "__MACOSX/2023/red.jpg": picture(),
        "WhatsApp/.nomedia": b"",
        "WhatsApp/Private/a.jpg": picture(),
        "WhatsApp/b.jpg": picture(),
        "Mine.photoslibrary/resources/a.jpg": picture(),
        "Mine.photoslibrary/originals/a.jpg": picture(),
        "clip.mp4": b"\0\0\0 ftypisom",
    }
    source = PhotosZipSource(write_zip(tmp_path / "nas.zip", members))
    assert [key.removeprefix("nas.zip/") for key in listed(source)] == [
        "2023/red.jpg",
        "2023/DSC0001.HIF",
        "Mine.photoslibrary/originals/a.jpg",
    ]
    assert source.left_out == {
        "folder @eaDir": 1,
        "folder __MACOSX": 1,
        "folder with .nomedia": 1,
        "folder resources": 1,
        ".mp4": 1,
    }


def test_several_files_of_one_name_are_all_listed_and_read(tmp_path):
    path = tmp_path / "twice.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as file:
        warnings.simplefilter("ignore")  # of the duplicate names
        for name, colour in (("a.jpg", "red"), ("a.jpg", "blue"), ("a (2).jpg", "green"), ("a.jpg", "white")):
            file.writestr(name, picture(colour))
        file.writestr("a.jpg", picture("blue"))
    items = listed(PhotosZipSource(path))
    with Archives() as archives:
        contents = {key: read_member(key, item.address, archives, LIMIT) for key, item in items.items()}
    names = ("a.jpg", "a (2).jpg", "a (3).jpg", "a (4).jpg")
    colours = ("red", "green", "blue", "white")
    assert contents == {f"twice.zip/{name}": picture(c) for name, c in zip(names, colours, strict=True)}
