"""How fast Instagram is asked: instaloader reckons the waits; here they are shown, and can be ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from instaloader import InstaloaderContext, RateController

from photosearch.errors import Cancelled
from photosearch.records import Progress, Watch

STEP_S = 0.5  # how long a wish to end may go unheard
TOLD_FROM_S = 15.0  # shorter waits are part of any reading; instaloader speaks of longer ones only, too


@dataclass(frozen=True)
class Clock:
    """What tells the time and lets it pass."""

    now: Callable[[], float] = time.monotonic  # seconds
    sleep: Callable[[float], None] = time.sleep


class Pace(RateController):
    """instaloader's own rate control; only the waiting is different."""

    n_done = 0  # photos listed so far, shown with the time that is left

    def __init__(self, context: InstaloaderContext, watch: Watch, clock: Clock) -> None:
        super().__init__(context)
        self._watch = watch
        self._clock = clock

    def sleep(self, secs: float) -> None:
        """Wait in small steps; raises `Cancelled` as soon as the one who watches ends it."""
        end = self._clock.now() + secs
        while (left_s := end - self._clock.now()) > 0:
            self._check()
            if secs >= TOLD_FROM_S:
                self._watch.on_progress(Progress(self.n_done, 0, f"Instagram asks to wait: {in_minutes(left_s)} left"))
            self._clock.sleep(min(left_s, STEP_S))
        self._check()

    def _check(self) -> None:
        if self._watch.is_cancelled():
            raise Cancelled("Waiting for Instagram was ended; what was done is kept. Run it again to go on.")


def in_minutes(seconds: float) -> str:
    """A time as minutes and seconds, 4:32, with the hours before where there are some."""
    minutes, rest_s = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest_s:02}" if hours else f"{minutes}:{rest_s:02}"
