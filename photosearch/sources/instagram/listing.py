"""Listing a profile's posts from the newest on: where a listing continues, and where it may end."""

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
from photosearch.sources.instagram.error_reasons import LOGGED_OUT
from photosearch.sources.instagram.files import read_json, write_private
from photosearch.sources.instagram.journal import Complete, Journal, may_stop
from photosearch.sources.instagram.posts import is_pinned, key_of, listings_of
from photosearch.sources.instagram.problems import InstagramProblem, Refusal, instagram_errors, problem_of
from photosearch.sources.instagram.reasons import HIDDEN_PAGE, REPEATED, Reach
from photosearch.sources.source import Options

_MAX_FAILED_IN_A_ROW = 3
_MAX_REPEATED_IN_A_ROW = 36  # posts that this listing had before, three pages of them: Instagram leads in a circle


class _End(Enum):
    BOTTOM = auto()  # the profile has no more posts
    LIMIT = auto()  # the options allow no more posts
    KNOWN = auto()  # all posts that follow are in the collection


class _ConsumerStopped(Exception):
    """The consumer stopped; instaloader saves its place on an `Exception`, which `GeneratorExit` is not."""


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
        self._listed: list[str] = []  # keys that are not in the collection yet
        self._end = _End.BOTTOM
        self._last_key: str | None = None
        self._n_photos = 0
        self._codes: set[str] = set()  # of the posts that this listing had
        self._n_repeated = 0  # of those in a row

    def listings(self, watch: Watch) -> Iterator[Listing | Failure]:
        """Yield each picture or failure, newest post first; save the place if the listing is interrupted."""
        with self._mapping_errors(watch):
            posts = self._find().get_posts()
        self._journal.begin(self._connection.username)
        resumed = False
        try:
            with self._saving_place(posts) as (resumed, _):
                try:
                    yield from self._walk(posts, watch)
                except GeneratorExit:
                    raise _ConsumerStopped from None
        except _ConsumerStopped:
            return
        except InstagramProblem as error:
            if resumed and error.problem.reach is not Reach.ALL:
                self._journal.forget_interrupted()  # the saved place is no longer valid, so every retry would fail
            raise
        with self._mapping_errors(watch):
            first_post = posts.first_item if posts.total_index else None
        self._journal.end(self._connection.username, self._completed(first_post), self._listed)

    def _find(self) -> Profile:
        """Find the profile; search for it if its public page, which Instagram does not show everywhere, is refused."""
        try:
            return Profile.from_username(self._connection, self._profile)
        except (AbortDownloadException, ConnectionException, ProfileNotExistsException) as error:
            if self._connection.is_logged_in:
                for profile in TopSearchResults(self._connection, self._profile).get_profiles():
                    if profile.username == self._profile:
                        return profile
                if problem_of(error) is LOGGED_OUT:  # instaloader asks for the page without the session
                    raise Refusal(HIDDEN_PAGE) from error
            raise

    @contextmanager
    def _mapping_errors(self, watch: Watch) -> Iterator[None]:
        try:
            with instagram_errors(self._about):
                yield
        except InstagramProblem as error:
            if watch.is_cancelled():  # instaloader reports an interrupted retry as a failed request
                raise self._cancelled() from error
            raise

    def _cancelled(self) -> Cancelled:
        return Cancelled(f"Reading {self._about} was cancelled; what was listed is kept. Run it again to go on.")

    def _saving_place(self, posts: NodeIterator[Post]) -> AbstractContextManager[tuple[bool, int]]:
        return resumable_iteration(
            self._connection,
            posts,
            load=lambda _, path: self._load(Path(path)),
            save=lambda frozen, path: write_private(Path(path), {**frozen._asdict(), "listed": self._listed}),
            format_path=lambda magic: str(self._journal.interrupted_path(magic)),
        )

    def _load(self, path: Path) -> FrozenNodeIterator:
        """Load the place of an interrupted listing; all that was listed before it must be in this collection."""
        frozen: Any = read_json(path)
        match frozen:
            case {"first_node": {"code": str(code)}} if key_of(code) in self._known:
                listed = frozen.pop("listed", [])
                if not isinstance(listed, list) or not all(key in self._known for key in listed):
                    raise InvalidArgumentException("the collection lacks photos that were listed before it")
                try:
                    return FrozenNodeIterator(**frozen)
                except TypeError as error:
                    raise InvalidArgumentException("it was saved by another version") from error
        raise InvalidArgumentException("it is damaged, or belongs to another collection")

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
            if stops and not pinned and self._is_known(post):
                self._end = _End.KNOWN
                return
            if self._options.since and post.date_utc.date() < self._options.since:
                self._end = _End.LIMIT
                if not pinned:
                    return
                continue
            yield from self._list_post(post)
            self._check_circle(post.shortcode)
            watch.on_progress(Progress(self._n_photos, 0, self._note(posts.total_index)))
        self._end = _End.LIMIT

    def _note(self, n_posts: int) -> str:
        guard = self._connection.guard
        return f"Listing {self._about}: {n_posts} posts, {guard.n_requests:,} of {guard.limits.max_requests:,} requests"

    def _check_circle(self, code: str) -> None:
        """Raise `InstagramProblem` when Instagram gave only posts that it gave before, page after page."""
        self._n_repeated = self._n_repeated + 1 if code in self._codes else 0
        self._codes.add(code)
        if self._n_repeated > _MAX_REPEATED_IN_A_ROW:
            with instagram_errors(self._about):
                raise Refusal(REPEATED)

    def _next(self, posts: NodeIterator[Post], watch: Watch, n_failed: int) -> Post | Failure | None:
        if watch.is_cancelled():
            raise self._cancelled()
        index_before = posts.total_index
        try:
            with self._mapping_errors(watch):
                return next(posts, None)
        except InstagramProblem as error:
            is_of_post = posts.total_index > index_before and error.problem.reach is Reach.POST
            if not is_of_post or n_failed >= _MAX_FAILED_IN_A_ROW:
                raise
            (edge, *_) = (posts.freeze().remaining_data or {})["edges"]
            return Failure(key_of(edge["node"].get("code")), str(error))

    def _is_known(self, post: Post) -> bool:
        """Return whether this post and all that follow are in the collection."""
        previous = self._complete
        return previous is not None and post.date_utc <= previous.newest and key_of(post.shortcode) in self._known

    def _list_post(self, post: Post) -> Iterator[Listing | Failure]:
        for item in listings_of(post):
            if isinstance(item, Listing):
                self._last_key = item.source_key
                if item.source_key not in self._known:
                    self._listed.append(item.source_key)
                self._n_photos += 1
                self._connection.pace.n_done = self._n_photos
            yield item

    def _completed(self, first_post: Post | None) -> Complete | None:
        """Return the listing that the next update may rely on."""
        previous = self._complete
        if first_post is None:
            return previous
        if self._end is _End.KNOWN and previous is not None:
            return replace(previous, newest=max(previous.newest, first_post.date_utc))
        if self._last_key is None:
            return previous
        if self._end is _End.BOTTOM:
            return Complete(first_post.date_utc, self._last_key)
        limits = self._options
        if previous is not None and previous.holds(limits) and not previous.has_limits(limits):
            return previous  # it went further down, but posts since then may be missing from the collection
        return Complete(first_post.date_utc, self._last_key, limits.max_posts, limits.since)
