"""Readers share the memory that photos take: one large photo at a time, and small ones beside it."""

import io
import threading
import time

import pytest

from photosearch.sources import budget
from photosearch.sources.budget import expect_bytes, read_at_most, reading_one_photo


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(budget, "SMALL_BYTES", 1000)


def test_large_photos_are_in_memory_one_after_another_and_small_ones_beside_them():
    held, most, n_small = 0, 0, 0
    counting = threading.Lock()

    def read(n_bytes: int) -> None:
        nonlocal held, most, n_small
        with reading_one_photo():
            assert read_at_most(io.BytesIO(bytes(n_bytes)), 10_000_000) == bytes(n_bytes)
            with counting:
                held += n_bytes > 1000
                n_small += n_bytes <= 1000
                most = max(most, held)
            time.sleep(0.02)
            with counting:
                held -= n_bytes > 1000

    threads = [threading.Thread(target=read, args=(n,)) for n in (5000, 3_000_000, 10, 7000, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most, held, n_small) == (1, 0, 2)


def test_a_failure_gives_the_memory_back():
    def fail() -> None:
        with reading_one_photo():
            expect_bytes(5000)
            raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        fail()
    assert budget._large.acquire(blocking=False)
    budget._large.release()


def test_what_is_read_outside_of_a_run_waits_for_nobody():
    with budget._large:
        assert read_at_most(io.BytesIO(bytes(5000)), 5000) == bytes(5000)


def test_more_than_the_limit_is_none():
    assert read_at_most(io.BytesIO(bytes(5000)), 4999) is None
