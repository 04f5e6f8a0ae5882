"""The waits between requests: instaloader computes them; here they are shown and can be cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

from instaloader import InstaloaderContext, RateController

from photosearch.errors import Cancelled
from photosearch.records import Progress, Watch

STEP_S = 0.5  # the longest delay before a cancelled wait ends
SHOWN_FROM_S = 15.0  # shorter waits are usual and not shown; instaloader has the same limit

# With a login: fewer requests than instaloader's 200 of a kind in 11 minutes and 275 in all in 10 minutes, by which
# users lost their accounts: after 150 posts of their own (instaloader/instaloader, issue 2555, March 2026), after some
# hundred pictures (issue 1997). Instagram names no limit.
LOGIN_MAX_OF_KIND = 100
LOGIN_MAX_IN_ALL, LOGIN_WINDOW_S = 150, 600.0

_EARLIER = "earlier runs"  # a kind of requests


@dataclass(frozen=True)
class Clock:
    """The functions that return the time and wait."""

    now: Callable[[], float] = time.monotonic  # seconds
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time  # seconds since 1970, which later runs can compare


class Pace(RateController):
    """instaloader's rate control with waits that are shown and can be cancelled."""

    n_done = 0  # photos listed so far; shown with the time left

    def __init__(self, context: InstaloaderContext, watch: Watch, clock: Clock) -> None:
        super().__init__(context)
        self._watch = watch
        self._clock = clock

    def sleep(self, secs: float) -> None:
        """Wait in small steps; raise `Cancelled` within `STEP_S` after the watch is cancelled."""
        end = self._clock.now() + secs
        while (left_s := end - self._clock.now()) > 0:
            self._check()
            if secs >= SHOWN_FROM_S:
                self._watch.on_progress(Progress(self.n_done, 0, f"Instagram asks to wait: {in_minutes(left_s)} left"))
            self._clock.sleep(min(left_s, STEP_S))
        self._check()

    def count_per_sliding_window(self, query_type: str) -> int:
        """Return how many requests of a kind may be sent in instaloader's window of 11 minutes."""
        count = super().count_per_sliding_window(query_type)
        return min(count, LOGIN_MAX_OF_KIND) if self._context.is_logged_in else count

    def query_waittime(self, query_type: str, current_time: float, untracked_queries: bool = False) -> float:
        """Return the seconds to wait before a request; with a login, requests of all kinds count together."""
        wait_s = super().query_waittime(query_type, current_time, untracked_queries)
        if not self._context.is_logged_in:
            return wait_s
        sent = sorted(at for times in self._query_timestamps.values() for at in times)
        if len(sent) < LOGIN_MAX_IN_ALL:
            return wait_s
        return max(wait_s, sent[-LOGIN_MAX_IN_ALL] + LOGIN_WINDOW_S - current_time)

    def remember(self, sent_at: object) -> None:
        """Count the requests of earlier runs as well; `sent_at` is what `sent_lately` returned, None for nothing."""
        ages = [self._clock.wall() - at for at in sent_at if isinstance(at, (int, float))] if _is_list(sent_at) else []
        now = self._clock.now()
        self._query_timestamps[_EARLIER] = sorted(now - age for age in ages if 0 <= age < LOGIN_WINDOW_S)

    def sent_lately(self) -> list[float]:
        """Return when the requests of the latest ten minutes were sent, in seconds since 1970."""
        now, wall = self._clock.now(), self._clock.wall()
        sent = (at for times in self._query_timestamps.values() for at in times)
        return sorted(wall - (now - at) for at in sent if now - at < LOGIN_WINDOW_S)

    def _check(self) -> None:
        if self._watch.is_cancelled():
            raise Cancelled("Waiting for Instagram was cancelled; what was done is kept. Run it again to go on.")


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def in_minutes(seconds: float) -> str:
    """Return a time as minutes and seconds, such as 4:32, or as hours, minutes and seconds from one hour on."""
    minutes, rest_s = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest_s:02}" if hours else f"{minutes}:{rest_s:02}"
