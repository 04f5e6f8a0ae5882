"""The processes that decode pictures: one for each core, started when first needed and kept ready.

They load neither torch nor ONNX Runtime, and end when this process ends, in whatever way it ends.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

import photosearch
from photosearch.errors import PhotoError, TryLater
from photosearch.pictures.decoding.protocol import BrokenOff, Header, receive, send

WAIT_S = 60.0  # by the clock, for one picture; where a process can limit its own time it ends before
MAX_PROCESSES = 8
_LOOK_S = 1.0  # between two looks at who is late
_CAN_LIMIT_ITSELF = hasattr(signal, "SIGXCPU")
_OUT_OF_TIME = -getattr(signal, "SIGXCPU", 1000)  # how a process ends at its limit of processor time
_PROGRAM = "photosearch.pictures.decoding.process"  # it reads what files say of themselves, too
# Threads of libraries that the program does not use take memory. Of glibc's: a single arena is given back sooner, and
# what a large picture took is given back at once, as long as the thresholds do not rise by themselves.
_LITTLE_MEMORY = {
    **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")},
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "4000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000",
}


def ask(request: Header, data: bytes, max_bytes: int) -> tuple[Header, list[bytes]]:
    """Have a process answer a request about a file's bytes; a process that fails is replaced by the next request.

    Args:
        request: as `process` reads it.
        data: the file's bytes.
        max_bytes: of the answer's byte strings together.

    Raises:
        PhotoError: the picture is refused, took too long or too much memory, or crashed its decoder.
        TryLater: the machine was too busy to decode it.
    """
    header, blobs = _pool.ask(request, data, max_bytes)
    if "refused" in header:
        raise PhotoError(str(header["refused"]))
    return header, blobs


class _Watchdog:
    """Ends what takes too long. One thread watches all, as long as there is something: a timer each would cost more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deadlines: dict[Callable[[], None], float] = {}  # by what ends it
        self._is_watching = False

    @contextmanager
    def watching(self, end: Callable[[], None]) -> Iterator[None]:
        """Call `end` unless the block ends within `WAIT_S`, or soon after."""
        with self._lock:
            if not self._is_watching:
                threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
                self._is_watching = True
            self._deadlines[end] = time.monotonic() + WAIT_S
        try:
            yield
        finally:
            with self._lock:
                del self._deadlines[end]

    def _watch(self) -> None:
        while True:
            time.sleep(min(_LOOK_S, WAIT_S / 10))
            with self._lock:  # what has ended in time is not here any more
                for end in [end for end, deadline in self._deadlines.items() if deadline < time.monotonic()]:
                    end()
                if not self._deadlines:
                    self._is_watching = False
                    return


class _Process:
    """A process that decodes one picture after another."""

    def __init__(self, watchdog: _Watchdog) -> None:
        self._watchdog = watchdog
        paths = [str(Path(photosearch.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, **_LITTLE_MEMORY, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-W", "ignore", "-m", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._requests, self._answers = cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)
        self._is_late = False

    def ask(
        self, request: Header, data: bytes, max_bytes: int, one_large: threading.Lock
    ) -> tuple[Header, list[bytes]]:
        """Return the answer; raise `PhotoError` where there is none, after which the process must be closed."""
        try:
            header, blobs = self._exchange(request, [data], max_bytes)
            if "is_large" in header:
                with one_large:
                    header, blobs = self._exchange({}, [], max_bytes)
        except (BrokenOff, OSError) as error:
            raise self._failure(error) from error
        return header, blobs

    def _exchange(self, request: Header, blobs: list[bytes], max_bytes: int) -> tuple[Header, list[bytes]]:
        with self._watchdog.watching(self._end_late):
            send(self._requests, request, blobs)
            answer = receive(self._answers, max_bytes)
        if self._is_late:  # it was ended just as it answered, and could not take the next request
            raise BrokenOff
        return answer

    def _end_late(self) -> None:
        self._is_late = True
        self._process.kill()

    def _failure(self, error: Exception) -> PhotoError:
        self.close()
        if self._is_late and _CAN_LIMIT_ITSELF:  # it got less of the processor's time than it was allowed
            return TryLater("decoding the picture takes too long, since this machine is busy; try again later")
        if self._is_late or self._process.returncode == _OUT_OF_TIME:
            return PhotoError("the picture takes too long to decode; save it anew")
        if isinstance(error, BrokenOff) and error.is_odd:
            return PhotoError("the picture confused its decoder; it may be damaged")
        return PhotoError("the picture crashed its decoder, or needs too much memory; it may be damaged")

    def send_off(self) -> None:
        """Have the process end by itself, without waiting for it."""
        with suppress(OSError):  # what it did not read cannot be written any more
            self._requests.close()

    def close(self) -> None:
        """End the process."""
        self.send_off()
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()


class _Pool:
    """The processes of this one."""

    def __init__(self, n_cores: int | None = None) -> None:
        """Start none yet; there will be one for each of `n_cores`, by default of all that the machine has."""
        self._idle: list[_Process] = []
        self._watchdog = _Watchdog()
        self._free = threading.BoundedSemaphore(
            min((os.cpu_count() or 1) if n_cores is None else n_cores, MAX_PROCESSES)
        )
        self._one_large = threading.Lock()  # several large pictures would fill the memory together

    def ask(self, request: Header, data: bytes, max_bytes: int) -> tuple[Header, list[bytes]]:
        """Wait for a process and have it answer; raises `PhotoError`."""
        with self._free:
            try:
                process = self._idle.pop()  # the latest, whose memory is the warmest
            except IndexError:
                process = _Process(self._watchdog)
            try:
                answer = process.ask(request, data, max_bytes, self._one_large)
            except BaseException:
                process.close()
                raise
            self._idle.append(process)
            return answer

    def start(self, n: int) -> None:
        """Start processes that are missing, until `n` are ready or as many as there may be."""
        n_free = 0
        while n_free < n and self._free.acquire(blocking=False):
            n_free += 1
        try:
            self._idle += [_Process(self._watchdog) for _ in range(n_free - len(self._idle))]
        finally:
            for _ in range(n_free):
                self._free.release()

    def close(self) -> None:
        """End the processes that do nothing."""
        for process in self._idle:  # all at once
            process.send_off()
        while self._idle:
            self._idle.pop().close()


_pool = _Pool()


def _renew() -> None:
    """Give a forked process processes of its own: two that share a pipe would read each other's pictures."""
    global _pool
    _pool = _Pool()


def limit_processes(n_cores: int) -> None:
    """Have no more processes than that many cores need, before the first picture is decoded."""
    global _pool
    _pool.close()
    _pool = _Pool(n_cores)


def start_processes(n_pictures: int) -> None:
    """Start the processes that so many pictures will need; they take a second, in which this one can do other work."""
    _pool.start(n_pictures)


def close_processes() -> None:
    """End the processes that are ready; the next picture starts one again."""
    _pool.close()


atexit.register(close_processes)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
