"""Threads of their own for reading pictures, so that a drive that hangs holds up pictures only."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from photosearch.errors import LibraryError

T = TypeVar("T")


class Pool:
    """A few threads that do work in the order in which it comes; they do not keep the process from ending."""

    def __init__(self, name: str, n_threads: int, patience_s: float) -> None:
        """Start nothing yet.

        Args:
            name: of the threads.
            n_threads: how much is done at once.
            patience_s: how long `run` waits for its turn and its work together.
        """
        self._name = name
        self._n_threads = n_threads
        self._patience_s = patience_s
        self._waiting: queue.SimpleQueue[tuple[Future, Callable[[], object]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._n_started = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Do work in a thread and return its result, or raise its error.

        Raises:
            LibraryError: it was not done in time. Work that has begun goes on, and its thread is missing until it ends.
        """
        self._start_thread()
        future: Future[T] = Future()
        self._waiting.put((future, work))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._patience_s)
        except TimeoutError as error:
            raise LibraryError("This picture cannot be read at the moment. Try again later.") from error

    def _start_thread(self) -> None:
        with self._lock:
            if self._n_started < self._n_threads:
                self._n_started += 1
                threading.Thread(target=self._work, name=f"{self._name}-{self._n_started}", daemon=True).start()

    def _work(self) -> None:
        while True:
            future, work = self._waiting.get()
            if not future.set_running_or_notify_cancel():  # nobody waits for it any more
                continue
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
                future.set_exception(error)
