"""A library on a server keeps space in its own folder, too: on a full disk one can look, export and remove."""

import pytest

from photosearch.access.tokens import Tokens
from photosearch.export.exporter import ExportKind
from photosearch.library import reserve
from photosearch.library.upkeep import read_failures
from photosearch.search.question import Question
from photosearch.settings import Settings
from tests.unit.library.test_full_disk import N_PHOTOS, filled, small_disk, whole_reserve

__all__ = ["small_disk", "whole_reserve"]  # the fixtures


@pytest.fixture
def workspace(small_disk, tiny_models, database):
    with filled(Settings(small_disk / "library", models_dir=tiny_models, database=database)) as opened:
        yield opened


def test_one_can_look_export_and_remove(workspace, small_disk, tmp_path):
    library = workspace.library
    assert [info.n_photos for info in library.collections()] == [N_PHOTOS, 3]
    assert read_failures(library, "c") == []
    assert workspace.searcher.search(Question("dog", "c")).total == N_PHOTOS
    workspace.export(ExportKind.JSON, "c", tmp_path / "c.json")
    assert (tmp_path / "c.json").stat().st_size > 100_000
    Tokens(library.folder).revoke("mine")
    workspace.remove("c")
    assert [info.name for info in library.collections()] == ["other"]
    (small_disk / "others").unlink()
    workspace.remove("other")
    assert (library.folder / reserve.FILE_NAME).stat().st_size == reserve.N_BYTES
