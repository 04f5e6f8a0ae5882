"""The worker lock of a library, and how other processes see the run that holds it."""

import threading
from datetime import datetime

import filelock
import pytest
from sqlalchemy import insert

from photosearch.errors import LibraryError, WorkerBusy
from photosearch.library.engine import LOCK_NAME
from photosearch.library.schema import job
from photosearch.pipeline.worker import hold_worker_lock, read_running
from photosearch.records import Progress


def test_a_workers_progress_is_seen_until_it_ends(library):
    assert read_running(library) is None
    with hold_worker_lock(library, "caption") as record:
        assert read_running(library).progress == Progress(0, 0)
        record(Progress(3, 7))
        assert read_running(library).progress == Progress(3, 7)
    assert read_running(library) is None


def test_a_second_worker_is_refused_and_told_how_far_the_first_is(library):
    with hold_worker_lock(library, "caption") as record:
        record(Progress(3, 7))
        with pytest.raises(WorkerBusy, match="3 of 7 photos"), hold_worker_lock(library, "caption"):
            pass
        assert read_running(library).progress == Progress(3, 7)


def test_a_worker_that_fails_frees_the_library(library):
    with pytest.raises(ZeroDivisionError), hold_worker_lock(library, "caption"):
        raise ZeroDivisionError
    with hold_worker_lock(library, "caption"):
        pass


def test_a_dead_workers_row_is_no_worker_and_is_replaced(library):
    with library.writing() as connection:
        row = {"kind": "caption", "state": "running", "owner": "host:1", "done": 5, "total": 9}
        connection.execute(insert(job).values(**row, heartbeat=datetime(2000, 1, 1)))
    assert read_running(library) is None
    with hold_worker_lock(library, "caption"):
        assert read_running(library).progress == Progress(0, 0)


def test_a_glance_at_the_lock_does_not_turn_a_worker_away(library):
    lock = filelock.FileLock(library.folder / LOCK_NAME, thread_local=False)
    lock.acquire()
    glance = threading.Timer(0.1, lock.release)
    glance.start()
    with hold_worker_lock(library, "caption"):
        pass
    glance.join()


def test_a_folder_that_cannot_be_locked_is_a_library_error(library):
    (library.folder / LOCK_NAME).mkdir()
    with pytest.raises(LibraryError, match="cannot be written"), hold_worker_lock(library, "caption"):
        pass


def test_others_see_what_the_worker_is_at_and_how_quick_it_is(library):
    assert read_running(library) is None
    with hold_worker_lock(library, "caption", "Captioning c") as record:
        record(Progress(3, 7))
        found = read_running(library)
        assert (found.title, found.is_running, found.progress) == ("Captioning c", True, Progress(3, 7))
        assert found.photos_per_s > 0
        assert found.left_s > 0
    assert read_running(library) is None
