"""On a full disk one can still look, export to another disk, and remove; then there is space again."""

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from photosearch.access.tokens import Tokens
from photosearch.errors import CollectionNotFound, LibraryError
from photosearch.export.exporter import ExportKind
from photosearch.library import Library, reserve
from photosearch.library.upkeep import read_failures
from photosearch.records import Details, Listing, TextKind
from photosearch.search.question import Question
from photosearch.settings import Settings
from photosearch.workspace import Workspace

N_PHOTOS = 3000


@pytest.fixture(autouse=True)
def whole_reserve(monkeypatch):
    monkeypatch.setattr(reserve, "N_BYTES", 16_000_000)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 96 MB, whose limit is real."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "photosearch-test", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system needs rights that are not there")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def write_on(file: BinaryIO, size: int) -> None:
    while True:
        file.write(bytes(size))


def fill(folder: Path) -> None:
    """Write until there is no space left, then byte by byte."""
    with (folder / "others").open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with pytest.raises(OSError, match="No space left"):
                write_on(file, size)


def listings(n: int) -> list[Listing]:
    texts = [Details(texts=((TextKind.OWNER, f"a dog on the beach {i} " * 20),)) for i in range(n)]
    return [Listing(f"https://photos.example/{i:05}.jpg", "", details=details) for i, details in enumerate(texts)]


@contextmanager
def filled(settings: Settings) -> Iterator[Workspace]:
    """A library on the small disk, closed and opened again once the disk is full."""
    library = Library(settings.library_dir, settings.database)
    library.merge("c", "urls", listings(N_PHOTOS))
    library.merge("other", "urls", listings(3))
    library.files.keep_thumbnail("ab" * 32, b"x")
    Tokens(settings.library_dir).create("mine", may_write=False)
    library.close()
    fill(settings.library_dir.parent)
    with closing(Workspace(settings)) as workspace:
        yield workspace


@pytest.fixture
def workspace(small_disk, tiny_models):
    with filled(Settings(small_disk / "library", models_dir=tiny_models)) as opened:
        yield opened


def test_one_can_look_export_and_remove(workspace, tmp_path):
    library = workspace.library
    assert [info.n_photos for info in library.collections()] == [N_PHOTOS, 3]
    assert read_failures(library, "c") == []
    assert workspace.searcher.search(Question("dog", "c")).total == N_PHOTOS
    workspace.export(ExportKind.JSON, "c", tmp_path / "c.json")
    assert (tmp_path / "c.json").stat().st_size > 100_000
    with pytest.raises(LibraryError, match="disk is full"):
        library.merge("more", "urls", listings(20_000))
    workspace.remove("c")
    assert [info.name for info in library.collections()] == ["other"]
    with pytest.raises(CollectionNotFound):
        library.generation("c")
    with library.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM photo").scalar_one() == 3
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"


def test_a_token_can_be_revoked(small_disk):
    library = Library(small_disk / "library")
    tokens = Tokens(library.folder)
    tokens.create("mine", may_write=False)
    library.close()
    fill(small_disk)
    tokens.revoke("mine")
    assert tokens.all() == []
    assert not (library.folder / reserve.FILE_NAME).exists()


def test_what_takes_more_than_the_reserve_at_once_is_removed_in_portions(small_disk, monkeypatch):
    monkeypatch.setattr(reserve, "N_BYTES", 4_000_000)
    library = Library(small_disk / "library")
    library.merge("c", "urls", listings(16_000))
    library.close()
    fill(small_disk)
    with closing(Library(small_disk / "library")) as opened:
        opened.remove_collection("c")
        assert opened.collections() == []


def test_the_reserve_comes_back_with_the_space(workspace, small_disk):
    workspace.remove("c")
    path = workspace.library.folder / reserve.FILE_NAME
    assert not path.exists()
    (small_disk / "others").unlink()
    workspace.remove("other")
    assert path.stat().st_size == reserve.N_BYTES


def test_a_library_keeps_a_reserve_of_its_own(library):
    path = library.folder / reserve.FILE_NAME
    assert path.stat().st_blocks * 512 >= reserve.N_BYTES  # it really takes the space
    path.unlink()
    library.merge("c", "urls", [])
    library.remove_collection("c")
    assert path.stat().st_size == reserve.N_BYTES
