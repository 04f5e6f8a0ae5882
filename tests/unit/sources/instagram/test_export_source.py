"""Instagram's own export: every layout, what may not be opened, what is missing or of another shape."""

import json
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photosearch.errors import Cancelled, PhotoError, SourceError
from photosearch.pictures.images import decode
from photosearch.records import Details, Failure, Listing, TextKind, Watch
from photosearch.sources.archive import Archives
from photosearch.sources.instagram import export_source
from photosearch.sources.instagram.export_parts import read_photo
from photosearch.sources.instagram.export_source import ExportSource
from photosearch.sources.source import Options
from tests.exports import (
    CAPTION,
    FLAGS,
    KEYS,
    MEDIA,
    NAME,
    OTHERS,
    POSTS,
    TAGS,
    dumps,
    export,
    export_2018,
    export_as_html,
    export_in_parts,
    large_export,
    medium,
    patch_directory,
    picture,
    post,
    put,
    write_zip,
)

LIMIT = 1_000_000
NO_COVER = "videos without a cover picture, since films are not read yet"
POSTS_FILE = "your_instagram_activity/media/posts_1.json"
PERSONAL_FILE = "personal_information/personal_information/personal_information.json"


def recognise(paths: Sequence[Path], options: Options) -> ExportSource | None:
    """The one source that some paths are, None if they are no export."""
    sources = export_source.recognise(paths, options)
    if sources is None:
        return None
    (source,) = sources
    return source


def also(*choices: str) -> Options:
    return Options(also=frozenset(choices))


def items(*paths: Path, options: Options = Options()) -> list[Listing | Failure]:  # noqa: B008
    source = recognise(paths, options)
    assert isinstance(source, ExportSource)
    return list(source.listings({}, Watch()))


def listings(*paths: Path, options: Options = Options()) -> dict[str, Listing]:  # noqa: B008
    found = items(*paths, options=options)
    assert not [item for item in found if isinstance(item, Failure)]
    return {item.source_key: item for item in found}


# Layouts


@pytest.mark.parametrize("top", ["", "instagram-anna-2024-01-31-abCD12/", "Downloads/instagram/"])
@pytest.mark.parametrize(
    "layout",
    ["content", "your_instagram_activity/content", "your_instagram_activity/media", "your_instagram_activity/posts"],
)
def test_every_layout_gives_the_same_photos(tmp_path, layout, top):
    path = export(tmp_path / "a.zip", layout=layout, top=top)
    found = listings(path)
    assert list(found) == KEYS
    with Archives() as archives:
        for key, item in found.items():
            assert item.address == str(path)
            assert read_photo(key, item.address, archives, LIMIT) == MEDIA[key]


def test_details_of_a_post_of_one_photo(tmp_path):
    (details, *_) = (item.details for item in listings(export(tmp_path / "a.zip")).values())
    assert details == Details(
        taken_at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        latitude=48.8566,
        longitude=2.3522,
        texts=(
            (TextKind.OWNER, CAPTION),
            *((TextKind.HASHTAG, tag) for tag in TAGS),
            (TextKind.MENTION, "anna.b"),
        ),
    )


def test_a_carousel_is_several_photos_of_one_text_and_its_video_is_skipped(tmp_path):
    source = recognise([export(tmp_path / "a.zip")], Options())
    (_, second, third) = source.listings({}, Watch())
    for item in (second, third):
        assert item.details.texts_of(TextKind.OWNER) == ["Drei Bilder"]
        assert item.details.taken_at == datetime(2023, 11, 13, 22, 13, 20, tzinfo=UTC)  # the post's, not the photo's
    assert source.omitted[NO_COVER] == ["media/posts/202310/4.mp4"]


def test_the_stamp_is_the_contents(tmp_path):
    (item, *_) = listings(export(tmp_path / "a.zip")).values()
    assert item.stamp == f"{zipfile.crc32(MEDIA[KEYS[0]]):08x}:{len(MEDIA[KEYS[0]])}"


def test_posts_of_several_files_come_in_their_order(tmp_path):
    files = {f"content/posts_{i}.json": dumps([post(medium(f"media/posts/{i}.jpg"))]) for i in (10, 2, 1)}
    path = write_zip(tmp_path / "a.zip", {**files, **{f"media/posts/{i}.jpg": b"x" for i in (1, 2, 10)}})
    assert list(listings(path)) == ["media/posts/1.jpg", "media/posts/2.jpg", "media/posts/10.jpg"]


@pytest.mark.parametrize("wrapped", [True, False])
def test_media_2018(tmp_path, wrapped):
    path = export_2018(tmp_path / "anna_20190131.zip")
    if wrapped:
        with zipfile.ZipFile(path) as file:
            members = {f"anna_20190131/{name}": file.read(name) for name in file.namelist()}
        write_zip(path, members)
    source = recognise([path], Options())
    first, second = source.listings({}, Watch())
    assert (source.collection, source.omitted[NO_COVER]) == ("anna", ["videos/201812/c.mp4"])
    assert (first.source_key, second.source_key) == ("photos/201812/a.jpg", "photos/201901/b.jpg")
    assert first.details == Details(
        taken_at=datetime(2018, 12, 31, 8, 5, 13),
        place="West End, Vancouver",
        texts=((TextKind.OWNER, "Au café #Paris"), (TextKind.HASHTAG, "Paris")),
    )
    assert second.details == Details(taken_at=datetime(2019, 1, 2, 3, 4, 5, tzinfo=UTC))
    with Archives() as archives:
        assert decode(read_photo(first.source_key, first.address, archives, LIMIT)).width_px == 32


def test_stories_2018_only_when_asked_for(tmp_path):
    path = export_2018(tmp_path / "a.zip")
    assert set(listings(path, options=also("stories"))) - set(listings(path)) == {"stories/201811/d.jpg"}


def test_photos_with_a_media_json_of_something_else_are_photos(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"media.json": "{}", "red.jpg": picture()})
    assert recognise([path], Options()) is None


# Choices


@pytest.fixture
def all_kinds(tmp_path) -> Path:
    def one(name: str) -> list[object]:
        return [medium(f"media/{name}/1.jpg", name)]

    folder = "your_instagram_activity/media"
    files = {
        f"{folder}/posts_1.json": dumps(one("posts")),
        f"{folder}/archived_posts.json": dumps({"ig_archived_post_media": [{"media": one("archived")}]}),
        f"{folder}/stories.json": dumps({"ig_stories": one("stories")}),
        f"{folder}/reels.json": dumps({"ig_reels_media": [{"media": [medium("media/reels/1.mp4", "reels")]}]}),
        f"{folder}/profile_photos.json": dumps({"ig_profile_picture": one("profile")}),
        f"{folder}/recently_deleted_content.json": dumps(one("deleted")),
    }
    names = ("posts", "archived", "stories", "reels", "profile", "deleted")
    return write_zip(tmp_path / "all.zip", {**files, **{f"media/{name}/1.jpg": picture() for name in names}})


@pytest.mark.parametrize("choices", [(), ("archived",), ("stories",), ("reels",), ("reels", "stories", "archived")])
def test_what_is_beside_posts_is_a_choice(all_kinds, choices):
    assert set(listings(all_kinds, options=also(*choices))) == {f"media/{name}/1.jpg" for name in ("posts", *choices)}


def test_a_video_has_the_cover_that_is_named(tmp_path):
    video = medium("media/posts/v.mp4", "Moving", thumbnail={"uri": "media/other/cover.jpg"})
    path = write_zip(tmp_path / "a.zip", {POSTS_FILE: dumps([post(video)]), "media/other/cover.jpg": b"x"})
    (found,) = listings(path).values()
    assert (found.source_key, found.details.texts_of(TextKind.OWNER)) == ("media/other/cover.jpg", ["Moving"])


def test_an_export_without_posts_says_what_it_has(all_kinds, tmp_path):
    name = "your_instagram_activity/media/stories.json"
    with zipfile.ZipFile(all_kinds) as file:
        path = write_zip(tmp_path / "stories.zip", {n: file.read(n) for n in (name, "media/stories/1.jpg")})
    with pytest.raises(SourceError, match="no posts, but stories"):
        recognise([path], Options())
    assert list(listings(path, options=also("stories"))) == ["media/stories/1.jpg"]


# Parts


def test_media_may_lie_in_another_part(tmp_path):
    first, second = export_in_parts(tmp_path)
    for paths in ((first, second), (second, first), (first, second, first)):
        found = listings(*paths)
        assert [Path(found[key].address) for key in KEYS] == [first, second, second]
    source = recognise([second, first], Options())
    assert source.collection == "anna.b"


def test_what_no_part_holds_is_told(tmp_path):
    first, _ = export_in_parts(tmp_path)
    source = recognise([first], Options())
    found = list(source.listings({}, Watch()))
    assert [item.source_key for item in found if isinstance(item, Listing)] == KEYS[:1]
    assert [item.source_key for item in found if isinstance(item, Failure)] == KEYS[1:]
    assert all("give all parts" in item.reason for item in found if isinstance(item, Failure))


def test_posts_that_parts_repeat_are_listed_once(tmp_path):
    first = export(tmp_path / "1.zip", layout="content")
    second = export(tmp_path / "2.zip")
    source = recognise([first, second], Options())
    assert [item.source_key for item in source.listings({}, Watch())] == KEYS
    assert source.omitted[NO_COVER] == ["media/posts/202310/4.mp4"]


def test_a_part_of_media_alone_says_what_is_missing(tmp_path):
    path = write_zip(tmp_path / "a.zip", {**MEDIA, **OTHERS})
    with pytest.raises(SourceError, match="Give all parts"):
        recognise([path], Options())


def test_exports_of_several_users_are_refused(tmp_path):
    paths = [export(tmp_path / f"instagram-{name}-2024-01-31-x.zip") for name in ("anna", "bert")]
    with pytest.raises(SourceError, match="anna, bert"):
        recognise(paths, Options())


@pytest.mark.parametrize(
    ("name", "collection"),
    [
        ("instagram-anna.b_1-2024-01-31-abCD12.zip", "anna.b_1"),
        ("instagram-anna-20221116.zip", "anna"),
        ("instagram-anna-20221116-part2 (1).zip", "anna"),
        ("anna_b_20181016_part_1.zip", "anna_b"),
        ("anna_20181016.zip", "anna"),
        ("my export.zip", "my export"),
    ],
)
def test_the_collection_is_the_users(tmp_path, name, collection):
    source = recognise([export(tmp_path / name)], Options())
    assert (source.kind, source.collection, source.described) == ("export", collection, False)
    assert not source.covers(KEYS[0])


# What is opened


@pytest.mark.parametrize("options", [Options(), also("archived", "stories", "reels")])
@pytest.mark.parametrize("name", [NAME, "a.zip"])
def test_only_posts_are_opened_and_the_users_name_where_no_path_says_it(tmp_path, monkeypatch, name, options):
    opened = []
    really = zipfile.ZipFile.open
    monkeypatch.setattr(
        zipfile.ZipFile, "open", lambda self, info, *a, **b: opened.append(info.filename) or really(self, info, *a, **b)
    )
    path = export(tmp_path / name)
    del opened[:]  # writing opens, too
    found = listings(path, options=options)
    lists = [POSTS_FILE] if name == NAME else [PERSONAL_FILE, POSTS_FILE]
    assert opened == lists
    with Archives() as archives:
        read_photo(KEYS[0], found[KEYS[0]].address, archives, LIMIT)
    assert opened == [*lists, KEYS[0]]


def test_a_message_is_not_read_even_where_a_post_names_it(tmp_path):
    path = export(tmp_path / "a.zip", [post(medium("your_instagram_activity/messages/inbox/anna_1/photos/9.jpg"))])
    (failure,) = items(path)
    assert isinstance(failure, Failure)


# Bad input


@pytest.mark.parametrize(
    "uri",
    [
        *("../../etc/a.jpg", "/etc/a.jpg", "C:/a.jpg", "https://example.org/a.jpg", "a\\b.jpg"),
        *("../../etc/passwd", "/etc/a.mp4", "media/posts/202311", "media/posts/202311/page.html"),
    ],
)
def test_odd_paths_are_told_and_are_no_videos(tmp_path, uri):
    found = items(export(tmp_path / "a.zip", [post(medium(uri)), *POSTS]))
    assert [item.source_key for item in found if isinstance(item, Failure)] == [uri]
    assert [item.source_key for item in found if isinstance(item, Listing)] == KEYS


def test_refused_media_are_told(tmp_path):
    path = patch_directory(export(tmp_path / "a.zip"), KEYS[0], put(*FLAGS, 1))
    found = items(path)
    assert [item for item in found if isinstance(item, Failure)] == [Failure(KEYS[0], "it is protected by a password")]
    assert len(found) == 3


@pytest.mark.parametrize("bad", [b"", b"{", b"[1, 2]", b"{}", b'"x"', b"7", b"\xff\xfe", b"[" * 100_000, b'[{"a": 1}]'])
def test_a_bad_file_is_told_and_the_rest_listed(tmp_path, bad):
    path = write_zip(tmp_path / "a.zip", {"content/posts_1.json": bad, "content/posts_2.json": dumps(POSTS), **MEDIA})
    *good, failure = items(path)
    assert [item.source_key for item in good] == KEYS
    assert failure.source_key == "a.zip/content/posts_1.json"
    alone = write_zip(tmp_path / "b.zip", {"content/posts_1.json": bad, **MEDIA})
    with pytest.raises(SourceError, match="posts_1"):
        items(alone)


def test_entries_of_another_shape_are_counted(tmp_path):
    *good, failure = items(export(tmp_path / "a.zip", [*POSTS, 7, {"media": []}]))
    assert ([item.source_key for item in good], failure.reason[:2]) == (KEYS, "2 ")


def test_no_posts_at_all_are_no_failure(tmp_path):
    assert items(export(tmp_path / "a.zip", [])) == []


def test_a_file_of_posts_that_is_too_large_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(export_source, "MAX_JSON_BYTES", 1_000)
    with pytest.raises(SourceError, match="larger than"):
        items(export(tmp_path / "a.zip", POSTS * 10))


NAMES = (
    "media uri path title caption creation_timestamp taken_at location name label_values label value dict thumbnail"
    " string_map_data media_map_data media_metadata photo_metadata exif_data latitude photos x"
).split()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(KEYS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON, st.sampled_from([POSTS_FILE, "media.json"]))
def test_no_json_ends_in_another_error(tmp_path, document, name):
    path = write_zip(tmp_path / "a.zip", {name: json.dumps(document), "photos/201812/a.jpg": b"x", **MEDIA})
    try:
        found = items(path, options=also("archived", "stories", "reels"))
    except SourceError:
        return
    for item in found:
        assert item.source_key.encode("utf-8")
        if isinstance(item, Listing):
            assert item.source_key in (*KEYS, "photos/201812/a.jpg")


# What it is


def test_an_export_of_web_pages_is_refused_with_the_way_to_another(tmp_path):
    with pytest.raises(SourceError, match=r"Accounts Center > .* > Export your information, and choose Format: JSON"):
        recognise([export_as_html(tmp_path / "a.zip")], Options())
    old = write_zip(tmp_path / "b.zip", {"index.html": "", "personal_information/x.html": "", **MEDIA})
    with pytest.raises(SourceError, match="web pages"):
        recognise([old], Options())


def test_a_gallery_of_ones_own_is_photos(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"index.html": "", "red.jpg": picture()})
    assert recognise([path], Options()) is None


def test_what_is_no_zip_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"no ZIP")
    with pytest.raises(SourceError, match="is no ZIP"):
        recognise([export(tmp_path / "b.zip"), path], Options())


# Time goes by


def test_photos_are_read_by_several_threads(tmp_path):
    path = large_export(tmp_path / "a.zip", 60)
    found = listings(path).values()
    assert len(found) == 100
    with Archives() as archives, ThreadPoolExecutor(8) as threads:
        read = threads.map(lambda item: read_photo(item.source_key, item.address, archives, LIMIT), found)
        assert [f"{zipfile.crc32(data):08x}:{len(data)}" for data in read] == [item.stamp for item in found]


def test_an_export_that_changed_or_went_is_told(tmp_path):
    path = export(tmp_path / "a.zip", top="instagram-anna/")
    with Archives() as archives:
        read_photo(KEYS[0], str(path), archives, LIMIT)
        write_zip(path, {f"elsewhere/{KEYS[1]}": b"x"})
        assert read_photo(KEYS[1], str(path), archives, LIMIT) == b"x"
        with pytest.raises(PhotoError, match="no longer holds it"):
            read_photo(KEYS[0], str(path), archives, LIMIT)
        path.unlink()
        with pytest.raises(PhotoError, match="Put it back"):
            read_photo(KEYS[0], str(path), archives, LIMIT)


def test_an_export_that_goes_before_it_is_listed_is_told(tmp_path):
    source = recognise([path := export(tmp_path / "a.zip")], Options())
    path.unlink()
    with pytest.raises(SourceError):
        next(iter(source.listings({}, Watch())))


def test_the_one_who_watches_may_end_it(tmp_path):
    answers = iter([False, False, True])
    found = recognise([export(tmp_path / "a.zip")], Options()).listings({}, Watch(is_cancelled=lambda: next(answers)))
    with pytest.raises(Cancelled):
        next(found)
