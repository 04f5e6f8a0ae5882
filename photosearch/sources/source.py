"""What a source of photos is, and what it is told when it lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from photosearch.records import Failure, Listing, Watch


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
