"""The Inspect page without a browser: each state that it has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from photosearch.library.corrections import read_corrections
from photosearch.records import Photo
from photosearch.search.question import Question
from photosearch.ui import site_path, state
from photosearch.vision.captioner.vocabulary import SPECIAL
from photosearch.workspace import Workspace
from tests.app.cards import alts, photo_ids
from tests.app.test_pages import PATIENCE_S, all_stations
from tests.conftest import TINY_WORDS, ColourStation, analyse, jpeg

PAGE = str(site_path().parents[2] / "pages" / "inspect.py")


@pytest.fixture
def shown(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace that the pages show."""
    st.cache_resource.clear()
    monkeypatch.setattr(state, "workspace", lambda: workspace)
    yield workspace
    st.cache_resource.clear()


@pytest.fixture
def photo(shown: Workspace, make_photos: Callable[..., Path]) -> Photo:
    """A photo captioned "a red picture", with objects, labels and concepts."""
    shown.add(str(make_photos("red.jpg")))
    analyse(shown.library, *all_stations())
    return shown.library.photos("photos")[0]


def open_inspect(**query: str) -> AppTest:
    app = AppTest.from_file(str(site_path()), default_timeout=PATIENCE_S).run()
    app.switch_page(PAGE)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def words_of(app: AppTest) -> list[str]:
    return [label.replace("\\", "") for label in word_pills(app).options]


def word_pills(app: AppTest) -> ButtonGroup[int]:
    return next(group for group in app.pills if group.label.startswith("The sentence"))


def said(app: AppTest) -> str:
    parts = (app.markdown, app.caption, app.info, app.warning, app.success, app.error)
    return " ".join(element.value for some in parts for element in some).replace("\\", "")


def test_without_a_photo_there_is_a_chooser_and_a_place_to_drop_one(photo: Photo) -> None:
    app = open_inspect()
    assert not app.exception
    assert alts(app) == ["a red picture"]
    assert photo_ids(app) == [photo.id]
    app = open_inspect(photo=photo.id)
    assert not app.exception
    assert words_of(app) == ["a", "red", "picture\N{NO-BREAK SPACE}(unknown)", "(end)"]
    app.button(key="another").click().run()
    assert photo_ids(app) == [photo.id]


def test_an_empty_library_still_takes_a_picture(shown: Workspace) -> None:
    app = open_inspect()
    assert not app.exception
    assert "no photos in the library yet" in said(app)
    assert app.file_uploader


def test_an_unknown_photo_is_said(shown: Workspace) -> None:
    app = open_inspect(photo="0" * 16)
    assert not app.exception
    assert "was not found" in said(app)


def test_a_picked_word_says_how_sure_and_what_else(photo: Photo) -> None:
    app = open_inspect(photo=photo.id)
    assert "sure of" not in said(app)
    word_pills(app).set_value(1).run()
    assert not app.exception
    assert "sure** of “red”" in said(app)
    others = next(group for group in app.pills if group.label.startswith("Use another word"))
    assert len(others.options) == 5
    assert not any(special in label for label in others.options for special in SPECIAL)


def test_another_word_has_the_rest_written_anew_and_can_be_taken_back(photo: Photo) -> None:
    app = open_inspect(photo=photo.id)
    word_pills(app).set_value(1).run()
    words = next(box for box in app.selectbox if box.label.startswith("Or any other word"))
    assert words.options == list(TINY_WORDS)
    words.set_value("cat").run()
    assert not app.exception
    assert words_of(app)[:2] == ["a", "cat"]
    assert "“cat”" in app.info[0].value
    assert all(label.startswith("a cat") for label in app.radio[0].options)
    next(button for button in app.button if button.label == "Back to the caption").click().run()
    assert words_of(app)[1] == "red"


def test_one_of_the_alternatives_can_be_said_instead(photo: Photo) -> None:
    app = open_inspect(photo=photo.id)
    word_pills(app).set_value(0).run()
    others = next(group for group in app.pills if group.label.startswith("Use another word"))
    instead = others.options[2].replace("\\", "").split("\N{NO-BREAK SPACE}")[0]
    others.set_value(2).run()
    assert not app.exception
    assert words_of(app)[0] == instead


def test_the_beams_sentences_can_be_looked_into_and_the_search_changed(photo: Photo) -> None:
    app = open_inspect(photo=photo.id)
    sentences = app.radio[0].options
    assert sentences[0] == "a red picture"
    assert len(sentences) == 4  # the tiny captioner's beam is 3 wide
    app.radio[0].set_value(2).run()
    assert " ".join(words_of(app)[:-1]) == sentences[2]
    next(slider for slider in app.slider if slider.label == "Beam width").set_value(1).run()
    assert not app.exception
    assert len(app.radio[0].options) == 2
    next(slider for slider in app.slider if slider.label == "Temperature").set_value(2.0).run()
    assert not app.exception


def test_objects_labels_and_concepts_are_shown(photo: Photo) -> None:
    app = open_inspect(photo=photo.id)
    body = " ".join(element.proto.body for element in app.get("html"))
    for seen in ("dog", "90%", "Border collie", "70%", "grass", "80%"):
        assert seen in body


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_a_caption_is_corrected_undone_and_cleared(shown: Workspace, photo: Photo) -> None:
    app = open_inspect(photo=photo.id)
    app.text_area[0].set_value("a **lighthouse** <b>")
    app.text_input[0].set_value("Ada")
    press(app, "Save")
    assert not app.exception
    assert "Search finds the new caption at once" in said(app)
    assert shown.library.photo(photo.id).caption == "a **lighthouse** <b>"
    assert shown.searcher.search(Question("lighthouse", "photos")).total == 1
    assert [history.who for history in read_corrections(shown.library, photo.id)] == ["Ada"]
    assert any("by a person" in note for note in app.radio[0].proto.captions)
    press(app, "Undo")
    assert shown.library.photo(photo.id).caption == "a red picture"
    press(app, "Clear")
    assert not app.exception
    assert shown.library.photo(photo.id).caption == ""
    assert "no sentence fits" in said(app)
    press(app, "Use this again")
    assert shown.library.photo(photo.id).caption == "a **lighthouse** <b>"
    press(app, "Caption again")
    assert not app.exception
    assert shown.library.photo(photo.id).captions[0].model == "tiny"


def test_a_correction_of_an_earlier_picture_is_told_and_can_be_confirmed(shown: Workspace, photo: Photo) -> None:
    shown.correct(photo.id, "a **lighthouse**", "Ada")
    Path(photo.source_key).write_bytes(jpeg("green", (70, 50)))
    shown.add(str(Path(photo.source_key).parent))
    analyse(shown.library, *all_stations())
    app = open_inspect(photo=photo.id)
    assert not app.exception
    assert "Ada wrote of an earlier picture “a **lighthouse**”" in said(app)
    assert "(UTC), of an earlier picture" in said(app)
    assert "in use" not in said(app)
    assert shown.library.photo(photo.id).caption == "a red picture"  # what this model says of all pictures
    press(app, "It fits this picture, too")
    assert not app.exception
    assert shown.library.photo(photo.id).caption == "a **lighthouse**"
    assert "(UTC), in use" in said(app)
    assert "earlier picture" not in said(app)


@pytest.mark.parametrize(
    ("text", "who", "message"),
    [(" ", "Ada", "A caption cannot be empty"), ("a\0b", "Ada", "U+0000"), ("a dog", " ", "A name cannot be empty")],
)
def test_what_cannot_be_kept_is_said(shown: Workspace, photo: Photo, text: str, who: str, message: str) -> None:
    app = open_inspect(photo=photo.id)
    app.text_area[0].set_value(text)
    app.text_input[0].set_value(who)
    press(app, "Save")
    assert message in said(app)
    assert read_corrections(shown.library, photo.id) == []


def test_a_photo_that_is_gone_is_seen_by_its_thumbnail(photo: Photo, tmp_path: Path) -> None:
    (tmp_path / "photos" / "red.jpg").unlink()
    app = open_inspect(photo=photo.id)
    assert not app.exception
    assert "Only the thumbnail could be read" in said(app)
    assert words_of(app)[1] == "red"
    press(app, "Caption again")
    assert "cannot be looked at again" in said(app)


def test_a_photo_without_a_picture_can_still_be_corrected(shown: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "captions_dict_pets.json"
    path.write_text(json.dumps({"https://example.com/1.jpg": "a dog on a beach"}))
    shown.add(str(path))
    (listed,) = shown.library.photos("pets")
    app = open_inspect(photo=listed.id)
    assert not app.exception
    assert "The picture could not be read" in said(app)
    assert "a dog on a beach" in said(app)
    app.text_area[0].set_value("a cat on a roof")
    press(app, "Save")
    assert shown.library.photo(listed.id).caption == "a cat on a roof"


def test_a_dropped_picture_is_looked_into_and_kept_nowhere(shown: Workspace) -> None:
    app = open_inspect()
    app.file_uploader[0].upload("my **photo**.jpg", jpeg("green"), "image/jpeg").run()
    assert not app.exception
    assert words_of(app)[-1] == "(end)"
    assert not app.text_area
    assert shown.library.collections() == []
    app.file_uploader[0].upload("other.jpg", b"no picture", "image/jpeg").run()
    assert "cannot be used" in said(app)


def test_the_public_demo_looks_and_changes_nothing(
    shown: Workspace, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = Workspace(replace(shown.settings, demo=True))
    monkeypatch.setattr(state, "workspace", lambda: demo)
    app = open_inspect(photo=photo.id)
    assert not app.exception
    assert words_of(app)[1] == "red"
    assert not app.text_area
    assert not app.text_input
    assert {button.label for button in app.button} <= {"Another photo"}


def test_two_models_sentences_stand_side_by_side(shown: Workspace, photo: Photo) -> None:
    app = open_inspect(photo=photo.id)
    compared = [box for box in app.selectbox if box.label.startswith("Captioner ")]
    assert [box.options for box in compared] == [["built-in", "colours"]] * 2
    assert not app.exception


def test_a_hostile_caption_and_name_are_text(shown: Workspace, make_photos: Callable[..., Path]) -> None:
    class Hostile(ColourStation):
        def say(self, picture: object) -> str:
            return "<img src=x onerror=alert(1)> **dog**"

    root = make_photos("red-**bold**.jpg")
    shown.add(str(root))
    analyse(shown.library, Hostile())
    app = open_inspect(photo=shown.library.photos("photos")[0].id)
    assert not app.exception
    for element in (*app.markdown, *app.caption):
        assert "**bold**" not in element.value
        assert "**dog**" not in element.value
        assert not re.search(r"(?<!\\)<img", element.value)
