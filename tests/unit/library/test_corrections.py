"""Corrections are saved, searched at once, undone, and never overwritten."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from photosearch.errors import PhotoError, PhotoNotFound, PhotosearchError, ReadOnlyError
from photosearch.export.formats import photo_json, photos_csv
from photosearch.library.corrections import MAX_CAPTION_CHARS, read_corrections
from photosearch.records import DetailedPhoto, PhotoState
from photosearch.search.question import Question
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse, jpeg

NAME = "photos"


@pytest.fixture
def photos(workspace: Workspace, make_photos: Callable[..., Path]) -> Callable[[], dict[str, DetailedPhoto]]:
    """Three captioned photos, as they are now, by their file names."""
    workspace.add(str(make_photos("red.jpg", "green.jpg", "blue.jpg")))
    analyse(workspace.library, ColourStation())
    library = workspace.library
    return lambda: {
        photo.name: photo for photo in library.detailed_photos([photo.id for photo in library.photos(NAME)])
    }


def found(workspace: Workspace, query: str) -> list[str]:
    return [hit.photo.name for hit in workspace.searcher.search(Question(query, NAME, expand=False)).hits]


def test_a_correction_is_shown_and_found_at_once(workspace, photos):
    assert found(workspace, "lighthouse") == []  # the index is in memory
    workspace.correct(photos()["red.jpg"].id, "  A lighthouse\nat dusk ", "Ada")
    photo = photos()["red.jpg"]
    assert (photo.caption, photo.is_corrected) == ("A lighthouse at dusk", True)
    assert [c.text for c in photo.captions] == ["A lighthouse at dusk", "a red picture"]
    assert found(workspace, "lighthouse") == ["red.jpg"]
    assert "red.jpg" not in found(workspace, "picture")
    assert not photos()["green.jpg"].is_corrected


def test_a_correction_survives_a_restart_and_another_run(workspace, photos):
    workspace.correct(photos()["red.jpg"].id, "a lighthouse", "Ada")
    workspace.close()
    again = Workspace(workspace.settings)
    analyse(again.library, ColourStation(), redo=True)
    assert again.library.photo(photos()["red.jpg"].id).caption == "a lighthouse"
    assert found(again, "lighthouse") == ["red.jpg"]


def test_a_second_workspace_notices_it(workspace, photos):
    other = Workspace(workspace.settings)
    assert found(other, "lighthouse") == []
    workspace.correct(photos()["red.jpg"].id, "a lighthouse", "Ada")
    assert found(other, "lighthouse") == ["red.jpg"]


def test_a_cleared_caption_is_neither_shown_nor_found(workspace, photos):
    workspace.clear_caption(photos()["red.jpg"].id, "Ada")
    photo = photos()["red.jpg"]
    assert (photo.caption, photo.is_corrected) == ("", True)
    assert "red.jpg" not in found(workspace, "picture")
    assert len(found(workspace, "picture")) == 2
    workspace.undo_correction(photo.id)
    assert photos()["red.jpg"].caption == "a red picture"
    assert "red.jpg" in found(workspace, "red")


def test_undoing_goes_back_step_by_step_and_the_history_stays(workspace, photos):
    photo_id = photos()["red.jpg"].id
    workspace.correct(photo_id, "one", "Ada")
    workspace.correct(photo_id, "two", "Ben")
    workspace.clear_caption(photo_id, "Cleo")
    shown = []
    for _ in range(3):
        workspace.undo_correction(photo_id)
        shown.append(photos()["red.jpg"].caption)
    assert shown == ["two", "one", "a red picture"]
    history = read_corrections(workspace.library, photo_id)
    assert [(said.text, said.who, said.is_in_force) for said in history] == [
        ("", "Cleo", False),
        ("two", "Ben", False),
        ("one", "Ada", False),
    ]
    with pytest.raises(PhotosearchError, match="no correction"):
        workspace.undo_correction(photo_id)


def test_undoing_brings_back_only_what_was_replaced(workspace, photos):
    photo_id = photos()["red.jpg"].id
    workspace.correct(photo_id, "one", "Ada")
    workspace.undo_correction(photo_id)
    workspace.correct(photo_id, "two", "Ada")
    workspace.undo_correction(photo_id)
    assert photos()["red.jpg"].caption == "a red picture"


def test_the_same_words_again_change_nothing(workspace, photos):
    photo_id = photos()["red.jpg"].id
    workspace.correct(photo_id, "one", "Ada")
    workspace.correct(photo_id, "one", "Ben")
    (said,) = read_corrections(workspace.library, photo_id)
    assert (said.text, said.who) == ("one", "Ada")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be empty"),
        (" \n\u200b ", "cannot be empty"),
        ("x" * (MAX_CAPTION_CHARS + 1), "at most 1,000 characters; this one has 1,001"),
        ("a\0dog", r"U\+0000"),
        ("a \x1b[31mdog", r"U\+001B"),
        ("a \u202egod", r"U\+202E"),
        ("a \ud800", r"U\+D800"),
    ],
)
def test_an_unusable_correction_is_refused_and_changes_nothing(workspace, photos, text, message):
    before = workspace.library.generation(NAME)
    with pytest.raises(PhotosearchError, match=message):
        workspace.correct(photos()["red.jpg"].id, text, "Ada")
    assert photos()["red.jpg"].caption == "a red picture"
    assert workspace.library.generation(NAME) == before


@pytest.mark.parametrize(
    "text", ["犬が走る", "un café 👩‍👩‍👧", "<img src=x onerror=alert(1)>", "x" * MAX_CAPTION_CHARS]
)
def test_any_printable_words_are_kept_as_they_are(workspace, photos, text):
    workspace.correct(photos()["red.jpg"].id, text, "Ada")
    assert photos()["red.jpg"].caption == text


def test_a_correction_needs_a_name(workspace, photos):
    for act in (lambda who: workspace.correct("", "a dog", who), lambda who: workspace.clear_caption("", who)):
        with pytest.raises(PhotosearchError, match="A name cannot be empty"):
            act(" ")


def test_an_unknown_photo_is_refused(workspace, photos):
    for act in (
        lambda: workspace.correct("0" * 16, "a dog", "Ada"),
        lambda: workspace.clear_caption("0" * 16, "Ada"),
        lambda: workspace.undo_correction("0" * 16),
        lambda: read_corrections(workspace.library, "0" * 16),
        lambda: workspace.ask_again("0" * 16),
    ):
        with pytest.raises(PhotoNotFound):
            act()


def test_exports_say_that_it_was_edited(workspace, photos):
    workspace.correct(photos()["red.jpg"].id, "a lighthouse", "Ada")
    workspace.clear_caption(photos()["blue.jpg"].id, "Ada")
    first = {name: photo_json(photo)["captions"][0] for name, photo in photos().items()}
    assert first["red.jpg"] == {
        "text": "a lighthouse",
        "log_prob": None,
        "model": None,
        "edited": True,
        "unsure": False,
    }
    assert (first["blue.jpg"]["text"], first["blue.jpg"]["edited"]) == ("", True)
    assert first["green.jpg"]["edited"] is False
    assert "a lighthouse,,,True" in photos_csv(photos().values())
    json.dumps(first)


def test_a_corrected_photo_that_moved_keeps_its_correction(workspace, photos, make_photos):
    workspace.correct(photos()["red.jpg"].id, "a lighthouse", "Ada")
    root = make_photos("red-2.jpg")
    (root / "red.jpg").unlink()
    workspace.add(str(root))
    analyse(workspace.library, ColourStation())
    assert photos()["red-2.jpg"].caption == "a lighthouse"
    assert [said.who for said in read_corrections(workspace.library, photos()["red-2.jpg"].id)] == ["Ada"]


def test_a_photo_that_is_not_captioned_yet_can_be_corrected(workspace, make_photos):
    workspace.add(str(make_photos("red.jpg")))
    (photo,) = workspace.library.photos(NAME)
    assert photo.state is PhotoState.NEW
    workspace.correct(photo.id, "a lighthouse", "Ada")
    assert found(workspace, "lighthouse") == ["red.jpg"]


def test_asking_again_replaces_a_correction_by_a_models_caption(workspace, photos):
    photo_id = photos()["red.jpg"].id
    workspace.correct(photo_id, "a lighthouse", "Ada")
    workspace.ask_again(photo_id)
    photo = photos()["red.jpg"]
    assert (photo.captions[0].model, photo.is_corrected) == ("tiny", False)
    assert found(workspace, "lighthouse") == []
    assert [said.text for said in read_corrections(workspace.library, photo_id)] == ["a lighthouse"]


def test_a_photo_that_is_gone_cannot_be_captioned_again_and_keeps_its_correction(workspace, photos, tmp_path):
    workspace.correct(photos()["red.jpg"].id, "a lighthouse", "Ada")
    (tmp_path / NAME / "red.jpg").unlink()
    with pytest.raises(PhotoError, match=r"red\.jpg.*no longer there"):
        workspace.ask_again(photos()["red.jpg"].id)
    assert photos()["red.jpg"].caption == "a lighthouse"
    assert photos()["red.jpg"].state is PhotoState.READY


def test_the_public_demo_is_not_corrected(workspace, photos):
    demo = Workspace(replace(workspace.settings, demo=True))
    photo_id = photos()["red.jpg"].id
    for act in (
        lambda: demo.correct(photo_id, "a dog", "Ada"),
        lambda: demo.clear_caption(photo_id, "Ada"),
        lambda: demo.undo_correction(photo_id),
        lambda: demo.ask_again(photo_id),
    ):
        with pytest.raises(ReadOnlyError):
            act()


def test_a_photo_that_is_gone_is_inspected_by_its_thumbnail(workspace, photos, tmp_path):
    (tmp_path / NAME / "red.jpg").unlink()
    (tmp_path / NAME / "green.jpg").write_bytes(jpeg("yellow"))
    look = workspace.inspections.picture
    assert look(photos()["red.jpg"]).lacking == "the file is no longer there"
    assert look(photos()["green.jpg"]).lacking == "the file has changed since it was read"
    assert look(photos()["blue.jpg"]).lacking is None
    for name, photo in photos().items():
        assert look(photo).picture.sha256 == photo.sha256, name
    (tmp_path / NAME / "red.jpg").write_bytes(jpeg("red"))
    assert look(photos()["red.jpg"]).lacking is None


# Pictures that change


def save_over(path: Path, data: bytes) -> None:
    """Write other bytes to a photo's path, and let its time differ whatever the clock does."""
    path.write_bytes(data)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000_000))


def read_again(workspace: Workspace, path: Path) -> None:
    workspace.add(str(path.parent))
    analyse(workspace.library, ColourStation())


@pytest.fixture
def corrected(workspace, photos) -> Path:
    """The path of the red photo, which a person corrected."""
    photo = photos()["red.jpg"]
    workspace.correct(photo.id, "a lighthouse", "Ada")
    return Path(photo.source_key)


def test_a_correction_does_not_label_another_picture_that_is_saved_over_it(workspace, photos, corrected):
    save_over(corrected, jpeg("green"))
    workspace.add(str(corrected.parent))
    assert found(workspace, "lighthouse") == []  # not even before the new picture is read
    analyse(workspace.library, ColourStation())
    photo = photos()["red.jpg"]
    assert (photo.caption, photo.is_corrected, found(workspace, "lighthouse")) == ("a green picture", False, [])
    (past,) = read_corrections(workspace.library, photo.id)
    assert (past.text, past.is_in_force, past.is_of_earlier_picture) == ("a lighthouse", True, True)


def test_it_holds_again_once_it_is_confirmed(workspace, photos, corrected):
    save_over(corrected, jpeg("green"))
    read_again(workspace, corrected)
    workspace.confirm_correction(photos()["red.jpg"].id)
    assert (photos()["red.jpg"].caption, found(workspace, "lighthouse")) == ("a lighthouse", ["red.jpg"])
    with pytest.raises(PhotosearchError, match="no correction"):
        workspace.confirm_correction(photos()["blue.jpg"].id)


def test_it_holds_again_when_its_picture_is_put_back(workspace, photos, corrected):
    before = corrected.read_bytes()
    save_over(corrected, jpeg("green"))
    read_again(workspace, corrected)
    save_over(corrected, before)
    read_again(workspace, corrected)
    assert photos()["red.jpg"].caption == "a lighthouse"


def test_the_same_words_typed_for_the_new_picture_hold(workspace, photos, corrected):
    save_over(corrected, jpeg("green"))
    read_again(workspace, corrected)
    workspace.correct(photos()["red.jpg"].id, "a lighthouse", "Ben")
    assert photos()["red.jpg"].caption == "a lighthouse"


def test_a_tagger_that_only_rewrites_metadata_keeps_it(workspace, photos, corrected):
    data = corrected.read_bytes()
    comment = b"tagged by a program"
    save_over(corrected, data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:])
    read_again(workspace, corrected)
    photo = photos()["red.jpg"]
    assert (photo.caption, found(workspace, "lighthouse")) == ("a lighthouse", ["red.jpg"])
    assert not read_corrections(workspace.library, photo.id)[0].is_of_earlier_picture


def test_a_correction_of_a_photo_that_was_never_read_belongs_to_the_first_picture(workspace, make_photos):
    folder = make_photos("red.jpg")
    workspace.add(str(folder))
    (photo,) = workspace.library.photos(folder.name)
    workspace.correct(photo.id, "a lighthouse", "Ada")
    analyse(workspace.library, ColourStation())
    assert workspace.library.photo(photo.id).caption == "a lighthouse"
    save_over(folder / "red.jpg", jpeg("blue"))
    read_again(workspace, folder / "red.jpg")
    assert workspace.library.photo(photo.id).caption == "a blue picture"


def test_a_corrected_photo_that_is_moved_over_another_one_brings_its_own(workspace, photos, corrected):
    workspace.correct(photos()["green.jpg"].id, "a meadow", "Ada")
    data = corrected.read_bytes()
    corrected.unlink()
    save_over(corrected.with_name("green.jpg"), data)
    read_again(workspace, corrected)
    assert (photos()["green.jpg"].caption, found(workspace, "meadow")) == ("a lighthouse", [])
