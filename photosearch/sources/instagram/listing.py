"""The walk through a profile's posts: where it goes on, and where it may end."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from typing import Any

from instaloader import FrozenNodeIterator, NodeIterator, Post, Profile, TopSearchResults, resumable_iteration
from instaloader.exceptions import (
    AbortDownloadException,
    ConnectionException,
    InvalidArgumentException,
    ProfileNotExistsException,
)

from photosearch.errors import Cancelled
from photosearch.records import Failure, Listing, Progress, Watch
from photosearch.sources.instagram.connection import Connection
from photosearch.sources.instagram.files import read_json, write_private
from photosearch.sources.instagram.journal import Complete, Journal, may_stop
from photosearch.sources.instagram.posts import is_pinned, key_of, listings_of
from photosearch.sources.instagram.problems import InstagramProblem, Reach, instagram_errors
from photosearch.sources.source import Options

_MAX_FAILED_IN_A_ROW = 3


class _End(Enum):
    BOTTOM = auto()  # of the profile
    LIMIT = auto()  # the options let it go no further
    KNOWN = auto()  # all that follows is known


class _Closed(Exception):
    """Whoever took the listings wants no more; instaloader keeps the place for exceptions of this sort only."""


class Walk:
    """One listing of one profile."""

    def __init__(
        self, connection: Connection, profile: str, options: Options, journal: Journal, known: Collection[str]
    ) -> None:
        self._connection = connection
        self._profile = profile
        self._about = f'profile "{profile}"'
        self._options = options
        self._journal = journal
        self._known = known
        self._complete = journal.complete(known)
        self._listed: list[str] = []  # new ones, which the collection has yet to take
        self._end = _End.BOTTOM
        self._last_key: str | None = None
        self._n_photos = 0

    def listings(self, watch: Watch) -> Iterator[Listing | Failure]:
        """Each picture; an end before its time keeps the place."""
        with self._asking(watch):
            posts = self._find().get_posts()
        self._journal.begin(self._connection.username)
        resumed = False
        try:
            with self._keeping_the_place(posts) as (resumed, _):
                try:
                    yield from self._walk(posts, watch)
                except GeneratorExit:
                    raise _Closed from None
        except _Closed:
            return
        except InstagramProblem as error:
            if resumed and error.problem.reach is not Reach.ALL:
                self._journal.forget_interrupted()  # the place is not there any more; it would fail for ever
            raise
        with self._asking(watch):
            first = posts.first_item if posts.total_index else None
        self._journal.end(self._connection.username, self._completed(first), self._listed)

    def _find(self) -> Profile:
        """The profile; instaloader looks at its public page, which Instagram does not show everywhere."""
        try:
            return Profile.from_username(self._connection, self._profile)
        except (AbortDownloadException, ConnectionException, ProfileNotExistsException):
            if self._connection.is_logged_in:
                for profile in TopSearchResults(self._connection, self._profile).get_profiles():
                    if profile.username == self._profile:
                        return profile
            raise

    @contextmanager
    def _asking(self, watch: Watch) -> Iterator[None]:
        try:
            with instagram_errors(self._about):
                yield
        except InstagramProblem as error:
            if watch.is_cancelled():  # instaloader takes an interrupt for the wish to skip a question
                raise self._cancelled() from error
            raise

    def _cancelled(self) -> Cancelled:
        return Cancelled(f"Reading {self._about} was ended; what was listed is kept. Run it again to go on.")

    def _keeping_the_place(self, posts: NodeIterator[Post]) -> AbstractContextManager[tuple[bool, int]]:
        return resumable_iteration(
            self._connection,
            posts,
            load=lambda _, path: self._load(Path(path)),
            save=lambda frozen, path: write_private(Path(path), {**frozen._asdict(), "listed": self._listed}),
            format_path=lambda magic: str(self._journal.interrupted_path(magic)),
        )

    def _load(self, path: Path) -> FrozenNodeIterator:
        """The place of an interrupted listing; all that was listed before it must be in this collection."""
        frozen: Any = read_json(path)
        match frozen:
            case {"first_node": {"code": str(code)}} if key_of(code) in self._known:
                listed = frozen.pop("listed", [])
                if not isinstance(listed, list) or not all(key in self._known for key in listed):
                    raise InvalidArgumentException("what was listed before it was not kept")
                try:
                    return FrozenNodeIterator(**frozen)
                except TypeError as error:
                    raise InvalidArgumentException("it was kept by another version") from error
        raise InvalidArgumentException("it is damaged, or another collection's")

    def _walk(self, posts: NodeIterator[Post], watch: Watch) -> Iterator[Listing | Failure]:
        stops = may_stop(self._complete, self._options, self._known)
        n_failed = 0
        while self._options.max_posts is None or posts.total_index < self._options.max_posts:
            post = self._next(posts, watch, n_failed)
            if post is None:
                return
            if isinstance(post, Failure):
                n_failed += 1
                yield post
                continue
            n_failed = 0
            pinned = is_pinned(post, posts.total_index)
            if stops and not pinned and self._knows(post):
                self._end = _End.KNOWN
                return
            if self._options.since and post.date_utc.date() < self._options.since:
                self._end = _End.LIMIT
                if not pinned:
                    return
                continue
            yield from self._of(post)
            watch.on_progress(Progress(self._n_photos, 0, f"Listing {self._about}: {posts.total_index} posts"))
        self._end = _End.LIMIT

    def _next(self, posts: NodeIterator[Post], watch: Watch, n_failed: int) -> Post | Failure | None:
        if watch.is_cancelled():
            raise self._cancelled()
        before = posts.total_index
        try:
            with self._asking(watch):
                return next(posts, None)
        except InstagramProblem as error:
            is_of_post = posts.total_index > before and error.problem.reach is Reach.POST
            if not is_of_post or n_failed >= _MAX_FAILED_IN_A_ROW:
                raise
            (edge, *_) = (posts.freeze().remaining_data or {})["edges"]
            return Failure(key_of(edge["node"].get("code")), str(error))

    def _knows(self, post: Post) -> bool:
        """Whether this post and all that follow are in the collection."""
        before = self._complete
        return before is not None and post.date_utc <= before.newest and key_of(post.shortcode) in self._known

    def _of(self, post: Post) -> Iterator[Listing | Failure]:
        for item in listings_of(post):
            if isinstance(item, Listing):
                self._last_key = item.source_key
                if item.source_key not in self._known:
                    self._listed.append(item.source_key)
                self._n_photos += 1
                self._connection.pace.n_done = self._n_photos
            yield item

    def _completed(self, first: Post | None) -> Complete | None:
        """What the next update may rely on."""
        before = self._complete
        if first is None:
            return before
        if self._end is _End.KNOWN and before is not None:
            return replace(before, newest=max(before.newest, first.date_utc))
        if self._last_key is None:
            return before
        if self._end is _End.BOTTOM:
            return Complete(first.date_utc, self._last_key)
        limits = self._options
        if before is not None and before.holds(limits) and not before.has_limits(limits):
            return before  # it went further down; what is new since then is not all there yet
        return Complete(first.date_utc, self._last_key, limits.max_posts, limits.since)
