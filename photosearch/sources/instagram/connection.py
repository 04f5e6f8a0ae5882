"""instaloader's connection to Instagram, changed to log instead of print and to wait in a way that can be cancelled."""

from __future__ import annotations

import logging
import random

from instaloader import InstaloaderContext

from photosearch.records import Watch
from photosearch.sources.instagram.pace import Clock, Pace

_ATTEMPTS = 3  # instaloader's default; after a 429 it waits about eleven minutes before it tries again
_TIMEOUT_S = 30.0
_PAUSE_RATE_PER_S, _LONGEST_PAUSE_S = 0.6, 15.0  # as in InstaloaderContext.do_sleep

_log = logging.getLogger(__name__)


class Connection(InstaloaderContext):
    """A connection to Instagram; its `pace` does all the waiting."""

    def __init__(self, watch: Watch, clock: Clock | None = None) -> None:
        self.pace = Pace(self, watch, clock or Clock())
        super().__init__(
            quiet=True,
            max_connection_attempts=_ATTEMPTS,
            request_timeout=_TIMEOUT_S,
            rate_controller=lambda _: self.pace,
            iphone_support=False,  # it would give larger pictures, but cost one request more for each post
        )

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
