"""instaloader's connection to Instagram, without its prints and with waits that can end."""

from __future__ import annotations

import logging
import random

from instaloader import InstaloaderContext

from photosearch.records import Watch
from photosearch.sources.instagram.pace import Clock, Pace

_ATTEMPTS = 3  # instaloader's default; each after a 429 comes after a wait of eleven minutes
_TIMEOUT_S = 30.0
_PAUSE_RATE_PER_S, _LONGEST_PAUSE_S = 0.6, 15.0  # as in InstaloaderContext.do_sleep

_log = logging.getLogger(__name__)


class Connection(InstaloaderContext):
    """Asks Instagram; everything that waits does so through its pace."""

    def __init__(self, watch: Watch, clock: Clock | None = None) -> None:
        self.pace = Pace(self, watch, clock or Clock())
        super().__init__(
            quiet=True,
            max_connection_attempts=_ATTEMPTS,
            request_timeout=_TIMEOUT_S,
            rate_controller=lambda _: self.pace,
            iphone_support=False,  # its pictures are larger, and cost a request a post
        )

    def do_sleep(self) -> None:
        """The short pause before each request, of random length."""
        if self.sleep:
            self.pace.sleep(min(random.expovariate(_PAUSE_RATE_PER_S), _LONGEST_PAUSE_S))

    def log(self, *msg: object, sep: str = "", end: str = "\n", flush: bool = False) -> None:  # noqa: ARG002
        """What instaloader would print."""
        _log.debug("%s", sep.join(map(str, msg)))

    def error(self, msg: object, repeat_at_end: bool = True) -> None:  # noqa: ARG002
        """What instaloader would print to the error stream, and repeat at the end."""
        _log.info("%s", msg)
