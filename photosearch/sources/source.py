"""Types that all kinds of sources share: a source, its kind, its options, and what reading needs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol, TypeVar

from photosearch.library import Pending
from photosearch.records import Failure, Listing, TextKind, Watch
from photosearch.settings import Settings


@dataclass(frozen=True)
class Options:
    """Choices for listing a source; each kind uses those that apply to it."""

    max_posts: int | None = None  # of an Instagram profile: only this many of its latest posts
    since: date | None = None  # of a profile: only posts from this day (UTC) or later
    also: frozenset[str] = frozenset()  # of an Instagram export: `export_layout.CHOICES`
    login: str | None = None  # the Instagram user whose saved session is used; None: without login
    max_requests: int | None = None  # of a profile: the most requests to Instagram in one listing; None: the default
    follow_links: bool = False  # of a folder: whether links that lead out of it are followed


NO_OPTIONS = Options()


class Source(Protocol):
    """Lists the photos of one origin."""

    kind: str
    collection: str  # the name its collection gets when none is given
    described: bool  # whether its photos come with captions, so that adding need not read and caption them
    left_out: Counter[str]  # what was left out so far because it is no picture: suffixes and the like, with numbers
    listed_in: str | None  # path of the list that is read, or the profile; photos in another, too, are not covered

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:
        """Yield each photo, or a failure for a place that cannot be read.

        Args:
            known: keys of this kind of source that are in the collection, each with the list or ZIP that holds it.
            watch: receives progress; a source that waits long checks it for cancellation.

        Raises:
            SourceError: nothing can be listed.
            Cancelled: the watch ended the listing.
        """
        ...

    def covers(self, source_key: str) -> bool:
        """Tell, after the listing, whether it would have held the photo of that key if the photo still existed."""
        ...


@dataclass(frozen=True)
class Content:
    """A photo's bytes as its source gives them."""

    data: bytes
    etag: str | None = None  # of the answer that held them
    address: str | None = None  # where the bytes were found; None: at the address that was listed


class Closeable(Protocol):
    """An object that holds files or connections open until it is closed."""

    def close(self) -> None:
        """Close the files or connections."""


T = TypeVar("T", bound=Closeable)


class Resources:
    """The connections and ZIPs that stay open while photos are read; use from any thread."""

    def __init__(self, settings: Settings, watch: Watch) -> None:
        """Open nothing yet; long waits are reported to `watch`, which may end them."""
        self.settings = settings
        self.watch = watch
        self._lock = threading.RLock()  # reentrant, since opening one resource may need another
        self._opened: dict[Callable[[Resources], Any], Closeable] = {}

    def shared(self, open_resource: Callable[[Resources], T]) -> T:
        """Return the resource that `open_resource` opens, at its first call only; it stays open until `close`."""
        with self._lock:
            if open_resource not in self._opened:
                self._opened[open_resource] = open_resource(self)
            return self._opened[open_resource]  # type: ignore[return-value]

    def close(self) -> None:
        """Close all resources, the latest first."""
        with self._lock:
            while self._opened:
                self._opened.popitem()[1].close()


# Takes the open resources, the photo, the largest size in bytes, and the ETag of the known bytes (None: read in any
# case). Returns None when the bytes have not changed since the ETag; raises `PhotoError`.
ReadPhoto = Callable[[Resources, Pending, int, str | None], Content | None]


def _is_not_named(_: str) -> bool:
    return False


def _open_no_name(_name: str, _options: Options, _library: Path) -> Sequence[Source]:
    return ()


def _open_no_paths(_paths: Sequence[Path], _options: Options) -> Sequence[Source] | None:
    return None


@dataclass(frozen=True)
class SourceKind:
    """The description of one kind of source: what people call it, what it recognises, and how its photos are read."""

    name: str  # the library keeps it with each photo, so it must never change
    read: ReadPhoto
    usage: str = ""  # what to type for it, for `--help` and messages; empty: it cannot be typed
    title: str = ""  # of its form on the Library page; empty: it has none
    note: str = ""  # Markdown over that form
    example: str = ""  # a path as the form shows it
    is_fetched: bool = False  # whether its bytes come over the network; the library then keeps a copy
    is_read_here: bool = False  # whether only the machine with the library reads it, and others its kept copies
    complete_texts: tuple[
        TextKind, ...
    ] = ()  # kinds of texts that a listing gives in full; a missing one was deleted at the source
    is_named: Callable[[str], bool] = _is_not_named  # whether a typed text names a source of this kind, and no path
    open_named: Callable[[str, Options, Path], Sequence[Source]] = _open_no_name  # with the library's folder
    open_paths: Callable[[Sequence[Path], Options], Sequence[Source] | None] = _open_no_paths  # None: of another kind
