"""Photos that are handed in: kept in the library, read from there, deleted with their collection."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from photosearch.errors import Cancelled
from photosearch.records import Failure, PhotoState, Watch
from photosearch.sources.photos_zip import PhotosZipSource
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse, jpeg


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def upload(workspace: Workspace, *files: tuple[str, bytes], collection: str = "c"):  # type: ignore[no-untyped-def]
    (added,) = workspace.upload([(name, io.BytesIO(data)) for name, data in files], collection)
    return added


def kept(workspace: Workspace) -> list[Path]:
    return [path for path in (workspace.library.folder / "uploads").rglob("*") if path.is_file()]


def test_uploads_are_kept_and_captioned(workspace: Workspace) -> None:
    added = upload(workspace, ("red.jpg", jpeg("red")), ("more.zip", zipped(a__green=b"", a__blue_jpg=b"")))
    assert (added.collection, added.report.n_new, added.report.n_left_out) == ("c", 1, 2)
    assert analyse(workspace.library, ColourStation()).n_captioned == 1
    (photo,) = workspace.library.photos("c", PhotoState.READY)
    assert (photo.source, photo.name, photo.caption) == ("upload", "red.jpg", "a red picture")


def test_a_zip_is_taken_apart(workspace: Workspace) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("trip/blue.jpg", jpeg("blue"))
        archive.writestr("trip/green.JPG", jpeg("green"))
        archive.writestr("../out.jpg", jpeg("red"))
        archive.writestr("notes.txt", "no photo")
    report = upload(workspace, ("trip.zip", out.getvalue())).report
    assert (report.n_new, report.n_left_out) == (2, 1)
    assert [failure.source_key for failure in report.failures] == ["trip.zip/../out.jpg"]
    assert not (workspace.library.folder.parent / "out.jpg").exists()
    assert analyse(workspace.library, ColourStation()).n_captioned == 2


def test_the_same_file_twice_is_known_and_another_of_its_name_is_another_photo(workspace: Workspace) -> None:
    upload(workspace, ("IMG_1.jpg", jpeg("red")))
    assert upload(workspace, ("IMG_1.jpg", jpeg("red"))).report.n_unchanged == 1
    assert upload(workspace, ("IMG_1.jpg", jpeg("blue"))).report.n_new == 1
    assert [photo.name for photo in workspace.library.photos("c")] == 2 * ["IMG_1.jpg"]


@pytest.mark.parametrize("name", ["../../evil.jpg", "/etc/passwd.jpg", "C:\\photos\\a.jpg", "", "a\x00b.jpg"])
def test_no_name_leads_out_of_the_library(workspace: Workspace, name: str) -> None:
    before = set(workspace.library.folder.parent.rglob("*")) | set(workspace.library.folder.rglob("*"))
    upload(workspace, (name, jpeg("red")))
    new = {path for path in workspace.library.folder.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(workspace.library.folder) for path in new)
    assert analyse(workspace.library, ColourStation()).n_captioned == 1


def test_a_collection_takes_its_files_with_it_but_for_those_that_another_holds(workspace: Workspace) -> None:
    upload(workspace, ("red.jpg", jpeg("red")), ("blue.jpg", jpeg("blue")))
    upload(workspace, ("same.jpg", jpeg("red")), collection="other")
    analyse(workspace.library, ColourStation())
    assert len(kept(workspace)) == 2
    workspace.remove("c")
    assert len(kept(workspace)) == 1
    workspace.remove("other")
    assert kept(workspace) == []


def test_what_is_no_zip_fails_by_its_own_name_and_the_rest_is_kept(workspace: Workspace) -> None:
    report = upload(workspace, ("bad.zip", b"PK but not really"), ("good.jpg", jpeg("red"))).report
    assert report.n_new == 1
    (failure,) = report.failures
    assert failure.source_key == "bad.zip"
    assert failure.reason.startswith("it is no ZIP")
    assert str(workspace.library.folder) not in failure.reason


def test_a_zip_lies_in_the_library_while_it_is_taken_apart_and_not_afterwards(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []
    whole = PhotosZipSource.listings

    def listings(self: PhotosZipSource, known: dict[str, str | None], watch: Watch):  # type: ignore[no-untyped-def]
        seen.append(self._path)
        return whole(self, known, watch)

    monkeypatch.setattr(PhotosZipSource, "listings", listings)
    upload(workspace, ("trip.zip", zipped(**{"a.jpg": jpeg("red")})))
    assert seen[0].is_relative_to(workspace.library.folder.resolve())
    assert not seen[0].parent.exists()


def test_what_a_killed_process_left_is_cleared_away(workspace: Workspace) -> None:
    left, fresh = (workspace.library.folder / f"arriving-{name}" for name in ("old", "new"))
    for folder in (left, fresh):
        folder.mkdir()
    os.utime(left, (0, 0))
    upload(workspace, ("trip.zip", zipped(**{"a.jpg": jpeg("red")})))
    assert (left.exists(), fresh.exists()) == (False, True)


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "x" * 300 + ".zip", "a\0b.zip", "\ud800.jpg", "a\nb\x1b[31m.jpg"])
def test_odd_names_are_kept_as_they_can_be(workspace: Workspace, name: str) -> None:
    data = zipped(**{"a.jpg": jpeg("red")}) if name.endswith(".zip") else jpeg("red")
    assert upload(workspace, (name, data)).report.n_new == 1
    (photo,) = workspace.library.photos("c")
    assert photo.source_key.isprintable()
    assert len(photo.source_key) < 255
    assert photo.source_key.endswith(".jpg")
    assert analyse(workspace.library, ColourStation()).n_captioned == 1


def test_what_is_no_picture_fails_with_a_reason(workspace: Workspace) -> None:
    upload(workspace, ("notes.jpg", b"no picture"))
    (failure,) = analyse(workspace.library, ColourStation()).failures
    assert isinstance(failure, Failure)
    assert "no picture" in failure.reason


def test_an_upload_that_is_stopped_keeps_what_it_had(workspace: Workspace) -> None:
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        workspace.upload(
            [("red.jpg", io.BytesIO(jpeg("red"))), ("blue.jpg", io.BytesIO(jpeg("blue")))],
            "c",
            Watch(is_cancelled=lambda: next(asked)),
        )
    assert [photo.name for photo in workspace.library.photos("c")] == ["red.jpg"]
