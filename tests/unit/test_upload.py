"""Photos that are handed in: kept in the library, read from there, deleted with their collection."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from photosearch.errors import Cancelled, SourceError
from photosearch.records import Failure, PhotoState
from photosearch.sources import Watch
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse, jpeg


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def upload(workspace: Workspace, *files: tuple[str, bytes], collection: str = "c"):  # type: ignore[no-untyped-def]
    return workspace.upload([(name, io.BytesIO(data)) for name, data in files], collection)


def kept(workspace: Workspace) -> list[Path]:
    return [path for path in (workspace.library.folder / "uploads").rglob("*") if path.is_file()]


def test_uploads_are_kept_and_captioned(workspace: Workspace) -> None:
    added = upload(workspace, ("red.jpg", jpeg("red")), ("more.zip", zipped(a__green=b"", a__blue_jpg=b"")))
    assert (added.collection, added.report.n_new, added.report.n_skipped) == ("c", 1, 2)
    assert analyse(workspace.library, ColourStation()).n_captioned == 1
    (photo,) = workspace.photos("c", PhotoState.READY)
    assert (photo.source, photo.name, photo.caption) == ("upload", "red.jpg", "a red picture")


def test_a_zip_is_taken_apart(workspace: Workspace) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("trip/blue.jpg", jpeg("blue"))
        archive.writestr("trip/green.JPG", jpeg("green"))
        archive.writestr("../out.jpg", jpeg("red"))
        archive.writestr("notes.txt", "no photo")
    report = upload(workspace, ("trip.zip", out.getvalue())).report
    assert (report.n_new, report.n_skipped) == (2, 1)
    assert [failure.source_key for failure in report.failures] == ["trip.zip/../out.jpg"]
    assert not (workspace.library.folder.parent / "out.jpg").exists()
    assert analyse(workspace.library, ColourStation()).n_captioned == 2


def test_the_same_file_twice_is_known_and_another_of_its_name_is_another_photo(workspace: Workspace) -> None:
    upload(workspace, ("IMG_1.jpg", jpeg("red")))
    assert upload(workspace, ("IMG_1.jpg", jpeg("red"))).report.n_unchanged == 1
    assert upload(workspace, ("IMG_1.jpg", jpeg("blue"))).report.n_new == 1
    assert [photo.name for photo in workspace.photos("c")] == 2 * ["IMG_1.jpg"]


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


def test_what_is_no_zip_is_refused(workspace: Workspace) -> None:
    with pytest.raises(SourceError, match="no ZIP"):
        upload(workspace, ("broken.zip", b"PK but not really"))


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
    assert [photo.name for photo in workspace.photos("c")] == ["red.jpg"]
