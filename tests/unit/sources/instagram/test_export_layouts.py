"""An export as people have it: ZIPs, folders, parts of both; what is no whole export; what never comes in."""

import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from photosearch.errors import PhotoError, PhotosearchError, SourceError
from photosearch.records import Failure, Listing, TextKind, Watch
from photosearch.sources import Options, find_sources
from photosearch.sources.archive import Archives
from photosearch.sources.instagram.export_layout import is_private
from photosearch.sources.instagram.export_parts import read_photo
from tests.exports import (
    CAPTION,
    KEYS,
    LAYOUTS,
    MEDIA,
    NAME,
    OTHERS,
    POSTS,
    POSTS_FOLDER,
    PRIVATE,
    dumps,
    export,
    export_2018,
    export_as_html,
    export_in_parts,
    export_of_two,
    medium,
    picture,
    post,
    unpack,
    write_zip,
)
from tests.fuzz.exports import EXAMPLES, Listed

LIMIT = 1_000_000
LISTS = f"{POSTS_FOLDER}/posts_1.json"


def find(*paths: Path, **options):
    return find_sources([str(path) for path in paths], Path("/nowhere"), Options(**options))


def listed(source, known=None) -> dict[str, Listing]:
    found = list(source.listings(known or {}, Watch()))
    assert not [item for item in found if isinstance(item, Failure)]
    return {item.source_key: item for item in found}


def uploaded(workspace, *paths: Path, collection=None):
    return workspace.upload([(path.name, io.BytesIO(path.read_bytes())) for path in paths], collection)


def split(path: Path, first: Path, second: Path) -> list[Path]:
    """An export of 2018 in two parts: the lists and the posts' pictures in the first."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    with_list = {name: data for name, data in members.items() if "/" not in name or name.startswith("photos/201812")}
    return [
        write_zip(first, with_list),
        write_zip(second, {name: data for name, data in members.items() if name not in with_list}),
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_photos(tmp_path, layout):
    (source,) = find(*LAYOUTS[layout](tmp_path))
    found = listed(source)
    assert sorted(found) == sorted(KEYS)
    assert (source.kind, found[KEYS[0]].details.texts_of(TextKind.OWNER)) == ("export", [CAPTION])
    with Archives() as archives:
        for key, item in found.items():
            assert read_photo(key, item.address, archives, LIMIT) == MEDIA[key]
    assert source.notes == (
        "Left out: pictures in messages, which are never read: 1.",
        "Left out: videos without a cover picture, since films are not read yet: 1 (media/posts/202310/4.mp4).",
    )


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "unpacked"])
def test_the_collection_is_named_after_the_account(tmp_path, layout):
    (source,) = find(*LAYOUTS[layout](tmp_path))
    assert source.collection == "anna.b"


def test_two_accounts_in_one_zip_are_two_collections(tmp_path):
    sources = find(export_of_two(tmp_path / "both.zip"))
    assert [source.collection for source in sources] == ["anna", "bert"]
    with Archives() as archives:
        for source in sources:
            (item,) = listed(source).values()
            assert read_photo(item.source_key, item.address, archives, LIMIT)


def test_two_accounts_without_names_are_refused(tmp_path):
    one = {LISTS: dumps(POSTS), **MEDIA}
    path = write_zip(tmp_path / "a.zip", {f"{top}/{name}": data for top in "xy" for name, data in one.items()})
    with pytest.raises(SourceError, match=r"several exports \(x/, y/\).* one at a time"):
        find(path)


def test_the_other_accounts_picture_is_not_taken(tmp_path):
    tops = ("instagram-anna-2024-01-31-x/", "instagram-bert-2024-01-31-y/")
    members = {f"{top}{LISTS}": dumps(POSTS[:1]) for top in tops} | {tops[1] + KEYS[0]: MEDIA[KEYS[0]]}
    anna, bert = find(write_zip(tmp_path / "both.zip", members))
    assert [type(item) for item in anna.listings({}, Watch())] == [Failure]
    assert list(listed(bert)) == KEYS[:1]


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_part_of_media_alone_is_no_pile_of_photos(tmp_path, is_folder):
    path = write_zip(tmp_path / "instagram-anna-2024-01-31-x.zip", {**MEDIA, "media/stories/202401/1.jpg": picture()})
    with pytest.raises(SourceError, match=r"a part of an Instagram export without its posts. Give all parts"):
        find(unpack(path, tmp_path / "unpacked") if is_folder else path)


def test_a_list_alone_says_what_is_missing(tmp_path):
    path = tmp_path / "posts_1.json"
    path.write_bytes(dumps(POSTS))
    with pytest.raises(SourceError, match=r"pictures are not in it. Give the whole export"):
        find(path)
    whole = unpack(export(tmp_path / NAME), tmp_path / "whole")
    with pytest.raises(SourceError, match=r'Add the folder ".*whole"'):
        find(whole / LISTS)


def test_a_list_of_addresses_is_still_one(tmp_path):
    path = tmp_path / "url_list_x.json"
    path.write_text('["https://example.org/a.jpg"]')
    (source,) = find(path)
    assert source.kind == "url"


def test_a_part_that_came_later_ends_the_complaint(tmp_path):
    first, second = export_in_parts(tmp_path)
    (alone,) = find(first)
    assert [item.source_key for item in alone.listings({}, Watch()) if isinstance(item, Failure)] == KEYS[1:]
    (both,) = find(first, second)
    known = {key: item.address for key, item in listed(both).items()}
    (again,) = find(first)
    assert {key: item.address for key, item in listed(again, known).items()} == known
    second.unlink()
    assert [item.source_key for item in again.listings(known, Watch()) if isinstance(item, Failure)] == KEYS[1:]


def test_a_folder_with_other_pictures_leaves_the_export_out_and_says_so(tmp_path):
    unpack(export(tmp_path / NAME), tmp_path / "photos" / "old" / "instagram")
    (tmp_path / "photos" / "cat.jpg").write_bytes(picture())
    (source,) = find(tmp_path / "photos")
    items = list(source.listings({}, Watch()))
    assert [Path(item.source_key).name for item in items] == ["cat.jpg", "instagram"]
    assert "add this folder by itself" in items[1].reason


def test_a_folder_of_photos_is_one(tmp_path):
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.jpg").write_bytes(picture())
    (source,) = find(tmp_path)
    assert source.kind == "folder"


# What never comes in

PRIVATE_PATHS = [
    "your_instagram_activity/messages/inbox/a_1/photos/1.jpg",
    "media/recently_deleted/202401/1.jpg",
    "media/profile/202401/1.jpg",
    "media/drafts/202401/1.jpg",
    "media/ads/202401/1.jpg",
    "media/direct/202401/1.jpg",
]


@pytest.mark.parametrize("is_named", [False, True])
@pytest.mark.parametrize("layout", ["zip", "folder", "upload"])
def test_private_pictures_never_come_in(tmp_path, workspace, layout, is_named):
    posts = [*POSTS, *(post(medium(uri)) for uri in PRIVATE_PATHS)] if is_named else POSTS
    members = {LISTS: dumps(posts), **MEDIA, **OTHERS, **{name: picture("blue") for name in PRIVATE_PATHS}}
    path = write_zip(tmp_path / NAME, members)
    if layout == "upload":
        report = uploaded(workspace, path)[0].report
        assert report.n_new == len(KEYS)
        notes, failures = report.notes, report.failures
    else:
        (source,) = find(unpack(path, tmp_path / "whole") if layout == "folder" else path)
        items = list(source.listings({}, Watch()))
        assert sorted(item.source_key for item in items if isinstance(item, Listing)) == sorted(KEYS)
        notes, failures = source.notes, [item for item in items if isinstance(item, Failure)]
    assert len(failures) == len(PRIVATE_PATHS) * is_named
    assert "Left out: profile pictures, which are never read: 1." in notes
    assert sum("never read" in note for note in notes) == 5
    assert not any("1.jpg" in note or PRIVATE in note for note in notes if "never read" in note)


def test_stories_named_by_a_list_of_posts_come_in_on_request_only(tmp_path):
    story = "media/stories/202401/1.jpg"
    path = write_zip(tmp_path / NAME, {LISTS: dumps([post(medium(story))]), story: picture()})
    (source,) = find(path)
    (failure,) = source.listings({}, Watch())
    assert "belongs to stories" in failure.reason
    (source,) = find(path, also=frozenset({"stories"}))
    assert list(listed(source)) == [story]


# Time goes by


def test_a_zip_that_changes_while_it_is_read_is_told_when_its_photos_are_read(tmp_path, monkeypatch):
    path = export(tmp_path / NAME)
    really = Archives.read

    def read(archives, zip_path, name, max_bytes):
        data = really(archives, zip_path, name, max_bytes)
        write_zip(path, {"x/y.jpg": b"z"})
        return data

    monkeypatch.setattr(Archives, "read", read)
    (source,) = find(path)
    found = listed(source)
    monkeypatch.undo()
    assert sorted(found) == sorted(KEYS)
    with Archives() as archives, pytest.raises(PhotoError, match="no longer holds it"):
        read_photo(KEYS[0], found[KEYS[0]].address, archives, LIMIT)


# Folders may hold anything


@pytest.mark.skipif(os.name != "posix", reason="links and pipes")
@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "gone"])
def test_what_is_no_file_is_named(tmp_path, kind):
    folder = unpack(export(tmp_path / NAME), tmp_path / "whole")
    path = folder / KEYS[0]
    path.unlink()
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(picture())
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    (source,) = find(folder)
    (failure,) = [item for item in source.listings({}, Watch()) if isinstance(item, Failure)]
    assert failure.source_key == KEYS[0]
    assert ("special file" in failure.reason) == (kind in ("link", "pipe"))


def test_a_folder_that_goes_before_it_is_listed(tmp_path):
    folder = unpack(export(tmp_path / NAME), tmp_path / "whole")
    (source,) = find(folder)
    shutil.rmtree(folder)
    with pytest.raises(SourceError, match="Put it back"):
        next(iter(source.listings({}, Watch())))


# Uploads


@pytest.mark.parametrize("in_parts", [False, True])
def test_an_uploaded_export_is_its_posts(tmp_path, workspace, in_parts):
    paths = export_in_parts(tmp_path) if in_parts else [export(tmp_path / NAME)]

    (added,) = uploaded(workspace, *paths)
    assert (added.collection, added.report.n_new, added.report.failures) == ("anna.b", 3, ())
    assert {photo.owner_text for photo in workspace.library.photos("anna.b")} == {CAPTION, "Drei Bilder"}
    assert uploaded(workspace, *paths)[0].report.n_unchanged == 3


def test_an_uploaded_part_without_posts_is_refused_and_others_are_kept(tmp_path, workspace):
    _, part = export_in_parts(tmp_path)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("trip/red.jpg", picture())
    (tmp_path / "trip.zip").write_bytes(out.getvalue())
    (report,) = [added.report for added in uploaded(workspace, part, tmp_path / "trip.zip")]
    (failure,) = report.failures
    assert report.n_new == 1
    assert "Give all parts" in failure.reason
    assert str(tmp_path) not in failure.reason


def test_an_uploaded_export_is_named_after_its_account_and_photos_beside_it_are_not(tmp_path, workspace):
    trip = write_zip(tmp_path / "trip.zip", {"a.jpg": picture("green")})
    found = uploaded(workspace, export(tmp_path / NAME), trip)
    assert {added.collection: added.report.n_new for added in found} == {"uploads": 1, "anna.b": 3}


def test_uploads_of_two_accounts_are_two_collections_as_with_add(tmp_path, workspace):
    both = export_of_two(tmp_path / "both.zip")
    assert [(added.collection, added.report.n_new) for added in uploaded(workspace, both)] == [("anna", 1), ("bert", 1)]
    with pytest.raises(PhotosearchError, match=r"several collections \(anna, bert\)"):
        uploaded(workspace, both, collection="c")
    others = [export(tmp_path / f"instagram-{name}-2024-01-31-x.zip") for name in ("carl", "dora")]
    ((failure,),) = [added.report.failures for added in uploaded(workspace, *others)]
    assert "exports of several users (carl, dora)" in failure.reason


def zips_of(paths: list[Path], folder: Path) -> list[Path]:
    """An export as only ZIPs can be uploaded: its folders packed."""
    return [
        path
        if path.is_file()
        else write_zip(
            folder / f"{path.name} packed.zip",
            {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()},
        )
        for path in paths
    ]


@pytest.mark.parametrize("layout", [*LAYOUTS, "two", "html", "2018", "2018 without its list", "2018 in parts"])
def test_nothing_private_comes_in_by_an_upload(tmp_path, workspace, layout):
    old = export_2018(tmp_path / "anna.b_20190316.zip")
    parts = split(old, tmp_path / "anna.b_20190316_part_1.zip", tmp_path / "anna.b_20190316_part_2.zip")
    own = {
        "two": lambda: [export_of_two(tmp_path / "both.zip")],
        "html": lambda: [export_as_html(tmp_path / "web.zip")],
        "2018": lambda: [old],
        "2018 without its list": lambda: [parts[1]],
        "2018 in parts": lambda: parts,
    }
    paths = own[layout]() if layout in own else zips_of(LAYOUTS[layout](tmp_path), tmp_path)
    reports = [added.report for added in uploaded(workspace, *paths)]
    photos = [photo for info in workspace.library.collections() for photo in workspace.library.photos(info.name)]
    assert [photo.source_key for photo in photos if is_private(photo.source_key)] == []
    n_new = {"two": 2, "html": 0, "2018": 2, "2018 without its list": 0, "2018 in parts": 2}
    assert len(photos) == sum(report.n_new for report in reports) == n_new.get(layout, len(KEYS))


def test_a_part_with_nothing_but_messages_or_profile_pictures_is_no_zip_of_photos(tmp_path, workspace):
    for folder in ("messages/inbox/anna_1/photos", "direct/201811", "profile/201811", "x/messages/archived_threads/a"):
        members = {f"{folder}/1.jpg": picture()}
        for path in (one := write_zip(tmp_path / "1.zip", members), unpack(one, tmp_path / folder[:3] / "u")):
            with pytest.raises(SourceError, match="a part of an Instagram export without its posts"):
                find(path)
        (report,) = [added.report for added in uploaded(workspace, one)]
        assert (report.n_new, len(report.failures)) == (0, 1)


@settings(max_examples=50)
@given(EXAMPLES)
def test_damaged_exports_give_nothing_private_and_lose_nothing_in_silence(example):
    """`make fuzz` tries more."""
    Listed()(example)
