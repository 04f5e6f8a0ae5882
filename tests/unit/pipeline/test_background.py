"""Runs in the background: their snapshots, pause and stop, and photos a second."""

import logging
import threading

import pytest

from photosearch.errors import LibraryError
from photosearch.pipeline.background import BackgroundRun, Throughput
from photosearch.pipeline.worker import Snapshot
from photosearch.records import Progress, Report

WAIT_S = 10


def finished(run: BackgroundRun) -> BackgroundRun:
    run.start()
    run.wait(WAIT_S)
    assert not run.snapshot.is_running
    return run


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
    throughput = Throughput(lambda: now[0])
    assert (throughput.recent, throughput.overall) == (None, None)
    for seconds, done in ((0, 0), (10, 10), (20, 20)):
        now[0] = seconds
        throughput.mark(done)
    assert (throughput.recent, throughput.overall) == (1.0, 1.0)
    throughput.pause()
    now[0] = 1000
    throughput.resume()
    now[0] = 1010
    throughput.mark(40)
    assert throughput.recent == pytest.approx(40 / 30)
    for seconds in range(1020, 1100, 10):
        now[0] = seconds
        throughput.mark(40 + (seconds - 1010) * 3)
    assert throughput.recent == pytest.approx(3.0)
    assert throughput.overall == pytest.approx((40 + 80 * 3) / 110)
    throughput.mark(0)  # another count begins
    assert throughput.recent is None


def test_the_time_left_is_told_once_the_pace_is_known():
    assert Snapshot("r", True, Progress(10, 30), photos_per_s=2.0).left_s == 10.0
    assert Snapshot("r", True, Progress(10, 30)).left_s is None
    assert Snapshot("r", True, Progress(10, 0), photos_per_s=2.0).left_s is None
