"""Exported files: each kind, names in a ZIP, photos left out with reasons, no half-written file."""

import csv
import io
import json
import zipfile

import pytest

from photosearch.errors import Cancelled, CollectionNotFound, LibraryError, ReadOnlyError
from photosearch.export import exporter as exporting
from photosearch.export.exporter import ExportKind, file_name
from photosearch.records import Listing, Progress, Watch
from photosearch.settings import Settings
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse, jpeg


@pytest.fixture
def filled(workspace, make_photos):
    """Three captioned photos, two of them of one name."""
    folder = make_photos("red.jpg", "a/red.jpg", "green.jpg", folder="trip")
    (folder / "a" / "red.jpg").write_bytes(jpeg("red", size=(80, 60)))
    workspace.add(str(folder))
    analyse(workspace.library, ColourStation())
    return workspace


def members(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_json_is_what_the_command_prints(filled, tmp_path):
    report = filled.export(ExportKind.JSON, "trip", tmp_path / "x" / "trip.json")
    photos = json.loads((tmp_path / "x" / "trip.json").read_text(encoding="utf-8"))
    assert [photo["captions"][0]["text"] for photo in photos] == ["a red picture", "a green picture", "a red picture"]
    assert report.failures == ()


def test_an_empty_collection_makes_an_empty_list(workspace, tmp_path):
    workspace.library.merge("empty", "folder", [])
    workspace.export(ExportKind.JSON, "empty", tmp_path / "e.json")
    assert json.loads((tmp_path / "e.json").read_text(encoding="utf-8")) == []


def test_csv_has_a_row_a_photo(filled, tmp_path):
    filled.export(ExportKind.CSV, "trip", tmp_path / "trip.csv")
    rows = table((tmp_path / "trip.csv").read_bytes())
    assert [row["caption"] for row in rows] == ["a red picture", "a green picture", "a red picture"]


def test_the_older_systems_files_come_in_a_zip(workspace, tmp_path):
    workspace.library.merge("trip", "url", [Listing("https://example.invalid/a.jpg", "")])
    workspace.export(ExportKind.OLDER_SYSTEM, "trip", tmp_path / "older.zip")
    assert set(members(tmp_path / "older.zip")) == {
        "url_list_trip.json",
        "captions_dict_trip.json",
        "photosearch_db.json",
    }


def test_the_zip_of_photos_holds_their_bytes_and_a_table_that_names_them(filled, make_photos, tmp_path):
    filled.export(ExportKind.PHOTOS, "trip", tmp_path / "photos.zip")
    found = members(tmp_path / "photos.zip")
    rows = table(found.pop("photos.csv"))
    assert set(found) == {"red.jpg", "green.jpg", "red-2.jpg"}
    assert found["red.jpg"] == (tmp_path / "trip" / "a" / "red.jpg").read_bytes()
    assert [(row["file"], row["caption"]) for row in rows] == [
        ("red.jpg", "a red picture"),
        ("green.jpg", "a green picture"),
        ("red-2.jpg", "a red picture"),
    ]


def test_the_export_of_a_query_has_only_its_hits_the_best_first(filled, make_photos, tmp_path):
    filled.export(ExportKind.PHOTOS, "trip", tmp_path / "photos.zip", query="green")
    assert next(iter(members(tmp_path / "photos.zip"))) == "green.jpg"
    filled.export(ExportKind.PHOTOS, "trip", tmp_path / "photos.zip", query="elephant")
    assert set(members(tmp_path / "photos.zip")) == {"photos.csv"}


def test_a_photo_that_cannot_be_read_is_reported_and_stays_in_the_table(filled, tmp_path):
    (tmp_path / "trip" / "green.jpg").unlink()
    report = filled.export(ExportKind.PHOTOS, "trip", tmp_path / "photos.zip")
    assert [failure.reason for failure in report.failures] == ["the file is no longer there"]
    rows = table(members(tmp_path / "photos.zip")["photos.csv"])
    assert [row["file"] for row in rows] == ["red.jpg", "", "red-2.jpg"]


def test_an_export_fetches_nothing(workspace, tmp_path):
    workspace.library.merge("web", "url", [Listing("https://example.invalid/a.jpg", "")])
    report = workspace.export(ExportKind.PHOTOS, "web", tmp_path / "photos.zip")
    assert [failure.reason for failure in report.failures] == ["it has not been fetched yet"]


def test_photos_above_the_limit_are_left_out_and_reported(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_ZIP_BYTES", (tmp_path / "trip" / "a" / "red.jpg").stat().st_size)
    report = filled.export(ExportKind.PHOTOS, "trip", tmp_path / "photos.zip")
    assert len(report.failures) == 2
    assert "no more than" in report.failures[0].reason


def test_without_room_no_file_is_left(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "SPARE_BYTES", 10**18)
    with pytest.raises(LibraryError, match="no room"):
        filled.export(ExportKind.PHOTOS, "trip", tmp_path / "out" / "photos.zip")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_library_error(filled, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LibraryError, match="cannot be written"):
        filled.export(ExportKind.CSV, "trip", tmp_path / "file" / "trip.csv")


def test_an_export_reports_progress_and_can_be_cancelled(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "AT_ONCE", 2)
    told: list[Progress] = []
    filled.export(ExportKind.CSV, "trip", tmp_path / "a.csv", watch=Watch(told.append))
    assert [(progress.done, progress.total) for progress in told] == [(2, 3), (3, 3)]
    with pytest.raises(Cancelled):
        filled.export(ExportKind.PHOTOS, "trip", tmp_path / "b.zip", watch=Watch(is_cancelled=lambda: True))
    assert not list(tmp_path.glob("b.zip*"))


def test_names_in_a_zip_are_safe_and_unique():
    names = exporting._ZipNames()
    data = jpeg()
    assert names.take("../../etc/passwd", data) == "_.._etc_passwd.jpg"
    assert names.take("A.JPG", data) == "A.jpg"
    assert names.take("a.png", data) == "a-2.jpg"
    assert names.take("con.jpg", data) == "_con.jpg"
    assert names.take("photos.csv", b"?") == "photos-2.csv"
    assert names.take("x.heic", b"\0\0\0\x18ftypheic") == "x.heic"
    assert names.take("", data) == "photo.jpg"


@pytest.mark.parametrize(("kind", "name"), [(ExportKind.JSON, "a_b.json"), (ExportKind.PHOTOS, "a_b-photos.zip")])
def test_the_file_is_named_after_the_collection(kind, name):
    assert file_name("a/b", kind) == name


def test_exporting_an_unknown_collection_is_an_error(workspace, tmp_path):
    with pytest.raises(CollectionNotFound):
        workspace.export(ExportKind.CSV, "none", tmp_path / "a.csv")


def test_the_public_demo_writes_nothing(tmp_path, tiny_models):
    demo = Workspace(Settings(tmp_path / "library", models_dir=tiny_models, demo=True))
    with pytest.raises(ReadOnlyError):
        demo.export(ExportKind.CSV, "demo", tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()
