"""Slows down tries of the password: for each address apart, and for all together.

A visitor has many addresses where a proxy hands on an X-Forwarded-For that the visitor made up.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from photosearch.access.visits import ip_address

N_FREE = 5  # wrong tries that cost no wait: people mistype
MAX_WAIT_S = 300.0
FORGET_S = 3600.0  # after a last wrong try an hour ago an address begins anew
MAX_ADDRESSES = 10_000  # kept at most; the one whose last try is the longest ago is forgotten first
N_FREE_OF_ALL = 100  # wrong tries of all addresses that cost no wait, after which one a second is looked at
_IPV6_NETWORK_BITS = 64  # one household has as many addresses of its network as it likes


@dataclass
class _Tries:
    n_wrong: float
    last_s: float


class Throttle:
    """Counts wrong tries by address; after `N_FREE` of them each further one doubles the wait for the next.

    Addresses that gave the right password before do not wait for what others try.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._of_all = _Tries(0, clock())  # wrong tries of all addresses, less one for each second that has passed
        self._known: OrderedDict[str, None] = OrderedDict()  # addresses that gave the right password

    def wait_s(self, address: str) -> float:
        """Return for how many seconds no further try of an address is looked at; 0 if it may try now."""
        network = _network(address)
        wait_of_all_s = 0.0 if network in self._known else self._n_of_all() - N_FREE_OF_ALL
        tries = self._tries.get(network)
        if tries is None or tries.n_wrong < N_FREE:
            return max(0.0, wait_of_all_s)
        wait_s = min(2.0 ** min(tries.n_wrong - N_FREE, 20), MAX_WAIT_S)
        return max(0.0, wait_of_all_s, tries.last_s + wait_s - self._clock())

    def _n_of_all(self) -> float:
        return max(0.0, self._of_all.n_wrong - (self._clock() - self._of_all.last_s))

    def count_wrong(self, address: str) -> None:
        """Count a wrong try."""
        network, now = _network(address), self._clock()
        self._of_all = _Tries(self._n_of_all() + 1, now)
        tries = self._tries.pop(network, None)
        n_before = tries.n_wrong if tries and now - tries.last_s < FORGET_S else 0
        self._tries[network] = _Tries(n_before + 1, now)
        while len(self._tries) > MAX_ADDRESSES:
            self._tries.popitem(last=False)

    def forget(self, address: str) -> None:
        """Forget the wrong tries of an address, which gave the right password."""
        network = _network(address)
        self._tries.pop(network, None)
        self._known[network] = None
        self._known.move_to_end(network)
        while len(self._known) > MAX_ADDRESSES:
            self._known.popitem(last=False)


def _network(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or an IPv6 network of one household."""
    found = ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, _IPV6_NETWORK_BITS), strict=False))
    return str(found or address)
