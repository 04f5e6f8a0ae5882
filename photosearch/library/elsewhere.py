"""What an index that is kept elsewhere needs of the library: a name for each collection; that writers take turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from photosearch.library.library import Library


def index_name(library: Library, collection: str) -> str:
    """Return the name of a collection's index elsewhere, which no other library has; raises `CollectionNotFound`."""
    return f"{library.known.token()}_{library.index_folder(collection).name}"


@contextmanager
def locked_index(library: Library, collection: str, patience_s: float) -> Iterator[bool]:
    """Hold the lock for writing a collection's index elsewhere, for all machines that share the library.

    Yields False where another process, or thread, holds it for longer than one is willing to wait.

    Raises:
        CollectionNotFound: there is no such collection.
        IndexOutOfReach: the lock's file cannot be written.
        LibraryError: the database is out of reach.
    """
    folder = library.index_folder(collection)
    with library._database.locked_index(int(folder.name), folder, patience_s) as is_held:
        yield is_held
