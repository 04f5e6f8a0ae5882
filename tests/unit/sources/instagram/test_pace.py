"""Waiting for Instagram: as long as instaloader reckons, visibly, and no longer than one who ends it wants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosearch.errors import Cancelled
from photosearch.records import Watch
from photosearch.sources.instagram.connection import Connection
from photosearch.sources.instagram.pace import STEP_S, Pace, in_minutes
from tests.fake_instagram import FakeTime, Witness, let_time_pass


@pytest.fixture
def passing(monkeypatch):
    return let_time_pass(monkeypatch)


def pace(time: FakeTime, watch: Watch) -> Pace:
    return Connection(watch, time.clock).pace


def test_a_wait_lasts_as_long_as_it_was_asked_for_in_small_steps(passing):
    pace(passing, Watch()).sleep(100)
    assert passing.seconds == 1100
    assert max(passing.waits) == STEP_S


def test_a_long_wait_counts_down(passing):
    witness = Witness()
    slow = pace(passing, witness.watch)
    slow.n_done = 7
    slow.sleep(272)
    assert witness.notes[0] == "Instagram asks to wait: 4:32 left"
    assert witness.notes[-1] == "Instagram asks to wait: 0:00 left"
    assert {(progress.done, progress.total) for progress in witness.seen} == {(7, 0)}


def test_the_short_pause_before_each_request_is_no_news(passing):
    witness = Witness()
    pace(passing, witness.watch).sleep(14)
    assert passing.seconds == 1014
    assert not witness.seen


def test_who_ends_a_wait_is_heard_within_a_step(passing):
    witness = Witness(lambda: passing.seconds >= 1010)
    with pytest.raises(Cancelled, match="what was done is kept"):
        pace(passing, witness.watch).sleep(700)
    assert passing.seconds == pytest.approx(1010, abs=STEP_S)


def test_no_wait_begins_after_the_end(passing):
    with pytest.raises(Cancelled):
        pace(passing, Witness(lambda: True).watch).sleep(0)
    assert not passing.waits


def test_the_pause_before_each_request_goes_through_the_pace(passing):
    """`InstaloaderContext.do_sleep` would sleep past anybody who ends it."""
    with pytest.raises(Cancelled):
        Connection(Witness(lambda: True).watch, passing.clock).do_sleep()


def test_instaloader_reckons_how_long_to_wait(passing):
    """200 questions of a kind in 11 minutes; the next one waits till the first of them is that old."""
    control = pace(passing, Watch())
    for _ in range(200):
        control.wait_before_query("kind")
    assert passing.seconds == 1000
    control.wait_before_query("kind")
    assert passing.seconds == 1666


def test_a_429_waits_eleven_minutes_from_the_first_question(passing):
    control = pace(passing, Watch())
    control.wait_before_query("kind")
    passing.seconds += 60
    control.handle_429("kind")
    assert passing.seconds == 1666


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (272, "4:32"), (3599, "59:59"), (3661, "1:01:01"), (-3, "0:00")]
)
def test_a_time_in_minutes(seconds, text):
    assert in_minutes(seconds) == text


@given(st.floats(0, 400))
def test_any_wait_ends_in_time(seconds):
    time = FakeTime()
    pace(time, Watch()).sleep(seconds)
    assert time.seconds == pytest.approx(1000 + seconds, abs=1e-6)


def logged_in(time: FakeTime) -> Pace:
    connection = Connection(Watch(), time.clock)
    connection.username = "me"
    return connection.pace


def test_with_a_login_a_kind_has_half_the_requests(passing):
    control = logged_in(passing)
    for _ in range(100):
        control.wait_before_query("kind")
    assert passing.seconds == 1000
    control.wait_before_query("kind")
    assert passing.seconds == 1666


def test_with_a_login_all_kinds_count_together(passing):
    control = logged_in(passing)
    for number in range(150):
        control.wait_before_query(("kind", "other", "third")[number % 3])
    assert passing.seconds == 1000
    control.wait_before_query("fourth")
    assert passing.seconds == 1600


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 30)), max_size=400))
def test_no_window_of_ten_minutes_holds_more(requests):
    with pytest.MonkeyPatch.context() as patch:
        let = let_time_pass(patch)
        control = logged_in(let)
        sent = []
        for kind, idle_s in requests:
            let.seconds += idle_s
            control.wait_before_query(kind)
            sent.append(let.seconds)
    for first, later in zip(sent, sent[150:], strict=False):
        assert later - first >= 600


def test_the_next_run_counts_the_requests_of_the_last_one(passing, tmp_path):
    path = tmp_path / "instagram" / "pace-me.json"

    def connect() -> Connection:
        connection = Connection(Watch(), passing.clock)
        connection.username = "me"
        connection.keep_pace(path)
        return connection

    first = connect()
    for number in range(150):
        first.pace.wait_before_query(("kind", "other")[number % 2])
    passing.seconds += 60
    first.close()
    second = connect()
    second.pace.wait_before_query("kind")
    assert passing.seconds == 1600
    second.close()
    path.write_text('{"damaged": true}')
    connect().pace.wait_before_query("kind")
    assert passing.seconds == 1600
