"""A profile's posts as a source, with instaloader's own code between it and a fake Instagram."""

import subprocess
import sys
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import requests

from photosearch.errors import Cancelled, SourceError
from photosearch.records import Details, Failure, Listing, TextKind, Watch
from photosearch.sources.instagram.names import profile_name
from photosearch.sources.instagram.profile import InstagramSource
from photosearch.sources.source import Options
from tests.fake_instagram import (
    CHECKPOINT,
    LOGIN_REDIRECT,
    LOGINS,
    NOON,
    OPEN_POSTS_QUERY,
    PLEASE_WAIT,
    POST_QUERY,
    POSTS_QUERY,
    TOO_MANY,
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

ROOT = Path(__file__).resolve().parents[4]


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


def first(source: InstagramSource) -> list[Listing]:
    return [item for item in source.listings((), Watch()) if isinstance(item, Listing)]


# What is typed


@pytest.mark.parametrize(
    "written",
    [
        "instagram:sea.side_1",
        "@sea.side_1",
        "sea.side_1",
        " instagram:@Sea.Side_1 ",
        "https://www.instagram.com/sea.side_1/",
        "https://instagram.com/sea.side_1?igsh=x",
        "instagram.com/sea.side_1/",
        "instagram:https://www.instagram.com/SEA.side_1",
    ],
)
def test_a_profile_is_named_in_many_ways(written):
    assert profile_name(written) == "sea.side_1"


@pytest.mark.parametrize(
    "written",
    [
        "instagram:",
        "@",
        "sea side",
        "sea\n\nside",
        "x" * 31,
        "zoë",
        "../sea",
        "https://www.instagram.com/p/ABC/",
        "https://www.instagram.com/",
        "https://evil.example/sea/",
        "https://www.instagram.com.evil.example/sea/",
        "https://www.instagram.com/sea/../x y/",
    ],
)
def test_what_is_no_profile_is_refused_before_anything_is_asked(instagram, tmp_path, written):
    with pytest.raises(SourceError, match=r"Check the spelling|Give it as"):
        InstagramSource(written, Options(), tmp_path)
    assert not instagram.asked
    assert not list(tmp_path.iterdir())


def test_no_posts_at_all_cannot_be_asked_for(tmp_path):
    with pytest.raises(SourceError, match="at least 1"):
        InstagramSource("@sea", Options(max_posts=0), tmp_path)


def test_the_collection_is_called_like_the_profile(source):
    made = source("@Sea")
    assert (made.kind, made.collection, made.left_out.total(), made.described) == ("instagram", "sea", 0, False)
    assert not made.covers("P1/1")


def test_nothing_of_instaloader_is_imported_before_it_is_needed():
    code = """
import sys
from photosearch.sources.instagram import access, reading
from photosearch.sources.instagram.profile import InstagramSource
from photosearch.sources.source import Options
InstagramSource("@sea", Options(), None)
assert not {"instaloader", "requests"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# What is listed


@LOGINS
def test_all_pages_are_listed_newest_first(source, instagram, login):
    instagram.profiles["sea"] = posts(8)
    assert keys(source(login=login)) == slides(8)


def test_logged_in_a_page_of_posts_is_one_request(source, instagram):
    instagram.profiles["sea"] = posts(8)
    keys(source(login="me"))
    assert instagram.count(POSTS_QUERY) == 3
    assert instagram.count(POST_QUERY) == 0
    assert len(instagram.asked) == 6  # the profile's page and data, the start page, three pages of posts


def test_logged_out_each_post_is_one_request_more_and_no_second_one(source, instagram):
    instagram.profiles["sea"] = posts(8)
    keys(source())
    assert instagram.count(OPEN_POSTS_QUERY) == 2
    assert instagram.count(POST_QUERY) == 8


@LOGINS
def test_a_carousel_has_a_listing_for_each_slide_of_a_video_its_cover(source, instagram, login):
    post = FakePost("C", NOON, [Slide("1"), Slide("2", is_video=True), Slide("3", accessibility="a dog")])
    instagram.profiles["sea"] = [post, FakePost("V", NOON - timedelta(1), [Slide("4", is_video=True)])]
    listed = first(source(login=login))
    assert [(item.source_key, item.stamp, item.address) for item in listed] == [
        ("C/1", "1", "https://scontent.cdninstagram.com/1.jpg?oh=1"),
        ("C/2", "2", "https://scontent.cdninstagram.com/2.jpg?oh=1"),
        ("C/3", "3", "https://scontent.cdninstagram.com/3.jpg?oh=1"),
        ("V/1", "4", "https://scontent.cdninstagram.com/4.jpg?oh=1"),
    ]
    assert [dict(item.details.texts).get(TextKind.ACCESSIBILITY) for item in listed] == [None, None, "a dog", None]


@LOGINS
def test_what_comes_with_a_picture(source, instagram, login):
    instagram.profiles["sea"] = [
        FakePost(
            "A",
            NOON,
            [Slide("1", accessibility="Photo of a dog")],
            caption="Rex and @Ann.b at the #Beach, #beach #été!",
            place={"name": "Brighton", "lat": 50.8, "lng": -0.1, "pk": 5},
        )
    ]
    (listed,) = first(source(login=login))
    assert listed.details == Details(
        permalink="https://www.instagram.com/p/A/",
        taken_at=NOON.replace(tzinfo=UTC),
        place="Brighton",
        latitude=50.8,
        longitude=-0.1,
        n_likes=5,
        n_comments=2,
        texts=(
            (TextKind.OWNER, "Rex and @Ann.b at the #Beach, #beach #été!"),
            (TextKind.ACCESSIBILITY, "Photo of a dog"),
            (TextKind.HASHTAG, "beach"),
            (TextKind.HASHTAG, "été"),
            (TextKind.MENTION, "ann.b"),
        ),
    )


@LOGINS
def test_what_comes_with_a_single_slide(source, instagram, login):
    tags = {"in": [{"user": {"username": "ben", "full_name": "Ben Ito"}}, {"user": {"username": "cai"}}, {}]}
    music = {"music_info": {"music_asset_info": {"title": "Sea Song", "display_artist": "R. Wyatt"}}}
    own = {"caption": {"text": "The second #two"}, "usertags": tags, "music_metadata": music}
    slides = [Slide("1", more={"caption": None}), Slide("2", more=own)]
    instagram.profiles["sea"] = [FakePost("C", NOON, slides, caption="Both #one")]
    one, two = (item.details for item in first(source(login=login)))
    assert (one.texts_of(TextKind.OWNER), one.tagged, one.music) == (["Both #one"], None, None)
    assert two.texts_of(TextKind.OWNER) == ["Both #one", "The second #two"]
    assert two.texts_of(TextKind.HASHTAG) == ["one", "two"]
    assert (two.tagged, two.music) == ("ben Ben Ito, cai", "Sea Song – R. Wyatt")


@LOGINS
@pytest.mark.parametrize("caption", [None, ""])
def test_a_post_may_say_nothing_and_hide_its_numbers(source, instagram, login, caption):
    instagram.profiles["sea"] = [FakePost("A", NOON, [Slide("1")], caption, likes=-1, place={"name": "Sea"})]
    (listed,) = first(source(login=login))
    assert listed.details == Details("https://www.instagram.com/p/A/", NOON.replace(tzinfo=UTC), "Sea", n_comments=2)


def test_a_new_link_alone_changes_no_stamp(source, instagram):
    instagram.profiles["sea"] = posts(1)
    (before,) = first(source())
    instagram.profiles["sea"][0].signature = 2
    (after,) = first(source())
    assert before.address != after.address
    assert before.stamp == after.stamp


def test_a_slide_that_moved_up_has_another_stamp(source, instagram):
    instagram.profiles["sea"] = [FakePost("C", NOON, [Slide("1"), Slide("2"), Slide("3")])]
    before = {item.source_key: item.stamp for item in first(source())}
    instagram.profiles["sea"][0].slides.pop(0)
    after = {item.source_key: item.stamp for item in first(source())}
    assert after == {"C/1": "2", "C/2": "3"}
    assert before["C/1"] != after["C/1"]


@LOGINS
def test_an_empty_profile_is_an_empty_list(source, instagram, login):
    instagram.profiles["sea"] = []
    assert keys(source(login=login)) == []


def test_a_post_that_cannot_be_read_is_told_and_the_listing_goes_on(source, instagram):
    instagram.profiles["sea"] = posts(5)
    gone = Answer({"data": {"xdt_api__v1__media__shortcode__web_info": {"items": []}}})
    instagram.faults = [Fault("P2", gone)]
    listed = list(source().listings((), Watch()))
    assert [item.source_key for item in listed] == slides(5)
    (failure,) = [item for item in listed if isinstance(item, Failure)]
    assert failure.source_key == "P2/1"
    assert "deleted" in failure.reason


def test_four_posts_in_a_row_that_cannot_be_read_end_it(source, instagram):
    instagram.profiles["sea"] = posts(9)
    instagram.faults = [Fault(POST_QUERY, Answer({"data": {}}), after=2)]
    seen = []
    with pytest.raises(SourceError, match="deleted"):
        take(source().listings((), Watch()), seen)
    assert seen == slides(5)  # two good ones, three that failed
    instagram.faults = []
    assert keys(source()) == slides(9)


def test_it_tells_how_far_it_is(source, instagram):
    instagram.profiles["sea"] = posts(2)
    witness = Witness()
    keys(source(), watch=witness.watch)
    assert [(p.done, p.total, p.note) for p in witness.seen] == [
        (1, 0, 'Listing profile "sea": 1 posts, 4 of 2,000 requests'),
        (2, 0, 'Listing profile "sea": 2 posts, 5 of 2,000 requests'),
    ]


# What Instagram refuses


@LOGINS
def test_a_profile_that_is_not_there(source, instagram, login):
    with pytest.raises(SourceError, match=r'no profile "sea".* Check the spelling'):
        keys(source(login=login))


def test_logged_in_the_public_page_is_not_needed(source, instagram):
    instagram.profiles["sea"] = posts(4)
    instagram.similar = ["seas", "sea"]
    instagram.faults = [Fault("/sea/", LOGIN_REDIRECT)]
    assert keys(source(login="me")) == slides(4)


def test_a_profile_that_is_not_there_leaves_nothing_behind(source, folder):
    with pytest.raises(SourceError):
        keys(source())
    assert not folder.exists()


def test_similar_names_are_passed_on(source, instagram):
    instagram.profiles["sea"] = posts(1)
    instagram.lost = {"sea"}
    instagram.similar = ["seas", "seaside"]
    with pytest.raises(SourceError, match="similar profiles are: seas, seaside"):
        keys(source(login="me"))


def test_a_private_profile_logged_out(source, instagram):
    instagram.profiles["sea"] = posts(3)
    instagram.private = {"sea"}
    with pytest.raises(SourceError, match=r"private.*session of a user who follows"):
        keys(source())


def test_a_private_profile_logged_in(source, instagram):
    instagram.profiles["sea"] = posts(3)
    instagram.private = {"sea"}
    with pytest.raises(SourceError, match="does not follow it"):
        keys(source(login="me"))
    instagram.followed = {"sea"}
    assert keys(source(login="me")) == slides(3)


def test_a_login_is_required_at_once(source, instagram):
    instagram.profiles["sea"] = posts(3)
    instagram.faults = [Fault("/sea/", LOGIN_REDIRECT)]
    with pytest.raises(SourceError, match=r"logged in.*your own export; or save a session.*banned"):
        keys(source())


def test_a_login_is_required_after_some_posts_and_they_are_kept(source, instagram):
    instagram.profiles["sea"] = posts(8)
    instagram.faults = [Fault(POST_QUERY, LOGIN_REDIRECT, after=4)]
    taken = []
    with pytest.raises(SourceError, match="or save a session"):
        take(source().listings((), Watch()), taken)
    assert taken == slides(4)
    instagram.faults = []
    assert keys(source(), taken)[-4:] == slides(4, 5)


def test_a_session_that_has_ended(source, instagram):
    instagram.profiles["sea"] = posts(3)
    instagram.faults = [Fault(POSTS_QUERY, LOGIN_REDIRECT)]
    with pytest.raises(SourceError, match=r"ended the session.*save the session again"):
        keys(source(login="me"))


def test_no_session_of_that_user(source, instagram, folder):
    source(login="me")
    with pytest.raises(SourceError, match=r'No session of Instagram user "you".*me'):
        keys(InstagramSource("@sea", Options(login="you"), folder))
    assert not instagram.asked


def test_please_wait_a_few_minutes(source, instagram):
    instagram.profiles["sea"] = posts(3)
    instagram.faults = [Fault(POST_QUERY, PLEASE_WAIT)]
    with pytest.raises(SourceError, match=r"401.*instaloader \(4\.\d+.*pip install --upgrade"):
        keys(source())
    assert instagram.count(POST_QUERY) == 3


def test_a_checkpoint_ends_it_at_once(source, instagram):
    instagram.profiles["sea"] = posts(3)
    instagram.faults = [Fault(POSTS_QUERY, CHECKPOINT)]
    with pytest.raises(SourceError, match="checkpoint"):
        keys(source(login="me"))
    assert instagram.count(POSTS_QUERY) == 1


@LOGINS
def test_too_many_requests_twice_then_it_goes_on(source, instagram, passing, login):
    instagram.profiles["sea"] = posts(5)
    asks = POSTS_QUERY if login else POST_QUERY
    instagram.faults = [Fault(asks, TOO_MANY, times=2, after=1)]
    witness = Witness()
    assert keys(source(login=login), watch=witness.watch) == slides(5)
    assert any(note.startswith("Instagram asks to wait: 11:0") for note in witness.notes)
    assert passing.seconds > 1000 + 2 * 600


def test_too_many_requests_for_good(source, instagram):
    instagram.profiles["sea"] = posts(5)
    instagram.faults = [Fault(POST_QUERY, TOO_MANY, after=1)]
    with pytest.raises(SourceError, match=r"429.*goes on where it stopped"):
        keys(source())


def test_the_page_itself_is_asked_too_often(source, instagram):
    instagram.faults = [Fault("/sea/", TOO_MANY)]
    with pytest.raises(SourceError, match="429"):
        keys(source())


def test_the_long_wait_can_be_ended(source, instagram, passing):
    instagram.profiles["sea"] = posts(5)
    instagram.faults = [Fault(POST_QUERY, TOO_MANY, after=2)]
    witness = Witness(lambda: any("asks to wait: 8:0" in note for note in witness.notes))
    taken = []
    with pytest.raises(Cancelled):
        take(source().listings((), witness.watch), taken)
    instagram.faults = []
    assert keys(source(), taken)[-3:] == slides(3, 3)


def test_an_interrupt_that_instaloader_takes_for_skipping_ends_it(source, instagram):
    """During retries instaloader swallows KeyboardInterrupt; whoever watches knows better."""
    instagram.profiles["sea"] = posts(5)
    interrupts = []

    def is_over() -> bool:
        if instagram.count(POST_QUERY) >= 2 and not interrupts:
            interrupts.append("Ctrl-C")
            raise KeyboardInterrupt
        return bool(interrupts)

    instagram.faults = [Fault(POST_QUERY, Answer({"status": "fail"}, 500))]
    with pytest.raises(Cancelled):
        keys(source(), watch=Witness(is_over).watch)


def test_a_network_that_is_down_from_the_start(source, instagram):
    instagram.faults = [Fault("", requests.exceptions.ConnectionError("Name or service not known"))]
    with pytest.raises(SourceError, match=r"cannot be reached.*Check the network"):
        keys(source())


@pytest.mark.parametrize("body", ["<html>Log in</html>", '<script type="application/json">{"a": [}</script>', ""])
def test_a_page_that_holds_nothing(source, instagram, body):
    instagram.faults = [Fault("/sea/", Answer(body))]
    with pytest.raises(SourceError, match="users who are logged in"):
        keys(source())


@pytest.mark.parametrize(
    "answer",
    [Answer("<html>consent</html>"), Answer({"data": None}), Answer({"data": {"x": 1}}), Answer([1]), Answer("null")],
)
def test_an_answer_that_is_built_otherwise(source, instagram, answer):
    instagram.profiles["sea"] = posts(8)
    instagram.faults = [Fault(POSTS_QUERY, answer)]
    with pytest.raises(SourceError, match="does not understand"):
        keys(source(login="me"))


def test_nothing_is_printed(source, instagram, capfd):
    instagram.profiles["sea"] = posts(3)
    instagram.faults = [Fault(POST_QUERY, TOO_MANY, times=1)]
    keys(source())
    assert capfd.readouterr() == ("", "")
