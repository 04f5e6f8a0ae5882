"""What the files of an export tell about photos: shapes of posts, broken texts, facts that are none."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosearch.records import Details, TextKind
from photosearch.sources.instagram.export_posts import join_details, read_posts
from photosearch.sources.instagram.export_text import text_of, texts_of
from tests.exports import CAPTION, KEYS, POSTS, TAGS, TAKEN, broken, dumps, labelled_post, mapped_post, medium


def details_of(*posts: object) -> list[Details]:
    """What is told of the media in posts."""
    return [medium.details for medium in read_posts(dumps(list(posts))).media]


# Shapes


def test_labelled_posts():
    (details,) = details_of(labelled_post(KEYS[0]))
    assert details.texts_of(TextKind.OWNER) == [CAPTION]
    assert details.texts_of(TextKind.HASHTAG) == list(TAGS)
    assert details.taken_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert (details.permalink, details.place) == ("https://www.instagram.com/p/Cabc_-1/", "Café Möwe")
    assert (details.latitude, details.longitude) == (52.5, 13.4)


def test_mapped_posts():
    (details,) = details_of(mapped_post(KEYS[0]))
    assert details.texts_of(TextKind.OWNER) == [CAPTION]
    assert details.taken_at == datetime(2023, 11, 14, 22, 13, 15, tzinfo=UTC)


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
    assert details.taken_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("at", [(0, 0), (91, 0), (1, 181), ("x", 1), (float("nan"), 1), (None, 1), (10**400, 1)])
def test_places_that_are_none_are_left_out(at):
    exif = {"photo_metadata": {"exif_data": [{"latitude": at[0], "longitude": at[1]}]}}
    assert details_of({"uri": KEYS[0], "media_metadata": exif}) == [Details()]


# Any language: what a value is shows its place and form

PLACE_LABELS = {  # label of the name, latitude, longitude, and the group's title
    "Finnish": ("Nimi", "Leveysaste", "Pituusaste", "Sijainti"),
    "Japanese": ("名前", "緯度", "経度", "場所"),
    "Arabic": ("الاسم", "خط العرض", "خط الطول", "الموقع"),
    "Turkish": ("Ad", "Enlem", "Boylam", "Konum"),
    "Polish": ("Nazwa", "Szerokość geograficzna", "Długość geograficzna", "Lokalizacja"),
    "Hindi": ("नाम", "अक्षांश", "देशांतर", "स्थान"),
}


def post_in(name: str, latitude: str, longitude: str, title: str, *, comma: bool = False) -> dict:
    at = ("52,5", "13,4") if comma else ("52.5", "13.4")
    inner = [(name, "Café Möwe"), (latitude, at[0]), (longitude, at[1])]
    values = [{"label": broken(label), "value": broken(value)} for label, value in inner]
    return {
        "timestamp": TAKEN,
        "label_values": [
            {"label": broken("x" + name), "value": "https://www.instagram.com/p/Cabc_-1/", "href": "x"},
            {"label": broken("y" + name), "value": broken(CAPTION)},
            {"label": broken("z" + name), "timestamp_value": TAKEN},
            {"label": broken("n" + name), "value": "17"},
            {"label": broken("m" + name), "media": [{"uri": KEYS[0]}]},
            {"title": broken(title), "dict": [{"title": "", "dict": values}]},
        ],
    }


@pytest.mark.parametrize("comma", [False, True])
@pytest.mark.parametrize("language", PLACE_LABELS)
def test_a_caption_and_a_place_are_known_in_any_language(language, comma):
    (details,) = details_of(post_in(*PLACE_LABELS[language], comma=comma))
    assert details.texts_of(TextKind.OWNER) == [CAPTION]
    assert (details.place, details.latitude, details.longitude) == ("Café Möwe", 52.5, 13.4)
    assert details.permalink == "https://www.instagram.com/p/Cabc_-1/"


@pytest.mark.parametrize(
    "value", ["https://example.org/a", "17", "2024-01-31 10:00", "me@example.org", "a/b.jpg", "- 7 -"]
)
def test_a_link_an_address_or_a_number_is_no_caption(value):
    labels = [{"label": "?", "value": value}, {"label": "?", "media": [{"uri": KEYS[0]}]}]
    assert details_of({"label_values": labels}) == [Details()]


def test_a_map_of_labels_in_any_language():
    post = mapped_post(KEYS[0])
    post["string_map_data"] = {broken("Kuvateksti"): post["string_map_data"]["Caption"]}
    (details,) = details_of(post)
    assert details.texts_of(TextKind.OWNER) == [CAPTION]


# Lists that overlap, texts that are cut, clocks


def test_two_lists_of_one_photo_are_joined():
    first = Details(permalink="p", texts=texts_of("Sea #one"))
    second = Details(
        place="Brighton",
        latitude=50.8,
        longitude=-0.1,
        taken_at=datetime(2024, 1, 1),
        texts=texts_of("Sea #one and #two"),
    )
    joined = join_details(first, second)
    assert joined.texts_of(TextKind.OWNER) == ["Sea #one and #two"]
    assert joined.texts_of(TextKind.HASHTAG) == ["one", "two"]
    assert (joined.permalink, joined.place, joined.latitude, joined.taken_at) == (
        "p",
        "Brighton",
        50.8,
        datetime(2024, 1, 1),
    )
    assert join_details(second, first) == joined
    other = join_details(first, Details(texts=texts_of("Another text")))
    assert other.texts_of(TextKind.OWNER) == ["Sea #one", "Another text"]
    assert join_details(first, first) == first


def test_a_text_that_was_cut_is_repaired_elsewhere():
    for text in ("Grüße ✨ aus Köln", "日本語"):
        cut = broken(text)[:-1]
        (details,) = details_of({"uri": KEYS[0], "title": cut})
        (found,) = details.texts_of(TextKind.OWNER)
        assert found.startswith(text[:2])
        assert "Ã" not in found
        assert "æ" not in found


@given(st.text(st.characters(codec="utf-8", min_codepoint=0x400, max_codepoint=0xFFFF), min_size=3), st.integers(1, 2))
def test_all_but_the_cut_character_is_repaired(text, n_lost):
    assert text_of(broken(text)[:-n_lost] + "!").startswith(text[:-1].strip()[:1])
    assert text_of(broken(text)[:-n_lost]).replace("\ufffd", "")[: len(text) - 2] == text[:-1].strip()[: len(text) - 2]


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("20230601T101500", datetime(2023, 6, 1, 10, 15)),
        ("20230601T101500.000", datetime(2023, 6, 1, 10, 15)),
        ("2023:06:01 10:15:00", datetime(2023, 6, 1, 10, 15)),
        ("20330601T101500", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),  # after the post: a wrong clock
        ("00000000T000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("soon", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (7, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
    ],
)
def test_the_cameras_time_counts_more_than_the_posts(written, taken):
    exif = {"photo_metadata": {"exif_data": [{"date_time_original": written}]}}
    (details,) = details_of({"uri": KEYS[0], "creation_timestamp": TAKEN, "media_metadata": exif})
    assert details.taken_at == taken


def test_a_huge_text_without_blanks_is_read_in_time():
    caption = "a@b." * 500_000
    started = time.process_time()
    (details,) = details_of(
        {"label_values": [{"label": "?", "value": caption}, {"label": "?", "media": [{"uri": "a.jpg"}]}]}
    )
    assert details.texts_of(TextKind.OWNER) == [caption]
    assert time.process_time() - started < 20
