"""Pictures kept outside of the library's folder: in another folder, or in S3 (moto's server on loopback)."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from photosearch.errors import LibraryError, PhotoError
from photosearch.evaluation.checking import find_problems
from photosearch.library import Library
from photosearch.library.files import Files, thumbnail_name
from photosearch.library.sweeping import find_leftovers, sweep
from photosearch.library.upkeep import measure_disk
from photosearch.settings import Settings
from photosearch.sources.originals import find_listed, make_rendition
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse, jpeg
from tests.s3 import KEYS, S3, serving

SHA = "ab" * 32


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with serving() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": server.url}.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(params=["folder", "s3"])
def place(request, tmp_path) -> str:
    """Where pictures are kept: an empty folder, or an empty place in a bucket."""
    if request.param == "s3":
        return f"s3://{request.getfixturevalue('s3').make_bucket()}/photos"
    (tmp_path / "shared").mkdir()
    return str(tmp_path / "shared")


@pytest.fixture
def settings(tmp_path, place, tiny_models) -> Settings:
    return Settings(tmp_path / "library", models_dir=tiny_models, files=place)


@pytest.fixture
def workspace(settings) -> Workspace:
    return Workspace(settings)


@pytest.fixture
def files(workspace) -> Files:
    return workspace.library.files


def test_what_is_kept_is_read_again_and_can_be_deleted(files, workspace):
    assert files.read_thumbnail(SHA) is None
    files.keep_thumbnail(SHA, b"jpeg")
    kept, uploaded = files.keep(SHA, b"data"), files.keep_upload(SHA, b"upload")
    assert files.read_thumbnail(SHA) == b"jpeg"
    assert files.read_kept(kept) == b"data"
    assert files.read_upload(uploaded, 6) == b"upload"
    assert files.keep(SHA, b"data") == kept
    assert [files.size(name) for name in (thumbnail_name(SHA), kept, uploaded)] == [4, 4, 6]
    listed = [file for kind in ("thumbnails", "kept", "uploads") for file in files.listing(kind)]
    assert {file.name: file.n_bytes for file in listed} == {thumbnail_name(SHA): 4, kept: 4, uploaded: 6}
    assert all(abs(file.modified_at - time.time()) < 600 for file in listed)
    assert list(files.listing("kept/ff")) == []
    files.delete([kept, "kept/ff/not-there", uploaded])
    assert [files.size(name) for name in (thumbnail_name(SHA), kept, uploaded)] == [4, None, None]
    assert not (workspace.library.folder / "thumbnails").exists()


def test_what_cannot_be_read_is_told(files):
    with pytest.raises(PhotoError, match="its kept copy cannot be read"):
        files.read_kept("kept/ab/none")
    with pytest.raises(PhotoError, match="no longer there"):
        files.read_upload("uploads/ab/none", 100)
    with pytest.raises(PhotoError, match="larger than 0 MB"):
        files.read_upload(files.keep_upload(SHA, b"upload"), 5)
    files.keep(SHA, b"")
    with pytest.raises(PhotoError, match="its kept copy is empty"):
        files.read_kept(f"kept/ab/{SHA}")


def test_photos_are_added_captioned_shown_and_removed(workspace, settings):
    (added,) = workspace.upload([("red.jpg", io.BytesIO(jpeg("red", (900, 600))))], "c")
    assert analyse_with(workspace, settings) == 1
    (photo,) = workspace.library.photos("c")
    assert added.report.n_new == 1
    assert photo.caption == "a red picture"
    thumbnail = workspace.library.files.read_thumbnail(photo.sha256)
    assert Image.open(io.BytesIO(thumbnail)).size == (400, 267)
    original = make_rendition(workspace.library, settings, find_listed(workspace.library, photo.id), 800)
    assert Image.open(io.BytesIO(original)).size == (800, 533)
    used = measure_disk(workspace.library, "c")
    on_disk = workspace.library.files.is_on_disk
    assert (used.thumbnails_bytes, used.uploads_bytes > 0) == (len(thumbnail) if on_disk else 0, on_disk)
    workspace.remove("c")
    assert [list(workspace.library.files.listing(kind)) for kind in ("thumbnails", "kept", "uploads")] == [[], [], []]


def analyse_with(workspace: Workspace, settings: Settings) -> int:
    """Show all pending photos to the station that names colours; return how many were captioned."""
    return analyse(workspace.library, ColourStation(), settings=settings).n_captioned


def test_check_finds_and_mends_what_is_wrong(workspace, settings, make_photos):
    workspace.add(str(make_photos("red.jpg", "green.jpg")), collection="c")
    analyse_with(workspace, settings)
    red, green = workspace.library.photos("c")
    files = workspace.library.files
    files.delete([thumbnail_name(red.sha256)])
    files._write(thumbnail_name(green.sha256), b"")  # as a power cut leaves it
    files.keep("ef" * 32, b"of a photo that was never saved")
    problems = list(find_problems(workspace.library, settings, workspace.tables, 0.0))
    assert sorted(problem.subject for problem in problems) == sorted(
        [thumbnail_name(red.sha256), thumbnail_name(green.sha256), f"kept/ef/{'ef' * 32}"]
    )
    for problem in problems:
        problem.repair()
    assert list(find_problems(workspace.library, settings, workspace.tables, 0.0)) == []
    assert files.read_thumbnail(green.sha256)


def test_pictures_of_another_library_are_neither_swept_nor_added_to(workspace, place, tmp_path):
    workspace.library.files.keep(SHA, b"data")
    another = Library(tmp_path / "another", None, place)
    for act in (
        lambda: another.files.keep(SHA, b"other"),
        lambda: find_leftovers(another, -1.0),
        lambda: another.files.check_owner(),
    ):
        with pytest.raises(LibraryError, match="holds the pictures of another library"):
            act()
    assert [leftover.name for leftover in find_leftovers(workspace.library, -60.0)] == [f"kept/ab/{SHA}"]


def test_the_same_library_opened_elsewhere_shares_its_pictures(workspace, settings):
    kept = workspace.library.files.keep(SHA, b"data")
    assert Workspace(settings).library.files.read_kept(kept) == b"data"


def test_a_run_sweeps_a_folder_and_leaves_an_object_store_to_check(workspace, place):
    kept = workspace.library.files.keep(SHA, b"data")
    if "://" not in place:
        os.utime(Path(place, kept), (0, 0))
    sweep(workspace.library)
    assert workspace.library.files.size(kept) == (4 if "://" in place else None)


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    library = Library(tmp_path / "library", None, str(tmp_path / "not-mounted"))
    for act in (lambda: library.files.keep(SHA, b"data"), lambda: sweep(library)):
        with pytest.raises(LibraryError, match=r"not-mounted\) is no folder here\. Mount or make it"):
            act()
    assert not (tmp_path / "not-mounted").exists()


# S3 alone


def on_s3(tmp_path: Path, address: str) -> Files:
    return Library(tmp_path / "library", None, address).files


def test_a_bucket_that_does_not_exist_is_named(s3, tmp_path):
    files = on_s3(tmp_path, "s3://no-such-bucket/photos")
    with pytest.raises(LibraryError, match=r"\(s3://no-such-bucket/photos\) .*does not exist\. Check that it exists"):
        files.keep(SHA, b"data")


def test_a_bucket_without_rights_is_named(s3, tmp_path):
    bucket = s3.make_bucket()
    with s3.without_rights():
        files = on_s3(tmp_path, f"s3://{bucket}")
        with pytest.raises(LibraryError, match=rf"\(s3://{bucket}\) cannot be .*Check its access rights"):
            files.keep(SHA, b"data")
        assert files.read_thumbnail(SHA) is None


def test_a_service_that_does_not_answer_is_told_within_bounds(s3, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody is there
    files = on_s3(tmp_path, "s3://bucket-of-nobody/photos")
    with pytest.raises(LibraryError, match=r"Could not connect to the endpoint URL: .*Check that it can be reached"):
        files.keep(SHA, b"data")


@pytest.mark.parametrize("address", ["nosuchscheme://bucket", "s3://bucket"])
def test_what_is_not_installed_is_told_with_the_command(tmp_path, monkeypatch, address):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    for scheme in ("s3", "s3a"):
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)
    with pytest.raises(LibraryError, match=r"cannot be opened: .* pip install -r requirements-s3\.txt"):
        on_s3(tmp_path, address).keep(SHA, b"data")
