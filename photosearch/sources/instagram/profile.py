"""A profile's posts as a source of photos.

instaloader is imported for the first request only, so that a run without Instagram does not load it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from photosearch.errors import SourceError
from photosearch.library import Pending
from photosearch.records import Failure, Listing, TextKind, Watch
from photosearch.sources.instagram.files import folder_within
from photosearch.sources.instagram.journal import Journal
from photosearch.sources.instagram.names import PREFIX, is_profile, profile_name, user_name
from photosearch.sources.source import Content, Options, Resources, Source, SourceKind

if TYPE_CHECKING:
    from photosearch.sources.instagram.pace import Clock

NAME = "instagram"
LOGIN_WARNING = (
    "Instagram has banned accounts for reading with a program while logged in, even their own 150 posts, and gave no"
    " warning. For your own posts ask for your export instead: it risks nothing (docs/instagram.md)."
)


class InstagramSource:
    """A source that lists a profile's pictures from the newest on; an update ends at the first known post."""

    kind = NAME
    described = False  # no captions come with the pictures

    def __init__(self, profile: str, options: Options, folder: Path, *, clock: Clock | None = None) -> None:
        """Prepare the source without a request.

        Args:
            profile: `instagram:NAME`, `@NAME` or the profile's address.
            options: `max_posts`, `since`, `login` and `max_requests` are used.
            folder: the library's folder for Instagram; it is made when something is written.
            clock: None uses the system's clock.

        Raises:
            SourceError: `profile` or `login` cannot be a name, or a limit is below 1.
        """
        self.collection = profile_name(profile)
        self.listed_in: str | None = f"{PREFIX}{self.collection}"
        self.left_out: Counter[str] = Counter()
        self._login = user_name(options.login) if options.login else None
        if options.max_posts is not None and options.max_posts < 1:
            raise SourceError(f"The number of posts is {options.max_posts}. Allow at least 1, or leave the limit out.")
        if options.max_requests is not None and options.max_requests < 1:
            raise SourceError(
                f"The number of requests is {options.max_requests}. Allow at least 1, or leave the limit out."
            )
        self._options = options
        self._folder = folder
        self._clock = clock

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:
        """Yield each slide of each post; an interrupted listing saves its place and continues there the next time.

        Raises:
            SourceError: Instagram or the network refuses; the message says what to do.
            LibraryError: the place cannot be saved.
            Cancelled: `watch` cancelled it.
        """
        from photosearch.sources.instagram.access import connect
        from photosearch.sources.instagram.listing import Walk

        journal = Journal(self._folder, self.collection)
        limit = self._options.max_requests
        with closing(connect(self._folder, self._login, watch, self._clock, limit)) as connection:
            yield from Walk(connection, self.collection, self._options, journal, known).listings(watch)

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Return False: an update that ends early does not reach older posts, so none counts as deleted."""
        return False


def _open(name: str, options: Options, library: Path) -> Sequence[Source]:
    return [InstagramSource(name, options, folder_within(library))]


def _read(resources: Resources, photo: Pending, max_bytes: int, _etag: str | None) -> Content:
    from photosearch.sources.instagram.reading import open_reader

    profile = (photo.listed_in or "").removeprefix(PREFIX) or None
    return resources.shared(open_reader).read(photo.source_key, photo.address, max_bytes, profile)


KIND: SourceKind = SourceKind(
    NAME,
    _read,
    usage=f"an Instagram profile as {PREFIX}NAME, @NAME or its address",
    title="Instagram profile",
    note="Without a login Instagram shows little today: mostly nothing, at best some dozens of posts of a public"
    " profile. For your own posts use *Instagram export*. Observe Instagram's terms of use; `docs/instagram.md` says"
    " what can go wrong and what to do.",
    is_fetched=True,
    is_read_here=True,  # by its session, at its pace
    complete_texts=(TextKind.OWNER, TextKind.HASHTAG, TextKind.MENTION, TextKind.ACCESSIBILITY),
    is_named=is_profile,
    open_named=_open,
)
