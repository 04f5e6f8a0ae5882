"""The pages without a browser: each state that they have."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image
from sklearn.datasets import load_sample_image
from streamlit.testing.v1 import AppTest

from photosearch.errors import LibraryError
from photosearch.pictures.images import Picture
from photosearch.records import Caption, Detection, Findings, PhotoState, Prediction, Station
from photosearch.search.question import Question
from photosearch.settings import Settings
from photosearch.ui import cards as cards_of
from photosearch.ui import site_path, state
from photosearch.vision.observer import Batch
from photosearch.workspace import Workspace
from tests.app.cards import alts, cards
from tests.conftest import ColourStation, analyse, jpeg

PATIENCE_S = 30


@pytest.fixture
def shown(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace that the pages show."""
    st.cache_resource.clear()
    monkeypatch.setattr(state, "workspace", lambda: workspace)
    yield workspace
    st.cache_resource.clear()


def fill(workspace: Workspace, folder: Path, collection: str | None = None) -> None:
    workspace.add(str(folder), collection=collection)
    analyse(workspace.library, ColourStation())


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(site_path()), default_timeout=PATIENCE_S)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def open_library() -> AppTest:
    return open_page().switch_page(str(site_path().parents[2] / "pages" / "library.py")).run()


def html(app: AppTest) -> str:
    return " ".join([*(element.proto.body for element in app.get("html")), *cards(app)])


def test_an_empty_library_says_where_to_go(shown: Workspace) -> None:
    app = open_page()
    assert not app.exception
    assert "no photos yet" in app.info[0].value


def test_no_query_shows_all_photos(shown: Workspace, make_photos: Callable[..., Path]) -> None:
    fill(shown, make_photos("red.jpg", "green.jpg", "blue.jpg"))
    app = open_page()
    assert not app.exception
    assert len(alts(app)) == 3
    assert any("All 3 captioned photos" in caption.value for caption in app.caption)


def test_a_query_shows_score_and_caption_under_each_hit(shown: Workspace, make_photos: Callable[..., Path]) -> None:
    fill(shown, make_photos("red.jpg", "green.jpg", "blue.jpg"))
    app = open_page()
    app.text_input(key="q").set_value("something red").run()
    assert not app.exception
    assert alts(app) == ["a red picture"]
    assert re.search(r'<img src="http://[^"]+/api/v1/photos/', html(app))
    (hit,) = shown.searcher.search(Question("something red", "photos")).hits
    assert f'class="score">{hit.score:.2f}<' in html(app)
    assert hit.score > 0.5
    assert "a <mark>red</mark> picture" in html(app)


def test_the_address_sets_collection_and_query(shown: Workspace, make_photos: Callable[..., Path]) -> None:
    fill(shown, make_photos("red.jpg", folder="one"))
    fill(shown, make_photos("green.jpg", folder="two"))
    app = open_page(name="two", q="picture")
    assert app.selectbox(key="name").value == "two"
    assert alts(app) == ["a green picture"]


def test_no_match_suggests_words_that_occur(shown: Workspace, make_photos: Callable[..., Path]) -> None:
    fill(shown, make_photos("red.jpg"))
    app = open_page(q="elephant <b>")
    assert "No photo matches a word" in app.info[0].value
    assert "picture" in app.info[0].value
    assert "<b>" not in app.info[0].value


def test_a_caption_with_markup_is_shown_as_text(shown: Workspace, make_photos: Callable[..., Path]) -> None:
    class Hostile(ColourStation):
        def say(self, picture: Picture) -> str:
            return "<img src=x onerror=alert(1)> dog & **cat**"

    shown.add(str(make_photos("red.jpg")))
    analyse(shown.library, Hostile())
    app = open_page(q="dog")
    assert "&lt;img src=x onerror=alert(1)&gt; <mark>dog</mark> &amp; **cat**" in html(app)
    assert re.findall("<img (.)", html(app)) == ["s"]  # the photo's own


def test_the_library_page_lists_collections_and_failures(shown: Workspace, make_photos: Callable[..., Path]) -> None:
    folder = make_photos("red.jpg")
    (folder / "broken.jpg").write_bytes(b"")
    fill(shown, folder)
    app = open_page()
    app.switch_page(str(site_path().parents[2] / "pages" / "library.py")).run()
    assert not app.exception
    assert any("2 photos, 1 captioned, 1 failed" in caption.value for caption in app.caption)
    assert "the file is empty" in str(app.dataframe[0].value)


def test_an_unknown_folder_is_an_error_on_the_page(shown: Workspace) -> None:
    app = open_library()
    app.text_input(key="folder-path").set_value("/no/such/folder")
    app.button(key="go-folder").click().run()
    assert "was not found" in app.error[0].value


@pytest.mark.parametrize(
    ("field", "go", "said"),
    [
        ("export-paths", "go-export", "Nothing was named"),
        ("profile", "go-profile", "cannot be the name of an Instagram user"),
        ("url-path", "go-url", "Nothing was named"),
    ],
)
def test_a_form_left_empty_says_what_is_missing(shown: Workspace, field: str, go: str, said: str) -> None:
    app = open_library()
    app.button(key=go).click().run()
    assert not app.exception
    assert said in app.error[0].value


def test_a_photo_in_a_zip_given_by_path_is_captioned(shown: Workspace, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "trip.zip", "w") as archive:
        archive.writestr("a/red.jpg", jpeg("red"))
    app = open_library()
    app.text_input(key="url-path").set_value(str(tmp_path / "trip.zip"))
    app.button(key="go-url").click().run()
    run = state.runs().latest
    assert run is not None
    run.wait(PATIENCE_S)
    assert run.snapshot.error is None
    (photo,) = shown.library.photos("trip")
    assert (photo.source_key, photo.state) == ("trip.zip/a/red.jpg", PhotoState.READY)


def test_older_captions_are_searchable_on_the_page_without_a_picture(shown: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "captions_dict_pets.json"
    path.write_text(json.dumps({"https://example.com/1.jpg": "a dog on a beach"}))
    shown.add(str(path))
    app = open_page(name="pets", q="dog")
    assert not app.exception
    assert len(alts(app)) == 0
    assert '<div class="unseen">1.jpg</div>' in html(app)
    assert "a <mark>dog</mark> on a beach" in html(app)


def test_near_duplicates_are_one_with_their_number(shown: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "bursts"
    root.mkdir()
    photo = Image.fromarray(load_sample_image("china.jpg"))
    for quality in (95, 70, 40):
        photo.save(root / f"{quality}.jpg", quality=quality)
    fill(shown, root)
    assert len(alts(open_page(q="picture", alike="false"))) == 3
    app = open_page(q="picture")
    assert len(alts(app)) == 1
    assert "+ 2 near-duplicates" in html(app)


def test_the_public_demo_offers_no_way_to_change_it(
    tmp_path: Path, tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = Workspace(Settings(tmp_path / "library", models_dir=tiny_models, demo=True))
    demo.prepare_demo()
    monkeypatch.setattr(state, "workspace", lambda: demo)
    app = open_page()
    app.switch_page(str(site_path().parents[2] / "pages" / "library.py")).run()
    assert not app.exception
    assert "public demo" in app.info[0].value
    assert not app.text_input
    assert not app.button


def test_the_shares_shown_add_up_to_the_score_shown(shown: Workspace, make_photos: Callable[..., Path]) -> None:
    fill(shown, make_photos("red.jpg", "green.jpg", "blue.jpg", "red-2.jpg"))
    app = open_page(q="a red picture of a green thing", cutoff="0")
    cards = re.findall(r'class="score">([\d.]+)</span> <span class="why">= ([^<]+)<', html(app))
    assert len(cards) == 4
    for score, why in cards:
        assert sum(float(part.split()[-1]) for part in why.split(" + ")) == pytest.approx(float(score))


def test_signs_that_stand_for_several_words_are_marked_like_words(shown: Workspace) -> None:
    from photosearch.ui.cards import marked

    assert marked("½ cup & the dog’s bowl", {"two", "dog"}) == "<mark>½</mark> cup &amp; the <mark>dog’s</mark> bowl"


def test_a_library_that_fails_later_is_said_on_the_page(
    shown: Workspace, make_photos: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise LibraryError("The library `x` is damaged.")

    monkeypatch.setattr(shown.library, "collections", broken)
    app = open_page()
    assert not app.exception
    assert "is damaged" in app.error[0].value


class Telling(ColourStation):
    """A station that tells the same of every picture."""

    def __init__(self, station: Station, told: Findings) -> None:
        super().__init__()
        self.station, self.digest, self.told = station, station * 8, told

    def observe(self, batch: Batch) -> list[Findings]:
        return [self.told] * len(batch.pictures)


def all_stations() -> list[Telling]:
    dogs = tuple(Detection("dog", score, (0, 0, 1, 1)) for score in (0.9, 0.8))
    return [
        Telling(Station.CAPTIONER, Findings(captions=(Caption("a red picture", -0.5, "telling"),))),
        Telling(Station.DETECTOR, Findings(objects=dogs)),
        Telling(Station.CLASSIFIER, Findings(labels=(Prediction("Border collie", 0.7),))),
        Telling(Station.CONCEPTS, Findings(concepts=(Prediction("grass", 0.8),))),
    ]


def test_objects_are_chips_and_predicted_terms_are_also_found(
    shown: Workspace, make_photos: Callable[..., Path]
) -> None:
    shown.add(str(make_photos("red.jpg")))
    analyse(shown.library, *all_stations())
    app = open_page(q="grass and an animal")
    assert '<span class="chip"><mark>dog</mark> × 2</span>' in html(app)
    assert "also found: " in html(app)
    assert "grass" in html(app).split("also found: ")[1]
    assert "animal" in html(app).split("also found: ")[1]


def test_what_adds_less_than_a_hundredth_is_no_reason(shown: Workspace, make_photos: Callable[..., Path]) -> None:
    shown.add(str(make_photos("red.jpg")))
    found = Findings(concepts=(Prediction("grass", 0.8), Prediction("motorcycl", 0.004)))
    analyse(shown.library, Telling(Station.CONCEPTS, found))
    query = "a motorcycle on grass"
    (hit,) = shown.searcher.search(Question(query, "photos")).hits
    grass, motorcycle = hit.shares
    hit = replace(hit, score=0.504, shares=(grass._replace(share=0.5), motorcycle._replace(share=0.004)))
    assert cards_of.describe_hit(hit, query).count("motorcycle") == 0
    assert "also found: grass<" in cards_of.describe_hit(hit, query)
    told = cards_of.reasons(hit, query)
    assert '<span class="term">grass</span>' in told
    assert "motorcycle" not in told
    assert "and 1 more, 0.00 together" in told
    alone = replace(hit, score=0.004, shares=hit.shares[1:])
    assert '<span class="term">motorcycle</span>' in cards_of.reasons(alone, query)


def test_what_is_searched_can_be_chosen_and_is_in_the_address(
    shown: Workspace, make_photos: Callable[..., Path]
) -> None:
    shown.add(str(make_photos("red.jpg")))
    analyse(shown.library, *all_stations())
    assert len(cards(open_page(q="collie"))) == 1
    assert "No photo matches" in open_page(q="collie", by="captions", related="false").info[0].value
    assert len(cards(open_page(q="red", by="captions", related="false"))) == 1
