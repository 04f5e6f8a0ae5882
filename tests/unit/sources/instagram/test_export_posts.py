"""What the files of an export tell about photos: shapes of posts, broken texts, facts that are none."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosearch.records import Details, TextKind
from photosearch.sources.instagram.export_posts import read_posts, texts_of
from tests.exports import CAPTION, KEYS, POSTS, TAGS, TAKEN, broken, dumps, labelled_post, mapped_post, medium


def details_of(*posts: object) -> list[Details]:
    """What is told of the media in posts."""
    return [medium.details for medium in read_posts(dumps(list(posts))).media]


# Shapes


def test_labelled_posts():
    (details,) = details_of(labelled_post(KEYS[0]))
    assert details.texts_of(TextKind.OWNER) == [CAPTION]
    assert details.texts_of(TextKind.HASHTAG) == list(TAGS)
    assert details.taken_at == datetime(2023, 11, 14, 22, 13, 20)
    assert (details.permalink, details.place) == ("https://www.instagram.com/p/Cabc_-1/", "Café Möwe")
    assert (details.latitude, details.longitude) == (52.5, 13.4)


def test_mapped_posts():
    (details,) = details_of(mapped_post(KEYS[0]))
    assert details.texts_of(TextKind.OWNER) == [CAPTION]
    assert details.taken_at == datetime(2023, 11, 14, 22, 13, 15)


@pytest.mark.parametrize("key", ["ig_archived_post_media", "ig_stories", "ig_reels_media", "media"])
def test_posts_in_an_object(key):
    assert [m.uri for m in read_posts(dumps({key: POSTS})).media] == [*KEYS, "media/posts/202310/4.mp4"]
    single = {key: [medium(KEYS[0], "One"), medium(KEYS[1], "Two")]}
    assert [m.details.texts_of(TextKind.OWNER) for m in read_posts(dumps(single)).media] == [["One"], ["Two"]]


def test_a_file_of_one_post():
    assert [m.uri for m in read_posts(dumps(POSTS[1])).media] == [*KEYS[1:], "media/posts/202310/4.mp4"]


# Texts


def test_a_text_that_is_right_stays_so():
    for text in ("Grüße 日本 ✨", "Ã ohne Fortsetzung", "plain", "naïve"):
        (details,) = details_of({"media": [{"uri": KEYS[0], "title": text}]})
        assert details.texts_of(TextKind.OWNER) == [text]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(lambda t: t == t.strip()))
def test_every_broken_text_is_mended(text):
    (found,) = read_posts(dumps([{"uri": "a.jpg", "title": broken(text)}])).media
    assert found.details.texts_of(TextKind.OWNER) == [text]


def test_half_a_character_can_be_stored():
    (details,) = details_of({"uri": KEYS[0], "title": "a \ud83d b\0"})
    assert details.texts_of(TextKind.OWNER) == ["a ? b"]


@pytest.mark.parametrize(
    ("caption", "tags", "names"),
    [
        ("#one#two #one, (#three).", ["one", "two", "three"], []),
        ("# #1 a#b x/#c &#39; #4ever #2020 #🐶", ["4ever", "🐶"], []),
        ("#हिन्दी #mañana_2 #Größe! #東京、#京都", ["हिन्दी", "mañana_2", "Größe", "東京", "京都"], []),
        ("#Sun #sun", ["Sun"], []),
        ("@anna, @b_c.d. mail@example.org @", [], ["anna", "b_c.d"]),
    ],
)
def test_tags_and_mentions(caption, tags, names):
    details = Details(texts=texts_of(caption))
    assert (details.texts_of(TextKind.HASHTAG), details.texts_of(TextKind.MENTION)) == (tags, names)


# Facts that are none


@pytest.mark.parametrize("taken", [None, 0, -5, True, "soon", 1e300, 10**400, "²", [], {}])
def test_a_time_that_is_none_is_left_out(taken):
    assert details_of({"uri": KEYS[0], "creation_timestamp": taken}) == [Details()]


@pytest.mark.parametrize("taken", [TAKEN, str(TAKEN), float(TAKEN), TAKEN * 1000])
def test_times(taken):
    (details,) = details_of({"media": [{"uri": KEYS[0], "creation_timestamp": taken}]})
    assert details.taken_at == datetime(2023, 11, 14, 22, 13, 20)


@pytest.mark.parametrize("at", [(0, 0), (91, 0), (1, 181), ("x", 1), (float("nan"), 1), (None, 1), (10**400, 1)])
def test_places_that_are_none_are_left_out(at):
    exif = {"photo_metadata": {"exif_data": [{"latitude": at[0], "longitude": at[1]}]}}
    assert details_of({"uri": KEYS[0], "media_metadata": exif}) == [Details()]
