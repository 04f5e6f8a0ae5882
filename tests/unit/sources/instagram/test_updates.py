"""Updates of a profile, limits and interruptions: nothing is missed, and little is asked for twice."""

import json
import stat
from datetime import timedelta
from itertools import islice

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from photosearch.errors import Cancelled, SourceError
from photosearch.records import Watch
from photosearch.sources.instagram.files import write_private
from photosearch.sources.instagram.profile import InstagramSource
from photosearch.sources.source import Options
from tests.fake_instagram import (
    COOKIES,
    LOGINS,
    NOON,
    POST_QUERY,
    POSTS_QUERY,
    UNSEEN,
    Answer,
    FakePost,
    Fault,
    Slide,
    Witness,
    keys,
    let_time_pass,
    posts,
    slides,
    source_maker,
    stand_in,
    take,
)


@pytest.fixture
def passing(monkeypatch):
    return let_time_pass(monkeypatch)


@pytest.fixture
def instagram(monkeypatch, passing):
    return stand_in(monkeypatch)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "instagram"


@pytest.fixture
def source(instagram, passing, folder):
    return source_maker(folder, passing)


# Updates


@LOGINS
def test_an_update_ends_at_the_first_post_that_it_knows(source, instagram, login):
    instagram.profiles["sea"] = posts(9)[2:]
    known = keys(source(login=login))
    instagram.profiles["sea"] = posts(9)
    instagram.asked.clear()
    assert keys(source(login=login), known) == slides(2)
    assert instagram.count(POSTS_QUERY if login else POST_QUERY) == (1 if login else 3)


@LOGINS
def test_nothing_new_is_an_empty_update(source, instagram, login):
    instagram.profiles["sea"] = posts(5)
    known = keys(source(login=login))
    assert keys(source(login=login), known) == []
    assert keys(source(login=login), known) == []


@LOGINS
def test_pinned_posts_never_end_an_update(source, instagram, login):
    old = posts(9)[3:]
    pinned = [FakePost(f"T{i}", NOON - timedelta(days=100 + i), [Slide(f"9{i}")], pinned=True) for i in (1, 2)]
    instagram.profiles["sea"] = [*pinned, *old]
    known = keys(source(login=login))
    assert known == ["T1/1", "T2/1", *slides(6, 4)]
    instagram.profiles["sea"] = [*pinned, *posts(3), *old]
    assert keys(source(login=login), known) == ["T1/1", "T2/1", *slides(3)]


@LOGINS
def test_where_instagram_does_not_tell_the_first_three_may_be_pinned(source, instagram, login):
    old = posts(9, tells_pins=False)[1:]
    pinned = FakePost("T", NOON - timedelta(days=100), [Slide("9")], tells_pins=False)
    instagram.profiles["sea"] = [pinned, *old]
    known = keys(source(login=login))
    instagram.profiles["sea"] = [pinned, *posts(1, tells_pins=False), *old]
    assert keys(source(login=login), known) == ["T/1", "P1/1", "P2/1"]


def test_without_known_posts_all_are_listed_again(source, instagram):
    instagram.profiles["sea"] = posts(5)
    keys(source())
    assert keys(source()) == slides(5)


def test_another_collection_of_the_same_profile_misses_nothing(source, instagram):
    """What is known of the listings is kept once a profile; a collection without its last photo is not up to date."""
    instagram.profiles["sea"] = posts(9)
    keys(source())
    assert keys(source(), slides(2)) == slides(9)


def test_a_post_between_known_ones_is_not_missed_while_the_first_listing_is_not_done(source, instagram):
    instagram.profiles["sea"] = posts(9)
    assert keys(source(), slides(3)) == slides(9)


# Limits


@LOGINS
def test_max_posts_ends_it_and_asks_no_further(source, instagram, login):
    instagram.profiles["sea"] = posts(9)
    assert keys(source(login=login, max_posts=2)) == slides(2)
    assert instagram.count(POSTS_QUERY if login else POST_QUERY) == (1 if login else 2)


@LOGINS
def test_since_ends_it_at_the_first_older_post(source, instagram, login):
    pinned = [FakePost("T", NOON - timedelta(days=100), [Slide("9")], pinned=True)]
    instagram.profiles["sea"] = [*pinned, *posts(9)]
    assert keys(source(login=login, since=NOON.date() - timedelta(days=4))) == slides(4)


def test_a_wider_limit_lists_what_the_narrow_one_left_out(source, instagram):
    instagram.profiles["sea"] = posts(9)
    known = keys(source(max_posts=3))
    assert keys(source(max_posts=3), known) == []
    assert keys(source(max_posts=2), known) == []
    assert set(keys(source(max_posts=5), known)) >= {"P4/1", "P5/1"}
    known = slides(5)
    assert set(keys(source(), known)) >= set(slides(4, 6))
    assert keys(source(), slides(9)) == []


def test_an_earlier_day_lists_what_the_later_one_left_out(source, instagram):
    instagram.profiles["sea"] = posts(9)
    day = NOON.date()
    known = keys(source(since=day - timedelta(days=3)))
    assert known == slides(3)
    assert set(keys(source(since=day - timedelta(days=6)), known)) >= set(slides(3, 4))


def test_a_limited_update_leaves_no_gap(source, instagram):
    """Ten new posts, two of them taken: the eight others come with the next full update."""
    instagram.profiles["sea"] = posts(20)[10:]
    known = set(keys(source()))
    instagram.profiles["sea"] = posts(20)
    known |= set(keys(source(max_posts=2), known))
    known |= set(keys(source(), known))
    assert known == set(slides(20))


# Interruptions


@LOGINS
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8])
def test_a_listing_that_is_closed_in_the_middle_goes_on_there(source, instagram, folder, login, n):
    instagram.profiles["sea"] = posts(8)
    taken = []
    listing = source(login=login).listings(frozenset(), Watch())
    for item in listing:
        taken.append(item.source_key)
        if len(taken) == n:
            break
    listing.close()
    instagram.asked.clear()
    rest = keys(source(login=login), taken)
    assert rest == slides(8)[n - 1 :]  # the one in hand comes again
    assert not list(folder.glob("resume-*"))
    assert keys(source(login=login), slides(8)) == []


@LOGINS
def test_a_listing_that_is_cancelled_goes_on_there(source, instagram, folder, login):
    instagram.profiles["sea"] = posts(8)
    taken = []
    with pytest.raises(Cancelled, match="go on"):
        take(source(login=login).listings((), Witness(lambda: len(taken) >= 5).watch), taken)
    assert taken == slides(5)
    (kept,) = folder.glob("resume-sea-*")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert keys(source(login=login), taken) == slides(4, 5)


@LOGINS
def test_a_network_that_goes_down_is_told_and_the_listing_goes_on_later(source, instagram, login):
    instagram.profiles["sea"] = posts(8)
    asks = POSTS_QUERY if login else POST_QUERY
    instagram.faults = [Fault(asks, requests.exceptions.ConnectionError("no route"), after=1 if login else 3)]
    taken = []
    with pytest.raises(SourceError, match="Check the network"):
        take(source(login=login).listings((), Watch()), taken)
    assert taken == slides(3)
    instagram.faults = []
    assert keys(source(login=login), taken)[-5:] == slides(5, 4)


def test_an_update_that_was_interrupted_is_finished_and_leaves_no_gap(source, instagram):
    instagram.profiles["sea"] = posts(20)[10:]
    known = set(keys(source()))
    instagram.profiles["sea"] = posts(20)[2:]
    listing = source().listings(frozenset(known), Watch())
    known |= {next(listing).source_key for _ in range(4)}
    listing.close()
    instagram.profiles["sea"] = posts(20)
    again = keys(source(), known)
    assert again == slides(5, 6)  # from the place to the ones that were known before, without those
    known |= set(again)
    assert keys(source(), known) == slides(2)


def test_a_lost_place_does_not_hide_posts(source, instagram, folder):
    """Without the place it begins at the top and passes what it knows."""
    instagram.profiles["sea"] = posts(8)
    listing = source().listings((), Watch())
    taken = [next(listing).source_key for _ in range(4)]
    listing.close()
    for path in folder.glob("resume-*"):
        path.write_text("{damaged")
    assert keys(source(), taken) == slides(8)


@pytest.mark.parametrize("content", ["[]", "{}", '{"first_node": {"code": "P1"}, "x": 1}', '{"first_node": null}'])
def test_a_place_that_is_not_ours_is_not_taken(source, instagram, folder, content):
    instagram.profiles["sea"] = posts(4)
    listing = source().listings((), Watch())
    next(listing)
    listing.close()
    (path,) = folder.glob("resume-*")
    path.write_text(content)
    assert keys(source(), ["P1/1"]) == slides(4)


def test_a_place_that_instagram_no_longer_knows_is_forgotten(source, instagram, folder):
    instagram.profiles["sea"] = posts(8)
    listing = source(login="me").listings((), Watch())
    taken = [next(listing).source_key for _ in range(2)]
    listing.close()
    instagram.faults = [Fault(POSTS_QUERY, Answer({"status": "fail"}, 400), after=1)]
    with pytest.raises(SourceError, match="400"):
        keys(source(login="me"), taken)
    assert not list(folder.glob("resume-*"))
    instagram.faults = []
    assert keys(source(login="me"), taken) == slides(8)


def test_another_collection_does_not_go_on_from_the_place_of_the_first(source, instagram):
    instagram.profiles["sea"] = posts(8)
    listing = source().listings((), Watch())
    for _ in range(4):
        next(listing)
    listing.close()
    assert keys(source(), []) == slides(8)


def test_a_damaged_journal_means_a_full_listing(source, instagram, folder):
    instagram.profiles["sea"] = posts(4)
    known = keys(source())
    for content in ("", "[1]", '{"complete": {"newest": "soon", "oldest_key": "P4/1"}}', '{"complete": null}'):
        (folder / "profile-sea.json").write_text(content)
        assert keys(source(), known) == slides(4)


def test_the_journal_says_nothing_that_needs_hiding_and_is_hidden(source, instagram, folder):
    instagram.profiles["sea"] = posts(2)
    keys(source(login="me"))
    path = folder / "profile-sea.json"
    assert json.loads(path.read_text()) == {
        "login": "me",
        "complete": {"newest": "2024-04-30T12:00:00", "oldest_key": "P2/1", "max_posts": None, "since": None},
        "listed": ["P1/1", "P2/1"],
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@LOGINS
def test_a_place_below_photos_that_were_not_kept_is_not_taken(source, instagram, login):
    """Whoever takes the photos may fail to keep the latest ones: they are listed again."""
    instagram.profiles["sea"] = posts(8)
    listing = source(login=login).listings({}, Watch())
    taken = [next(listing).source_key for _ in range(6)]
    listing.close()
    kept = [*taken[:2], taken[-1]]
    assert keys(source(login=login), kept) == slides(8)


@LOGINS
def test_a_listing_whose_end_was_not_kept_hides_nothing(source, instagram, login):
    """Of nine new posts the first five are kept, then the disk is full."""
    instagram.profiles["sea"] = posts(12)[9:]
    known = keys(source(login=login))
    instagram.profiles["sea"] = posts(12)
    assert keys(source(login=login), known) == slides(9)
    known += slides(5)
    assert set(keys(source(login=login), known)) >= set(slides(4, 6))
    assert keys(source(login=login), slides(12)) == []


RUNS = st.lists(
    st.tuples(
        st.integers(0, 5),  # new posts since the run before
        st.none() | st.integers(1, 8),  # max_posts
        st.none() | st.integers(0, 30),  # since, in days before the newest post
        st.none() | st.integers(1, 6),  # photos after which it is interrupted
    ),
    max_size=6,
)


@settings(max_examples=25)
@given(runs=RUNS, tells_pins=st.booleans())
def test_whatever_was_limited_and_interrupted_two_full_updates_miss_nothing(tmp_path_factory, runs, tells_pins):
    """The first of them may go on from a place that an interrupted one has left, below what is new."""
    folder = tmp_path_factory.mktemp("instagram")
    write_private(folder / "session-me", {"cookies": COOKIES})
    everything = posts(40, tells_pins=tells_pins)
    pinned = [everything[38], everything[36]]
    for post in pinned:
        post.pinned = True
    plain = [post for post in everything if post not in pinned]
    n_there, known = 4, set()
    with pytest.MonkeyPatch.context() as patch:
        clock = let_time_pass(patch).clock
        instagram = stand_in(patch)
        for n_new, max_posts, days, n_taken in [*runs, (0, None, None, None), (0, None, None, None)]:
            n_there += n_new
            there = plain[-n_there:]
            instagram.profiles["sea"] = [*pinned, *there]
            since = None if days is None else (there[0].taken_at - timedelta(days=days)).date()
            made = InstagramSource("@sea", Options(max_posts=max_posts, since=since, login="me"), folder, clock=clock)
            listing = made.listings(frozenset(known), UNSEEN)
            known |= {item.source_key for item in islice(listing, n_taken)}
            listing.close()
    assert known >= {f"{post.code}/1" for post in [*pinned, *there]}
