"""One worker a library, and runs in the background."""

import logging
import threading
from datetime import datetime

import filelock
import pytest
from sqlalchemy import insert

from photosearch.errors import LibraryError, WorkerBusy
from photosearch.library.engine import LOCK_NAME
from photosearch.library.schema import job
from photosearch.pipeline.worker import BackgroundRun, Pace, Snapshot, at_work, current, worker
from photosearch.records import Progress, Report

WAIT_S = 10


def finished(run: BackgroundRun) -> BackgroundRun:
    run.start()
    run.wait(WAIT_S)
    assert not run.snapshot.is_running
    return run


def test_a_workers_progress_is_seen_until_it_ends(library):
    assert current(library) is None
    with worker(library, "caption") as beat:
        assert current(library) == Progress(0, 0)
        beat(Progress(3, 7))
        assert current(library) == Progress(3, 7)
    assert current(library) is None


def test_a_second_worker_is_refused_and_told_how_far_the_first_is(library):
    with worker(library, "caption") as beat:
        beat(Progress(3, 7))
        with pytest.raises(WorkerBusy, match="3 of 7 photos"), worker(library, "caption"):
            pass
        assert current(library) == Progress(3, 7)


def test_a_worker_that_fails_frees_the_library(library):
    with pytest.raises(ZeroDivisionError), worker(library, "caption"):
        raise ZeroDivisionError
    with worker(library, "caption"):
        pass


def test_a_dead_workers_row_is_no_worker_and_is_replaced(library):
    with library.writing() as connection:
        row = {"kind": "caption", "state": "running", "owner": "host:1", "done": 5, "total": 9}
        connection.execute(insert(job).values(**row, heartbeat=datetime(2000, 1, 1)))
    assert current(library) is None
    with worker(library, "caption"):
        assert current(library) == Progress(0, 0)


def test_a_glance_at_the_lock_does_not_turn_a_worker_away(library):
    lock = filelock.FileLock(library.folder / LOCK_NAME, thread_local=False)
    lock.acquire()
    glance = threading.Timer(0.1, lock.release)
    glance.start()
    with worker(library, "caption"):
        pass
    glance.join()


def test_a_folder_that_cannot_be_locked_is_a_library_error(library):
    (library.folder / LOCK_NAME).mkdir()
    with pytest.raises(LibraryError, match="cannot be written"), worker(library, "caption"):
        pass


def test_a_background_run_ends_with_its_report():
    def work(watch):
        watch.on_progress(Progress(2, 2))
        return Report(n_captioned=2)

    snapshot = finished(BackgroundRun("two photos", work)).snapshot
    assert (snapshot.title, snapshot.report, snapshot.error) == ("two photos", Report(n_captioned=2), None)
    assert snapshot.progress == Progress(2, 2)


def test_a_background_run_shows_where_it_stands_and_can_be_cancelled():
    stands = threading.Event()

    def work(watch):
        watch.on_progress(Progress(1, 9))
        stands.set()
        for _ in range(100 * WAIT_S):
            if watch.is_cancelled():
                return Report(n_captioned=1)
            threading.Event().wait(0.01)
        raise TimeoutError

    run = BackgroundRun("nine photos", work)
    assert run.snapshot.is_running
    run.start()
    assert stands.wait(WAIT_S)
    assert (run.snapshot.is_running, run.snapshot.progress) == (True, Progress(1, 9))
    run.cancel()
    run.wait(WAIT_S)
    assert (run.snapshot.is_running, run.snapshot.report) == (False, Report(n_captioned=1))


def test_an_error_for_people_is_shown_as_it_is():
    def work(watch):
        raise LibraryError("The library is full.")

    assert finished(BackgroundRun("r", work)).snapshot.error == "The library is full."


def test_an_unforeseen_error_is_logged_and_not_shown(caplog):
    def work(watch):
        raise ZeroDivisionError("secret detail")

    with caplog.at_level(logging.ERROR):
        snapshot = finished(BackgroundRun("r", work)).snapshot
    assert "went wrong" in snapshot.error
    assert "secret" not in snapshot.error
    assert "secret detail" in caplog.text


def test_others_see_what_the_worker_is_at_and_how_quick_it_is(library):
    assert at_work(library) is None
    with worker(library, "caption", "Captioning c") as beat:
        beat(Progress(3, 7))
        found = at_work(library)
        assert (found.title, found.is_running, found.progress) == ("Captioning c", True, Progress(3, 7))
        assert found.photos_per_s > 0
        assert found.left_s > 0
    assert at_work(library) is None


def test_a_paused_run_stands_still_until_it_goes_on():
    stands, asked = threading.Event(), threading.Event()

    def work(watch):
        watch.on_progress(Progress(1, 2))
        stands.set()
        assert asked.wait(WAIT_S)
        assert not watch.is_cancelled()  # stands here
        watch.on_progress(Progress(2, 2))
        return Report(n_captioned=2)

    run = BackgroundRun("two", work)
    run.start()
    assert stands.wait(WAIT_S)
    run.pause()
    asked.set()
    run.wait(0.2)
    assert (run.snapshot.is_running, run.snapshot.is_paused, run.snapshot.progress) == (True, True, Progress(1, 2))
    run.resume()
    run.wait(WAIT_S)
    assert (run.snapshot.is_running, run.snapshot.is_paused, run.snapshot.was_stopped) == (False, False, False)
    assert run.snapshot.report == Report(n_captioned=2)


def test_a_paused_run_can_be_stopped():
    begun = threading.Event()

    def work(watch):
        begun.set()
        while not watch.is_cancelled():
            pass
        return Report(n_captioned=1)

    run = BackgroundRun("r", work)
    run.start()
    assert begun.wait(WAIT_S)
    run.pause()
    run.cancel()
    run.wait(WAIT_S)
    assert (run.snapshot.is_running, run.snapshot.was_stopped) == (False, True)
    run.pause()
    assert not run.snapshot.is_paused


def test_photos_a_second_are_those_of_late_without_pauses():
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert (pace.lately, pace.overall) == (None, None)
    for seconds, done in ((0, 0), (10, 10), (20, 20)):
        now[0] = seconds
        pace.mark(done)
    assert (pace.lately, pace.overall) == (1.0, 1.0)
    pace.pause(True)
    now[0] = 1000
    pace.pause(False)
    now[0] = 1010
    pace.mark(40)
    assert pace.lately == pytest.approx(40 / 30)
    for seconds in range(1020, 1100, 10):
        now[0] = seconds
        pace.mark(40 + (seconds - 1010) * 3)
    assert pace.lately == pytest.approx(3.0)
    assert pace.overall == pytest.approx((40 + 80 * 3) / 110)
    pace.mark(0)  # another count begins
    assert pace.lately is None


def test_the_time_left_is_told_once_the_pace_is_known():
    assert Snapshot("r", True, Progress(10, 30), photos_per_s=2.0).left_s == 10.0
    assert Snapshot("r", True, Progress(10, 30)).left_s is None
    assert Snapshot("r", True, Progress(10, 0), photos_per_s=2.0).left_s is None
