"""The process in which Ray runs: started when a run needs it, or before, since Ray takes a second to import."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import photosearch
from photosearch.settings import LOCAL

_PROGRAM = "photosearch.pipeline.ray_driver"
_ahead: dict[str, subprocess.Popen[bytes]] = {}  # what was started ahead, by its cluster's address
_lock = threading.Lock()


def is_installed() -> bool:
    """Tell whether Ray is installed."""
    return importlib.util.find_spec("ray") is not None


def start_ahead(address: str) -> None:
    """Start a driver for a cluster that is probably going to be used; one that is not is ended with this process."""
    with _lock:
        if address not in _ahead and is_installed():
            _ahead[address] = _start(address)


def take_driver(address: str) -> subprocess.Popen[bytes]:
    """Return a driver that waits for its first message: the one that was started ahead if it lives, or a new one."""
    with _lock:
        ahead = _ahead.pop(address, None)
    if ahead is not None:
        if ahead.poll() is None:
            return ahead
        _end(ahead)
    return _start(address)


def _start(address: str) -> subprocess.Popen[bytes]:
    verbose = logging.getLogger("photosearch").isEnabledFor(logging.DEBUG)
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-P", "-W", "ignore", "-m", _PROGRAM],
        env=_environment(address),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if verbose else subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for this process
    )


def _environment(address: str) -> dict[str, str]:
    """Return the variables of the driver: nothing of what it does leaves the cluster, loopback stays loopback."""
    paths = [str(Path(photosearch.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "RAY_USAGE_STATS_ENABLED": "0"}
    if address == LOCAL or address.rpartition(":")[0] in ("127.0.0.1", "localhost", "[::1]"):
        variables.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # Ray would look for another address
    if address == LOCAL:
        variables.setdefault("RAY_worker_niceness", "0")  # as without Ray; it would let everything else come first
    return variables


@atexit.register
def _end_unused() -> None:
    with _lock:
        while _ahead:
            _end(_ahead.popitem()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a driver that has done nothing yet."""
    process.kill()
    with contextlib.suppress(OSError):
        process.communicate()
