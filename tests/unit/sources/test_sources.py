"""Where photos come from: what is listed, what is left out, what cannot be read."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest

from photosearch.errors import PhotoError, SourceError
from photosearch.library import Pending
from photosearch.pictures.images import decode
from photosearch.pipeline.adding import AddRequest
from photosearch.records import UNWATCHED, Failure, Listing, TextKind
from photosearch.settings import Settings
from photosearch.sources import NO_OPTIONS, Options, Source, demo, find_sources
from photosearch.sources.demo import DemoSource
from photosearch.sources.folder import FolderSource
from photosearch.sources.left_out import LINK_LOOP
from photosearch.sources.reading import Reader
from tests.conftest import jpeg
from tests.unit.pictures.test_xmp import items, packet

LIMIT = 1000


def names(source: FolderSource, root: Path) -> list[str]:
    return [
        str(Path(item.source_key).relative_to(root))
        for item in source.listings((), UNWATCHED)
        if isinstance(item, Listing)
    ]


def failures(source: FolderSource) -> list[Failure]:
    return [item for item in source.listings((), UNWATCHED) if isinstance(item, Failure)]


def find(name: str) -> Source:
    (source,) = find_sources([name], Path("library"), NO_OPTIONS)
    return source


def read(kind: str, key: str, limit: int, address: str | None = None) -> bytes:
    with Reader(Settings(Path("library"))) as reader:
        content = reader.read(Pending("id", kind, key, "", address), limit)
    assert content is not None
    return content.data


# What a person types


def test_demo_is_the_demo_and_a_path_a_folder(tmp_path):
    assert isinstance(find("demo"), DemoSource)
    source = find(str(tmp_path))
    assert (source.kind, source.collection) == ("folder", tmp_path.name)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "holidays").mkdir()
    assert find("~/holidays").collection == "holidays"


@pytest.mark.parametrize(
    "form",
    [
        '"{}"',
        "'{}'",
        " “{}” ",
        "file://{url}",
        "file://localhost{url}",
        '"file://{url}"',
        "{escaped}",
        "{}/",
        "FILE://{url}",
    ],
)
def test_a_path_is_found_as_it_is_pasted(tmp_path, form):
    folder = tmp_path / "two words & 100%#1?"
    folder.mkdir()
    escaped = str(folder).replace(" ", "\\ ").replace("&", "\\&")
    name = form.format(folder, url=quote(str(folder)), escaped=escaped)
    assert find(name).collection == folder.name
    assert AddRequest((name,), NO_OPTIONS).origin().names == (str(folder),)


def test_a_path_that_exists_as_it_is_written_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('"a"', "a", "b\\ c", "b c"):
        Path(name).mkdir()
        assert find(name).collection == name


@pytest.mark.parametrize(
    "name", ['""', '"', '" "', "file://", "file://elsewhere/etc", "file://%00", "file:///no/such", "\\"]
)
def test_what_is_pasted_and_leads_nowhere_is_refused(name):
    with pytest.raises(SourceError):
        find(name)


def test_a_relative_path_and_its_absolute_one_list_the_same_keys(make_photos, monkeypatch):
    root = make_photos("red.jpg")
    monkeypatch.chdir(root.parent)
    assert list(find("photos").listings((), UNWATCHED)) == list(find(str(root)).listings((), UNWATCHED))


@pytest.mark.parametrize("name", ["missing", "", "x" * 5000, "nul\x00byte", "no-folder/\U0001f436"])
def test_what_is_no_source_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError):
        find(name)


def test_a_file_is_refused_with_what_to_give_instead(make_photos):
    with pytest.raises(SourceError, match="Give the folder"):
        find(str(make_photos("red.jpg") / "red.jpg"))


# Folders


def test_a_folder_lists_pictures_in_all_its_folders_in_order(make_photos):
    root = make_photos("red.JPG", "blue.jpeg", "z/green.jpg", "z/y/red.JPEG", "k/red.jfif")
    (root / "notes.txt").write_text("")
    (root / "no ending").write_text("")
    source = FolderSource(root)
    assert names(source, root) == ["blue.jpeg", "red.JPG", "k/red.jfif", "z/green.jpg", "z/y/red.JPEG"]
    assert source.left_out == {".txt": 1, "no ending": 1}


def test_hidden_files_and_folders_are_left_out_without_a_word(make_photos):
    root = make_photos("red.jpg", ".cache/green.jpg")
    (root / ".red.jpg").write_bytes(jpeg())
    source = FolderSource(root)
    assert (names(source, root), source.left_out.total()) == (["red.jpg"], 0)


@pytest.mark.parametrize("name", ["two words.jpg", "100%.jpg", "a#b?c.jpg", "\"'<b>.jpg", "\U0001f436\n\x1b[0m.jpg"])
def test_a_file_of_any_name_can_be_listed_and_read(tmp_path, name):
    (tmp_path / name).write_bytes(jpeg())
    (listing,) = FolderSource(tmp_path).listings((), UNWATCHED)
    assert read("folder", listing.source_key, LIMIT) == jpeg()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"caf\xe9.jpg", "café.jpg"),  # Windows-1252, as old disks and ZIPs have it
        (b"\x81.jpg", "\\x81.jpg"),
        (b"f\xfcnf/\xff.jpg", "fünf/ÿ.jpg"),
        ("größe/".encode() + b"\xe4.jpg", "größe/ä.jpg"),
    ],
)
def test_a_file_whose_name_is_no_utf_8_is_listed_readably_and_read(tmp_path, raw, shown):
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), raw)))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(jpeg())
    path.with_suffix(".xmp").write_bytes(packet(items("dc:subject", "alpaca")))
    source = FolderSource(tmp_path)
    (listing,) = source.listings({}, UNWATCHED)
    assert listing.source_key == f"{tmp_path}/{shown}"
    assert (listing.details.file, listing.details.texts_of(TextKind.HASHTAG)) == (Path(shown).name, ["alpaca"])
    assert source.covers(listing.source_key)
    assert not source.left_out
    details = listing.details
    assert details.folder == f"{tmp_path.name}/{Path(shown).parent}".removesuffix("/.")
    assert read("folder", listing.source_key, LIMIT, address=listing.address) == jpeg()
    listing.address.encode("ascii")


def test_two_names_that_read_the_same_are_two_photos(tmp_path):
    for raw in ("é.jpg".encode(), b"\xe9.jpg"):
        (tmp_path / os.fsdecode(raw)).write_bytes(jpeg())
    found = list(FolderSource(tmp_path).listings({}, UNWATCHED))
    assert sorted(item.source_key for item in found) == [f"{tmp_path}/\\xe9.jpg", f"{tmp_path}/é.jpg"]


def test_a_folder_whose_own_name_is_no_utf_8_is_read(tmp_path):
    root = tmp_path / os.fsdecode(b"M\xfcnchen")
    root.mkdir()
    (root / "a.jpg").write_bytes(jpeg())
    source = FolderSource(root)
    (listing,) = source.listings({}, UNWATCHED)
    assert (source.collection, listing.source_key) == ("München", f"{tmp_path}/München/a.jpg")
    assert source.covers(listing.source_key)
    assert read("folder", listing.source_key, LIMIT, address=listing.address) == jpeg()


@pytest.mark.parametrize("name", ["DSC0001.HIF", "scan", "photo.jpg.1", "IMG_1.JPG_large", "b.webp.unknown-ending"])
def test_what_a_file_is_its_bytes_say(tmp_path, name):
    (tmp_path / name).write_bytes(jpeg())
    source = FolderSource(tmp_path)
    assert (names(source, tmp_path), source.left_out) == ([name], {})


@pytest.mark.parametrize("name", ["MVI_1.THM", "a.jpg_original", "a.jpg~", "a.jpg.part", "a.jpg.bak"])
def test_copies_that_programs_keep_are_left_out(tmp_path, name):
    (tmp_path / name).write_bytes(jpeg())
    source = FolderSource(tmp_path)
    assert names(source, tmp_path) == []
    assert source.left_out.total() == 1


def test_a_pipe_without_a_picture_s_name_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    source = FolderSource(tmp_path)
    assert (names(source, tmp_path), source.left_out) == ([], {"no ending": 1})


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("2023/@eaDir/IMG_1.jpg", "folder @eaDir"),
        ("#recycle", "folder #recycle"),
        ("$RECYCLE.BIN/S-1", "folder $RECYCLE.BIN"),
        ("lost+found", "folder lost+found"),
        ("System Volume Information", "folder System Volume Information"),
        ("Mine.photoslibrary/resources/derivatives", "folder resources"),
        ("Mine.photoslibrary/database", "folder database"),
        ("Old.aplibrary/Thumbnails", "folder Thumbnails"),
        ("Catalog Previews.lrdata/A/AB", "folder .lrdata"),
    ],
)
def test_folders_of_programs_are_left_out_and_told(make_photos, folder, label):
    root = make_photos("red.jpg", "Mine.photoslibrary/originals/1/blue.jpg", f"{folder}/green.jpg")
    source = FolderSource(root)
    assert names(source, root) == ["red.jpg", "Mine.photoslibrary/originals/1/blue.jpg"]
    assert source.left_out == {label: 1}


def test_folders_that_are_marked_as_no_media_are_left_out_but_not_the_one_that_was_named(make_photos):
    root = make_photos("red.jpg", "WhatsApp/green.jpg", "WhatsApp/Private/blue.jpg")
    (root / "WhatsApp" / ".nomedia").touch()
    source = FolderSource(root)
    assert (names(source, root), source.left_out) == (["red.jpg"], {"folder with .nomedia": 1})
    assert len(names(FolderSource(root / "WhatsApp"), root / "WhatsApp")) == 2
    assert len(names(FolderSource(make_photos("lost+found/red.jpg")), root)) >= 1


def test_a_linked_folder_is_followed_once_and_after_all_others(make_photos, tmp_path):
    root = make_photos("z/red.jpg")
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "blue.jpg").write_bytes(jpeg())
    (root / "a link").symlink_to(tmp_path / "elsewhere")
    (root / "another").symlink_to(tmp_path / "elsewhere" / "deep")
    (root / "b to z").symlink_to(root / "z")
    source = FolderSource(root, follow_links=True)
    assert (names(source, root), source.left_out) == (["z/red.jpg", "a link/deep/blue.jpg"], {})
    assert source.covers(str(root / "a link" / "deep" / "blue.jpg"))


def test_loops_of_links_are_cut_and_told(make_photos, tmp_path):
    root = make_photos("inner/red.jpg")
    (root / "inner" / "loop").symlink_to(root)
    (root / "up").symlink_to(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (root / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(root / "inner")
    (tmp_path / "elsewhere" / "itself").symlink_to(tmp_path / "elsewhere")
    source = FolderSource(root, follow_links=True)
    assert names(source, root) == ["inner/red.jpg"]
    assert source.left_out == {"link to a folder that holds it": 2}


def test_photos_behind_a_link_that_leads_nowhere_now_are_kept(make_photos, tmp_path):
    root = make_photos("red.jpg")
    (root / "disk").symlink_to(tmp_path / "not mounted")
    key = str(root / "disk" / "blue.jpg")
    assert list(FolderSource(root).listings({}, UNWATCHED)) == [*FolderSource(root).listings({}, UNWATCHED)]
    (failure,) = (item for item in FolderSource(root).listings({key: None}, UNWATCHED) if isinstance(item, Failure))
    assert failure.source_key == str(root / "disk")


def test_a_link_to_nowhere_is_a_failure(tmp_path):
    (tmp_path / "red.jpg").symlink_to(tmp_path / "missing.jpg")
    (failure,) = FolderSource(tmp_path).listings((), UNWATCHED)
    assert failure == Failure(str(tmp_path / "red.jpg"), "the file cannot be read: No such file or directory")


@pytest.fixture
def linked(make_photos, tmp_path):
    """A folder with links to a photo, to what is said of one, and to a folder outside of it, and with one within."""
    root = make_photos("red.jpg", "inner/green.jpg")
    (tmp_path / "private" / "deep").mkdir(parents=True)
    for name in ("secret.jpg", "deep/blue.jpg"):
        (tmp_path / "private" / name).write_bytes(jpeg())
    (tmp_path / "private" / "said").write_text('{"title": "red.jpg", "description": "a secret"}')
    (root / "out.jpg").symlink_to(tmp_path / "private" / "secret.jpg")
    (root / "red.jpg.json").symlink_to(tmp_path / "private" / "said")
    (root / "outer").symlink_to(tmp_path / "private")
    (root / "inner" / "back").symlink_to(root)
    (root / "within").symlink_to(root / "inner")
    (root / "within.jpg").symlink_to(root / "inner" / "green.jpg")
    return root


def test_links_that_lead_out_of_the_folder_are_named_and_not_followed_unless_asked_for(linked):
    source = FolderSource(linked)
    listed = list(source.listings({}, UNWATCHED))
    assert {Path(item.source_key).name for item in listed} == {"red.jpg", "green.jpg", "within.jpg"}
    assert not any(isinstance(item, Failure) or item.details.texts for item in listed)
    (note,) = source.notes
    assert note.startswith("3 links lead out of the folder and were not followed: ")
    assert all(f"{linked / name}" in note for name in ("out.jpg", "outer", "red.jpg.json"))
    assert "--follow-links" in note
    asked = FolderSource(linked, follow_links=True)
    assert names(asked, linked) == [
        "out.jpg",
        "red.jpg",
        "within.jpg",
        "inner/green.jpg",
        "outer/secret.jpg",
        "outer/deep/blue.jpg",
    ]
    assert asked.notes == ()
    assert asked.left_out[LINK_LOOP] == 1


def test_photos_behind_a_link_that_was_followed_before_are_kept(linked, workspace):
    (added,) = workspace.add(str(linked), options=Options(follow_links=True))
    assert added.report.n_new == 6
    (again,) = workspace.add(str(linked))
    assert (again.report.n_gone, again.report.n_unchanged) == (0, 3)
    assert {Path(failure.source_key).name for failure in again.report.failures} == {"out.jpg", "outer"}
    assert {failure.reason for failure in again.report.failures} == {"this link is not followed; its photos are kept"}
    assert len(again.report.notes) == 1


def test_a_file_that_becomes_a_pipe_after_it_was_listed_does_not_block(make_photos):
    path = make_photos("red.jpg") / "red.jpg"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(PhotoError, match="it is no regular file"):
        read("folder", str(path), LIMIT)


def test_a_pipe_that_is_named_like_a_picture_is_a_failure(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (failure,) = FolderSource(tmp_path).listings((), UNWATCHED)
    assert failure.reason == "this is no file"


def test_the_stamp_changes_with_the_file(make_photos):
    root = make_photos("red.jpg")
    (before,) = FolderSource(root).listings((), UNWATCHED)
    assert list(FolderSource(root).listings((), UNWATCHED)) == [before]
    os.utime(root / "red.jpg", ns=(1, 1))
    (after,) = FolderSource(root).listings((), UNWATCHED)
    assert (after.source_key, after.stamp != before.stamp) == (before.source_key, True)


def test_a_folder_inside_that_cannot_be_opened_is_a_failure(make_photos, monkeypatch):
    root = make_photos("a/red.jpg", "b/blue.jpg")
    scan = os.scandir

    def refuse_a(path):
        if os.fspath(path) == str(root / "a"):
            raise PermissionError(13, "Permission denied", str(root / "a"))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse_a)
    source = FolderSource(root)
    assert names(source, root) == ["b/blue.jpg"]
    assert failures(source) == [Failure(str(root / "a"), "the folder cannot be opened: Permission denied")]


def test_a_folder_that_cannot_be_opened_itself_is_a_source_error(make_photos, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    root = make_photos("red.jpg")
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match="cannot be opened: Permission denied"):
        list(FolderSource(root).listings((), UNWATCHED))


def test_a_folder_covers_what_lies_in_it(tmp_path):
    source = FolderSource(tmp_path / "pets")
    assert source.covers(str(tmp_path / "pets" / "dogs" / "red.jpg"))
    assert not source.covers(str(tmp_path / "pets too" / "red.jpg"))


# Bytes


def test_bytes_are_read_up_to_the_limit(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x" * LIMIT)
    assert read("folder", str(tmp_path / "a.jpg"), LIMIT) == b"x" * LIMIT
    with pytest.raises(PhotoError, match="larger than"):
        read("folder", str(tmp_path / "a.jpg"), LIMIT - 1)


def test_what_cannot_be_read_is_a_photo_error(tmp_path):
    with pytest.raises(PhotoError, match="no longer there"):
        read("folder", str(tmp_path / "a.jpg"), LIMIT)
    with pytest.raises(PhotoError, match="cannot be read"):
        read("folder", str(tmp_path), LIMIT)


# The demo


def test_each_demo_photo_is_a_picture():
    listings = list(DemoSource().listings((), UNWATCHED))
    assert len(listings) == sum(len(found) for found in demo.PHOTOS.values())
    for listing in listings:
        assert decode(read("demo", listing.source_key, 10_000_000)).width_px > 100
        assert DemoSource().covers(listing.source_key)


@pytest.mark.parametrize("key", ["scikit-image/../secret.png", "scikit-image", "other/astronaut.png", "/etc/passwd"])
def test_the_demo_gives_nothing_but_its_photos(key):
    with pytest.raises(PhotoError, match="no such photo"):
        read("demo", key, LIMIT)


def test_a_missing_demo_photo_is_a_source_error(monkeypatch):
    monkeypatch.setitem(demo.PHOTOS, "scikit-learn", ("missing.jpg",))
    with pytest.raises(SourceError, match=r"missing\.jpg is missing"):
        list(DemoSource().listings((), UNWATCHED))


# What is meant


@pytest.mark.parametrize(
    "name",
    [
        "instagram:Sea",
        "@sea",
        "@sea.",
        "instagram.com/sea/",
        "https://www.instagram.com/sea/",
        "HTTPS://Instagram.com/sea/?hl=de",
    ],
)
def test_a_profile_is_named_in_several_ways(name):
    (source,) = find_sources([name], Path("library"), NO_OPTIONS)
    assert (source.kind, source.collection.rstrip(".")) == ("instagram", "sea")


@pytest.mark.parametrize("name", ["instagram:http://[x/y", "instagram:", "instagram:a b", "instagram.com/p/x/"])
def test_what_can_be_no_profile_is_refused(name):
    with pytest.raises(SourceError):
        find_sources([name], Path("library"), NO_OPTIONS)


def test_a_file_may_begin_with_an_at_sign(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "@sea").mkdir()
    (source,) = find_sources(["./@sea"], Path("library"), NO_OPTIONS)
    assert source.kind == "folder"


@pytest.mark.parametrize("name", ["l.txt", "l.json", "l.csv", "l.zip", "l"])
def test_what_would_be_read_for_ever_is_refused(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(SourceError, match="no file and no folder"):
        find_sources([str(tmp_path / name)], Path("library"), NO_OPTIONS)
