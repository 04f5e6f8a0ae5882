"""Several lists, ZIPs and older files in one collection: updating one leaves the others' photos."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from photosearch.errors import LibraryError, PhotosearchError, SourceError
from photosearch.library.upkeep import read_failures
from photosearch.records import Failure
from photosearch.search.question import Question
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse
from tests.exports import picture, write_zip

A, B, C = (f"https://photos.example/{name}.jpg" for name in "abc")


@pytest.fixture
def add(workspace: Workspace, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Return a function that adds a list of addresses, as `add("a.txt", A, B)`: how many photos are new, and gone."""

    def add_file(name: str, *addresses: str, content: object = None, collection: str | None = "all") -> tuple[int, int]:
        path = tmp_path / name
        path.write_text("\n".join(addresses) if content is None else json.dumps(content))
        added = workspace.add(str(path), collection=collection)
        return sum(one.report.n_new for one in added), sum(one.report.n_gone for one in added)

    return add_file


def keys(workspace: Workspace, collection: str = "all") -> list[str]:
    return [photo.source_key for photo in workspace.library.photos(collection)]


def test_a_second_list_leaves_the_first_ones_photos(workspace: Workspace, add) -> None:  # type: ignore[no-untyped-def]
    assert add("a.txt", A) == (1, 0)
    assert add("b.txt", B) == (1, 0)
    assert keys(workspace) == [A, B]


def test_a_photo_removed_from_a_list_is_gone_unless_another_list_has_it(workspace: Workspace, add) -> None:  # type: ignore[no-untyped-def]
    add("a.txt", A, B, C)
    add("b.txt", B)
    assert add("a.txt", C) == (0, 1)
    assert keys(workspace) == [B, C]
    assert add("a.txt", A, C) == (0, 0)  # it is back, and of this list
    assert add("a.txt", C) == (0, 1)


def test_a_list_leaves_what_came_from_an_older_file(workspace: Workspace, add) -> None:  # type: ignore[no-untyped-def]
    add("captions_dict_all.json", content={A: "a dog", B: "a cat"})
    add("url_list_all.json", content=[{"url": A, "likes": 5}, C])
    assert add("url_list_all.json", content=[C]) == (0, 0)
    assert keys(workspace) == [A, B, C]
    assert [hit.photo.source_key for hit in workspace.searcher.search(Question("dog", "all")).hits] == [A]


def test_older_files_complete_each_other(workspace: Workspace, add) -> None:  # type: ignore[no-untyped-def]
    entries = [{"url": A, "caption": "a boy plays", "yolo_objects": ["sports ball"]}]
    add("photosearch_db.json", content={"holiday": entries}, collection=None)
    add("captions_dict_holiday.json", content={A: "a boy runs"}, collection=None)
    add("url_list_holiday.json", content=[{"url": A, "likes": 5}], collection=None)
    (photo,) = workspace.library.photos("holiday")
    assert (photo.caption, [found.label for found in photo.objects]) == ("a boy runs", ["sports ball"])
    assert photo.details.n_likes == 5
    assert workspace.searcher.search(Question("ball", "holiday")).total == 1


def test_two_zips_of_one_name_keep_their_photos(workspace: Workspace, tmp_path: Path) -> None:
    for folder, colour in (("x", "red"), ("y", "blue")):
        (tmp_path / folder).mkdir()
        path = write_zip(tmp_path / folder / "photos.zip", {"1.jpg": picture(colour)})
        (added,) = workspace.add(str(path), collection="z")
        assert (added.report.n_new, added.report.n_gone) == (1, 0)
    assert analyse(workspace.library, ColourStation()).n_captioned == 2
    assert {photo.caption for photo in workspace.library.photos("z")} == {"a red picture", "a blue picture"}
    (added,) = workspace.add(str(path), collection="z")
    assert (added.report.n_unchanged, added.report.n_gone) == (1, 0)


# What cannot be used does not end the rest


def test_an_odd_name_in_a_database_leaves_the_others(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "photosearch_db.json"
    path.write_text(json.dumps({"": [{"url": A, "yolo_objects": []}], "ok": [{"url": B, "yolo_objects": []}]}))
    (added,) = workspace.add(str(path))
    assert (added.collection, added.report.n_new) == ("ok", 1)
    assert "printable characters" in added.report.failures[0].reason
    path.write_text(json.dumps({"": [{"url": A, "yolo_objects": []}], "\n": []}))
    with pytest.raises(PhotosearchError, match="printable characters"):
        workspace.add(str(path))


def test_an_older_file_without_any_address_is_refused_and_makes_no_collection(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "photosearch_db.json"
    path.write_text(json.dumps({"x": [{"url": "photos.zip/a.jpg", "yolo_objects": []}]}))
    with pytest.raises(SourceError, match=r"no address that can be used \(photos.zip/a.jpg"):
        workspace.add(str(path))
    assert workspace.library.collections() == []


def test_a_photo_that_could_not_be_listed_is_a_failure_until_it_can(workspace: Workspace, add) -> None:  # type: ignore[no-untyped-def]
    add("a.txt", A, "file:///etc/passwd")
    refusal = Failure("file:///etc/passwd", "the address does not begin with http:// or https://")
    assert read_failures(workspace.library, "all") == [refusal]
    add("b.txt", B)
    assert read_failures(workspace.library, "all") == [refusal]
    add("a.txt", A)
    assert read_failures(workspace.library, "all") == []


# Removing


def test_a_file_that_cannot_be_deleted_leaves_no_other_behind(workspace: Workspace, make_photos) -> None:  # type: ignore[no-untyped-def]
    workspace.add(str(make_photos("red.jpg", "green.jpg", "blue.jpg", folder="pets")))
    analyse(workspace.library, ColourStation())
    thumbnails = sorted((workspace.library.folder / "thumbnails").rglob("*.jpg"))
    thumbnails[0].unlink()
    thumbnails[0].mkdir()
    with pytest.raises(LibraryError, match=r"cannot be deleted.*Everything else is done"):
        workspace.remove("pets")
    assert workspace.library.collections() == []
    assert sorted((workspace.library.folder / "thumbnails").rglob("*.jpg")) == thumbnails[:1]
