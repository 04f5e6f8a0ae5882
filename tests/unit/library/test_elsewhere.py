"""What an index that is kept elsewhere needs of the library."""

from __future__ import annotations

import pytest

from photosearch.errors import CollectionNotFound, IndexOutOfReach
from photosearch.library import Library
from photosearch.library.elsewhere import index_name, locked_index
from photosearch.records import Listing


def fill(library: Library) -> None:
    for name in ("a", "b"):
        library.merge(name, "folder", [Listing("/one.jpg", "")])


def test_each_collection_has_a_name_of_its_own_in_all_libraries(library: Library) -> None:
    fill(library)
    assert index_name(library, "a") != index_name(library, "b")
    assert library.known.token() in index_name(library, "a")
    with pytest.raises(CollectionNotFound):
        index_name(library, "c")


def test_one_at_a_time_writes_the_index_of_a_collection(library: Library) -> None:
    fill(library)
    first = locked_index(library, "a", 0.2)
    assert first.__enter__()
    with locked_index(library, "a", 0.2) as second, locked_index(library, "b", 0.2) as other:
        assert (second, other) == (False, True)
    first.__exit__(None, None, None)
    with locked_index(library, "a", 0.2) as again:
        assert again


def test_a_lock_of_an_index_that_cannot_be_written_is_one_line(library: Library) -> None:
    fill(library)
    (library.folder / "index").write_text("in the way")
    with pytest.raises(IndexOutOfReach, match="cannot be written"), locked_index(library, "a", 0.2):
        pass
