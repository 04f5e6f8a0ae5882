"""Upkeep of a collection: failures, where its photos were added from, its size on disk."""

import pytest

from photosearch.errors import CollectionNotFound, SourceError
from photosearch.library import Origin, photo_id, upkeep
from photosearch.library.upkeep import (
    count_captioned_before,
    measure_disk,
    read_failures,
    read_origins,
    remember_origin,
)
from photosearch.pipeline.tasks import Task
from photosearch.records import Failure, PhotoState
from photosearch.sources import Options
from photosearch.sources.options import options_json, parse_options
from tests.conftest import ColourStation, analyse, jpeg


def test_failed_photos_are_read_again_by_the_next_run(workspace, make_photos):
    folder = make_photos("red.jpg")
    (folder / "broken.jpg").write_bytes(b"nothing")
    workspace.add(str(folder))
    analyse(workspace.library, ColourStation())
    before = workspace.library.generation("photos")
    assert len(read_failures(workspace.library, "photos")) == 1
    (folder / "broken.jpg").write_bytes(jpeg("blue"))
    assert workspace.retry("photos") == 1
    assert workspace.library.generation("photos") > before
    assert read_failures(workspace.library, "photos") == []
    analyse(workspace.library, ColourStation())
    assert len(workspace.library.photos("photos", PhotoState.READY)) == 2
    assert workspace.retry("photos") == 0


def test_origins_are_saved_once_each_with_the_latest_options(library):
    library.merge("c", "folder", [])
    assert read_origins(library, "c") == []
    remember_origin(library, "c", Origin(("/a",)))
    remember_origin(library, "c", Origin(("/b é",)))
    remember_origin(library, "c", Origin(("/a",), '{"login": "me"}'))
    assert read_origins(library, "c") == [Origin(("/b é",)), Origin(("/a",), '{"login": "me"}')]
    library.remove_collection("c")
    with pytest.raises(CollectionNotFound):
        read_origins(library, "c")


def test_options_can_be_saved_and_read(library):
    from datetime import date

    chosen = Options(
        max_posts=3, since=date(2020, 1, 2), also=frozenset({"reels", "stories"}), login="me", follow_links=True
    )
    assert parse_options(options_json(chosen)) == chosen
    assert options_json(Options()) == "{}"
    with pytest.raises(ValueError, match="no choice"):
        parse_options("[]")


def test_update_lists_all_that_a_collection_was_added_from(workspace, make_photos, tmp_path):
    one, two = make_photos("red.jpg", folder="one"), make_photos("green.jpg", folder="two")
    workspace.add(str(one), collection="both")
    workspace.add(str(two), collection="both")
    (one / "blue.jpg").write_bytes(jpeg("blue"))
    (two / "green.jpg").unlink()
    added = workspace.list_photos(Task("Updating", collection="both", update=True))[0]
    assert (added.report.n_new, added.report.n_gone, added.described) == (1, 1, False)


def test_an_origin_that_is_gone_is_a_failure_and_the_others_are_listed(workspace, make_photos):
    one, two = make_photos("red.jpg", folder="one"), make_photos("green.jpg", folder="two")
    workspace.add(str(one), collection="both")
    workspace.add(str(two), collection="both")
    one.rename(one.with_name("moved"))
    (two / "blue.jpg").write_bytes(jpeg("blue"))
    report = workspace.list_photos(Task("Updating", collection="both", update=True))[0].report
    assert (report.n_new, report.n_gone) == (1, 0)
    assert report.failures == (Failure(str(one), f'"{one}" was not found. Check the path and try again.'),)


def test_a_path_is_noted_from_the_root(workspace, make_photos, monkeypatch):
    folder = make_photos("red.jpg")
    monkeypatch.chdir(folder.parent)
    workspace.add("photos")
    assert read_origins(workspace.library, "photos") == [Origin((str(folder),))]


def test_updating_without_an_origin_says_what_to_do(workspace):
    workspace.library.merge("c", "folder", [])
    with pytest.raises(SourceError, match="is not recorded"):
        workspace.list_photos(Task("Updating", collection="c", update=True))[0]


def test_the_size_on_disk_is_that_of_its_files(workspace, make_photos):
    folder = make_photos("red.jpg", "green.jpg")
    workspace.add(str(folder))
    analyse(workspace.library, ColourStation())
    thumbnails = list((workspace.library.folder / "thumbnails").rglob("*.jpg"))
    used = measure_disk(workspace.library, "photos")
    assert used.n_bytes == used.thumbnails_bytes == sum(path.stat().st_size for path in thumbnails) > 0
    with (folder / "red.jpg").open("rb") as file:
        workspace.upload([("red.jpg", file)], "up")
    assert measure_disk(workspace.library, "up").uploads_bytes == (folder / "red.jpg").stat().st_size
    thumbnails[0].unlink()
    assert measure_disk(workspace.library, "photos").n_bytes < used.n_bytes


def test_photos_that_another_captioner_described_are_counted(workspace, make_photos):
    workspace.add(str(make_photos("red.jpg", "green.jpg")))
    older, newer = ColourStation(), ColourStation()
    newer.digest = "d" * 64
    assert count_captioned_before(workspace.library, "photos", newer.digest) == 0
    analyse(workspace.library, older)
    assert count_captioned_before(workspace.library, "photos", older.digest) == 0
    assert count_captioned_before(workspace.library, "photos", newer.digest) == 2
    assert count_captioned_before(workspace.library, "others", newer.digest) == 0
    analyse(workspace.library, newer)
    assert count_captioned_before(workspace.library, "photos", newer.digest) == 0


def test_photos_are_located_by_their_ids(workspace, make_photos):
    folder = make_photos("red.jpg", "green.jpg")
    workspace.add(str(folder))
    assert upkeep.photo_ids(workspace.library, "photos") == [
        photo_id("photos", str(folder / name)) for name in ("green.jpg", "red.jpg")
    ]
    ids = upkeep.photo_ids(workspace.library, "photos")
    assert [upkeep.locate(workspace.library, [*ids, "none"])[one].source_key for one in ids] == [
        str(folder / name) for name in ("green.jpg", "red.jpg")
    ]
