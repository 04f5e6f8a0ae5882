"""The types that all kinds of sources share: a source, its kind, its options, and who watches."""

from __future__ import annotations

import threading
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
    """What may be chosen when a source is listed; each source takes what concerns it."""

    max_posts: int | None = None  # of an Instagram profile: no more than its latest so many
    since: date | None = None  # of a profile: none taken before this day (UTC)
    also: frozenset[str] = frozenset()  # of an Instagram export: "archived", "stories", "reels"
    login: str | None = None  # the Instagram user whose saved session is used; None: without login


NO_OPTIONS = Options()


class Source(Protocol):
    """Lists the photos of one origin."""

    kind: str
    collection: str  # the name its collection gets when none is given
    described: bool  # whether its photos come with captions: adding does not go on to read and caption them
    n_skipped: int  # files left out so far because they are not named like pictures
    listed_in: str | None  # the list that is read: it covers nothing that does not stand in it alone

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:
        """Each photo, or the place that cannot be read and why.

        Args:
            known: keys of this kind of source that the collection has already, with the list or ZIP they stand in.
            watch: told how far it is; a source that waits long asks it whether to go on.

        Raises:
            SourceError: nothing can be listed.
            Cancelled: the one who watches ended it.
        """
        ...

    def covers(self, source_key: str) -> bool:
        """Whether a photo of that key would have been listed if it were still there; asked after the listing."""
        ...


@dataclass(frozen=True)
class Content:
    """A photo's bytes as its source gives them."""

    data: bytes
    etag: str | None = None  # of the answer that held them
    address: str | None = None  # where they were found, when that is no longer the address they were listed with


class Closeable(Protocol):
    """Something that holds files or connections open until it is closed."""

    def close(self) -> None:
        """Close them."""


T = TypeVar("T", bound=Closeable)


class Resources:
    """What reading photos holds open: connections, ZIPs. Use from any thread."""

    def __init__(self, settings: Settings, watch: Watch) -> None:
        """Open nothing yet; `watch` is told of long waits, and asked whether to go on."""
        self.settings = settings
        self.watch = watch
        self._lock = threading.RLock()  # opening one may ask for another
        self._opened: dict[Callable[[Resources], Any], Closeable] = {}

    def shared(self, open_one: Callable[[Resources], T]) -> T:
        """Return what `open_one` returned when it was first asked for; it stays open until all are closed."""
        with self._lock:
            if open_one not in self._opened:
                self._opened[open_one] = open_one(self)
            return self._opened[open_one]  # type: ignore[return-value]

    def close(self) -> None:
        """Close them all, the latest first."""
        with self._lock:
            while self._opened:
                self._opened.popitem()[1].close()


# Takes what reading holds open, the photo, the most bytes allowed, and the ETag of the bytes that are known (None: read
# in any case). Returns None where the bytes are still those of the ETag; raises `PhotoError`.
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
    is_fetched: bool = False  # its bytes come over the network, and a copy of them is kept in the library
    complete_texts: tuple[TextKind, ...] = ()  # of these a listing names all: what is missing was deleted at the source
    is_named: Callable[[str], bool] = _is_not_named  # whether a typed text names a source of this kind, and no path
    open_named: Callable[[str, Options, Path], Sequence[Source]] = _open_no_name  # with the library's folder
    open_paths: Callable[[Sequence[Path], Options], Sequence[Source] | None] = _open_no_paths  # None: of another kind
