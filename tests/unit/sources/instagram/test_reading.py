"""A picture's bytes: by its link while that holds, then by a new one."""

import pytest
import requests

from photosearch.errors import Cancelled, PhotoError, TryLater
from photosearch.sources.fetching import Fetched, LinkExpired
from photosearch.sources.instagram.files import write_private
from photosearch.sources.instagram.journal import Journal
from photosearch.sources.instagram.reading import InstagramReader
from photosearch.sources.source import Content
from tests.fake_instagram import (
    COOKIES,
    LOGIN_REDIRECT,
    NOON,
    PLEASE_WAIT,
    POST_QUERY,
    TOO_MANY,
    Answer,
    FakePost,
    Fault,
    Slide,
    Witness,
    let_time_pass,
    posts,
    stand_in,
)

MAX = 1000


class Links:
    """Stands for the fetcher: links hold until their post has another signature."""

    def __init__(self, instagram):
        self._instagram = instagram
        self.fetched = []

    def fetch(self, url, max_bytes=0):
        self.fetched.append(url)
        assert max_bytes == MAX
        valid = {p.link(slide) for profile in self._instagram.profiles.values() for p in profile for slide in p.slides}
        if url not in valid:
            raise LinkExpired("the link has expired (403)")
        return Fetched(url.encode(), "tag")


@pytest.fixture
def passing(monkeypatch):
    return let_time_pass(monkeypatch)


@pytest.fixture
def instagram(monkeypatch, passing):
    fake = stand_in(monkeypatch)
    fake.profiles["sea"] = [FakePost("C", NOON, [Slide("1"), Slide("2", is_video=True)]), *posts(3)]
    return fake


@pytest.fixture
def links(instagram):
    return Links(instagram)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "instagram"


@pytest.fixture
def reader(links, passing, folder):
    return InstagramReader(links, folder, clock=passing.clock)


def old(pk: str) -> str:
    return f"https://scontent.cdninstagram.com/{pk}.jpg?oh=0"


def new(pk: str) -> str:
    return f"https://scontent.cdninstagram.com/{pk}.jpg?oh=1"


def test_a_link_that_holds_is_fetched_and_nobody_else_asked(reader, instagram):
    assert reader.read("C/2", new("2"), MAX) == Content(new("2").encode(), "tag", None)
    assert not instagram.asked


def test_an_expired_link_is_made_new_through_its_post(reader, instagram):
    assert reader.read("C/2", old("2"), MAX) == Content(new("2").encode(), "tag", new("2"))
    assert instagram.count(POST_QUERY) == 1


def test_a_picture_without_a_link_gets_one(reader):
    assert reader.read("P1/1", None, MAX).address == new("101")


def test_the_slides_of_a_post_are_asked_for_once(reader, instagram):
    assert reader.read("C/1", old("1"), MAX).address == new("1")
    assert reader.read("C/2", old("2"), MAX).address == new("2")
    assert instagram.count(POST_QUERY) == 1


def test_a_new_link_that_expires_in_its_turn_is_made_new_again(reader, instagram):
    address = reader.read("C/1", old("1"), MAX).address
    instagram.profiles["sea"][0].signature = 2
    assert reader.read("C/1", address, MAX).address == "https://scontent.cdninstagram.com/1.jpg?oh=2"
    assert instagram.count(POST_QUERY) == 2


def asks_with_login(instagram) -> bool:
    return any(line.startswith("POST /graphql/query") for line in instagram.asked)  # logged out it is /api/graphql


@pytest.mark.parametrize("profile", ["sea", None])  # None: it was listed by a version that did not keep it
def test_the_login_of_the_profiles_latest_listing_is_used(reader, instagram, folder, profile):
    write_private(folder / "session-me", {"cookies": COOKIES})
    Journal(folder, "sea").begin("me")
    reader.read("C/1", old("1"), MAX, profile)
    assert asks_with_login(instagram)


@pytest.mark.parametrize("profile", ["sea", "never-listed", None])
def test_the_login_of_another_profiles_listing_is_not_used(reader, instagram, folder, profile):
    write_private(folder / "session-me", {"cookies": COOKIES})
    Journal(folder, "sea").begin(None)
    Journal(folder, "other").begin("me")
    reader.read("C/1", old("1"), MAX, profile)
    assert not asks_with_login(instagram)


def test_each_profiles_login_is_its_own(reader, instagram, folder):
    write_private(folder / "session-me", {"cookies": COOKIES})
    Journal(folder, "sea").begin(None)
    Journal(folder, "other").begin("me")
    reader.read("C/1", old("1"), MAX, "sea")
    reader.read("P1/1", None, MAX, "other")
    assert asks_with_login(instagram)
    assert instagram.count("POST /api/graphql") == 1


def test_a_login_that_was_forgotten_is_done_without(reader, instagram, folder):
    Journal(folder, "sea").begin("me")
    assert reader.read("C/1", old("1"), MAX).address == new("1")
    assert instagram.count("POST /api/graphql") == 1


def test_a_post_that_is_gone(reader):
    with pytest.raises(PhotoError, match=r"link has expired.*post .GONE.*may have been deleted") as raised:
        reader.read("GONE/1", old("1"), MAX)
    assert not isinstance(raised.value, TryLater)
    assert reader.read("C/1", old("1"), MAX).address == new("1")


def test_a_slide_that_is_gone(reader):
    with pytest.raises(PhotoError, match="not have so many pictures"):
        reader.read("C/3", old("3"), MAX)


@pytest.mark.parametrize("key", ["C", "C/x", "../1", "", "C/1/2"])
def test_a_key_of_something_else(reader, key):
    with pytest.raises(PhotoError, match="no picture"):
        reader.read(key, None, MAX)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (LOGIN_REDIRECT, "logged in"),
        (PLEASE_WAIT, "401"),
        (TOO_MANY, "429"),
        (requests.exceptions.ConnectionError("down"), "cannot be reached"),
    ],
)
def test_what_is_refused_for_all_posts_is_asked_once_in_a_run(reader, instagram, what, says):
    instagram.faults = [Fault(POST_QUERY, what)]
    for key in ("C/1", "P1/1", "P2/1"):
        with pytest.raises(TryLater, match=says):
            reader.read(key, old("1"), MAX)
    assert instagram.count(f"{POST_QUERY} P") == 0
    assert reader.read("P1/1", new("101"), MAX).data  # what needs no new link is still read


def test_an_answer_that_is_built_otherwise_is_one_posts_trouble(reader, instagram):
    instagram.faults = [Fault(POST_QUERY, Answer({"data": {"x": 1}}), times=1)]
    with pytest.raises(PhotoError):
        reader.read("C/1", old("1"), MAX)
    assert reader.read("C/1", old("1"), MAX).address == new("1")


def test_a_long_wait_for_a_link_shows_and_can_be_ended(links, instagram, passing, folder):
    witness = Witness(lambda: len(witness.seen) > 5)
    instagram.faults = [Fault(POST_QUERY, TOO_MANY)]
    with pytest.raises(Cancelled):
        InstagramReader(links, folder, witness.watch, clock=passing.clock).read("C/1", old("1"), MAX)
    assert all(note.startswith("Instagram asks to wait: 11:0") for note in witness.notes)


def test_many_new_links_keep_to_the_pace(reader, instagram, passing):
    """200 questions of a kind in 11 minutes, whatever the pauses between them come to."""
    instagram.profiles["sea"] = posts(250)
    for i in range(1, 251):
        reader.read(f"P{i}/1", old(f"10{i}"), MAX)
    assert passing.seconds > 1000 + 660


def test_a_reader_is_closed_used_or_not(reader):
    reader.close()
    reader.read("C/1", old("1"), MAX)
    reader.close()
