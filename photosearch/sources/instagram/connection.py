"""instaloader's connection to Instagram, changed to be bounded, to log instead of print, and to be cancelled."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

import requests
from instaloader import InstaloaderContext, instaloadercontext
from instaloader.exceptions import AbortDownloadException, InstaloaderException

from photosearch.errors import LibraryError
from photosearch.records import Watch
from photosearch.sources.instagram.files import read_json, write_private
from photosearch.sources.instagram.pace import Clock, Pace
from photosearch.sources.instagram.transport import Guard, GuardedAdapter, Limits

_ATTEMPTS = 3  # instaloader's default; after a 429 it waits about eleven minutes before it tries again
_TIMEOUT_S = 30.0
_PAUSE_RATE_PER_S, _LONGEST_PAUSE_S = 0.6, 15.0  # as in InstaloaderContext.do_sleep
_SEARCH = "web/search/topsearch/"

_log = logging.getLogger(__name__)


class Connection(InstaloaderContext):
    """A connection to Instagram; its `pace` does all the waiting, its `guard` sees every request."""

    def __init__(self, watch: Watch, clock: Clock | None = None, limits: Limits | None = None) -> None:
        self.username: str | None = None
        self._pace_file: Path | None = None
        self.pace = Pace(self, watch, clock or Clock())
        self.guard = Guard(watch, limits or Limits(), lambda: self.is_logged_in)
        super().__init__(
            quiet=True,
            max_connection_attempts=_ATTEMPTS,
            request_timeout=_TIMEOUT_S,
            rate_controller=lambda _: self.pace,
            iphone_support=False,  # it would give larger pictures, but cost one request more for each post
        )

    def get_anonymous_session(self) -> requests.Session:
        """Return a session without a login that sends through the guard."""
        return self._guarded(super().get_anonymous_session())

    def load_session(self, username: str, sessiondata: dict[str, str]) -> None:
        """Take over a login's cookies; its session sends through the guard."""
        super().load_session(username, sessiondata)
        self._guarded(self._session)

    def login(self, user: str, passwd: str) -> None:
        """Log in as instaloader does, with a session that sends through the guard.

        instaloader makes this session in the middle of the method, so the method runs with another `requests.Session`.
        """
        names = {
            **vars(instaloadercontext),
            "requests": SimpleNamespace(Session=lambda: self._guarded(requests.Session())),
        }
        try:
            FunctionType(InstaloaderContext.login.__code__, names)(self, user, passwd)
        finally:
            if self.two_factor_auth_pending:
                self._guarded(self.two_factor_auth_pending[0])

    def keep_pace(self, path: Path) -> None:
        """Count the requests of earlier runs that are recorded in a file, and record those of this run at its end."""
        self._pace_file = path
        self.pace.remember(read_json(path))

    def close(self) -> None:
        """Close the connection."""
        super().close()
        if self._pace_file is not None:
            try:
                write_private(self._pace_file, self.pace.sent_lately())
            except LibraryError as error:  # what was read must not be lost for it
                _log.warning("%s", error)

    @contextmanager
    def _graphql_session(self, *args: Any, **options: Any) -> Iterator[requests.Session]:
        with super()._graphql_session(*args, **options) as session:
            yield self._guarded(session)

    def _guarded(self, session: requests.Session) -> requests.Session:
        session.mount("https://", GuardedAdapter(self.guard))
        session.mount("http://", GuardedAdapter(self.guard))
        return session

    def get_json(self, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        """Request JSON as instaloader does, but let the search fail without a word.

        instaloader searches for names only to explain an earlier refusal, and Instagram has retired the search for many
        sessions (404): what the search is answered would hide the first reason.
        """
        if path != _SEARCH:
            return dict(super().get_json(path, *args, **options))
        attempts, self.max_connection_attempts = self.max_connection_attempts, 1
        try:
            return dict(super().get_json(path, *args, **options))
        except (InstaloaderException, AbortDownloadException, ValueError) as error:
            _log.info("The search is not answered: %s", error)
            return {"users": []}
        finally:
            self.max_connection_attempts = attempts

    def do_sleep(self) -> None:
        """Pause for a short random time before a request."""
        if self.sleep:
            self.pace.sleep(min(random.expovariate(_PAUSE_RATE_PER_S), _LONGEST_PAUSE_S))

    def log(self, *msg: object, sep: str = "", end: str = "\n", flush: bool = False) -> None:  # noqa: ARG002
        """Log what instaloader would print."""
        _log.debug("%s", sep.join(map(str, msg)))

    def error(self, msg: object, repeat_at_end: bool = True) -> None:  # noqa: ARG002
        """Log what instaloader would print to the error stream and repeat at the end."""
        _log.info("%s", msg)
