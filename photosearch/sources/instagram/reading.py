"""Reading the bytes of listed pictures; a link expires after some days, and its post is then asked for a new one."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from photosearch.errors import PhotoError, SourceError, TryLater
from photosearch.records import UNWATCHED, Listing, Watch
from photosearch.sources.instagram.access import connect, users
from photosearch.sources.instagram.files import folder_within
from photosearch.sources.instagram.journal import login_of
from photosearch.sources.source import Content, Resources

if TYPE_CHECKING:
    from photosearch.sources.fetching import Fetched, Fetcher
    from photosearch.sources.instagram.connection import Connection
    from photosearch.sources.instagram.pace import Clock

_KEY = re.compile(r"([A-Za-z0-9_-]+)/[0-9]+")
_MAX_POSTS_KEPT = 100  # one request gives the links of all slides of a post


class InstagramReader:
    """A thread-safe reader of pictures by their links; requests for new links are made one at a time."""

    def __init__(self, fetcher: Fetcher, folder: Path, watch: Watch = UNWATCHED, *, clock: Clock | None = None) -> None:
        """Prepare the reader without a request.

        Args:
            fetcher: fetches the pictures.
            folder: the library's folder for Instagram.
            watch: receives the progress of waits, and can cancel them.
            clock: None uses the system's clock.
        """
        self._fetcher = fetcher
        self._folder = folder
        self._watch = watch
        self._clock = clock
        self._lock = threading.Lock()
        self._connections: dict[str | None, Connection] = {}  # by the user who is logged in; None: nobody
        self._refused: dict[str | None, str] = {}  # why Instagram gives a user no more links in this run
        self._links: dict[str, dict[str, str]] = {}  # new links, by shortcode and source key

    def read(self, source_key: str, address: str | None, max_bytes: int, profile: str | None = None) -> Content:
        """Read a picture's bytes; the content carries the new link if the old one had expired.

        Args:
            source_key: the shortcode of its post, a slash, and the slide's number.
            address: its link.
            max_bytes: a larger picture is refused.
            profile: whose picture it is, by whose login a new link is asked for; None: not known.

        Raises:
            TryLater: Instagram or the network refuses for now.
            PhotoError: the picture cannot be read; the message says why.
            Cancelled: `watch` cancelled a wait.
        """
        from photosearch.sources.fetching import LinkExpired

        if address:
            try:
                return _content(self._fetch(address, max_bytes))
            except LinkExpired:
                pass
        new_link = self._new_link(source_key, address, profile)
        return _content(self._fetch(new_link, max_bytes), new_link)

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()

    def _fetch(self, address: str, max_bytes: int) -> Fetched:
        fetched = self._fetcher.fetch(address, max_bytes=max_bytes)
        if fetched is None:
            raise PhotoError("its link gives no picture")
        return fetched

    def _new_link(self, source_key: str, expired: str | None, profile: str | None) -> str:
        key_match = _KEY.fullmatch(source_key)
        if key_match is None:
            raise PhotoError(f"{source_key} is no picture of an Instagram post")
        code = key_match[1]
        with self._lock:
            link = self._links.get(code, {}).get(source_key)
            if link is None or link == expired:
                self._renew_links(code, self._login(profile))
                link = self._links[code].get(source_key)
        if link is None:
            raise PhotoError("its link has expired, and its post does not have so many pictures any more")
        return link

    def _login(self, profile: str | None) -> str | None:
        """Return the user by whose session a profile's links are asked for; None: without a login."""
        login = login_of(self._folder, profile)
        return login if login in users(self._folder) else None

    def _renew_links(self, code: str, login: str | None) -> None:
        """Request the links of a post's slides; after a refusal that concerns all posts, send no more requests."""
        if login in self._refused:
            raise TryLater(self._refused[login])
        try:
            links = self._links_of(code, login)
        except SourceError as error:
            from photosearch.sources.instagram.problems import InstagramProblem
            from photosearch.sources.instagram.reasons import Reach

            reason = f"its link has expired, and there is no new one: {error}"
            problem = error.problem if isinstance(error, InstagramProblem) else None
            if problem is not None and not problem.may_pass:
                raise PhotoError(reason) from error
            if problem is None or problem.reach is Reach.ALL:
                self._refused[login] = reason
            raise TryLater(reason) from error
        if len(self._links) >= _MAX_POSTS_KEPT:
            self._links.clear()
        self._links[code] = links

    def _links_of(self, code: str, login: str | None) -> dict[str, str]:
        from instaloader import Post

        from photosearch.sources.instagram.posts import listings_of
        from photosearch.sources.instagram.problems import instagram_errors

        if login not in self._connections:
            self._connections[login] = connect(self._folder, login, self._watch, self._clock)
        with instagram_errors(f'post "{code}"'):
            items = list(listings_of(Post.from_shortcode(self._connections[login], code)))
        return {item.source_key: item.address for item in items if isinstance(item, Listing) and item.address}


def _content(fetched: Fetched, address: str | None = None) -> Content:
    return Content(fetched.data, fetched.etag, address)


def open_reader(resources: Resources) -> InstagramReader:
    """Return the reader that all readings of a run share."""
    from photosearch.sources.fetching import open_fetcher

    folder = folder_within(resources.settings.library_dir)
    return InstagramReader(resources.shared(open_fetcher), folder, resources.watch)
