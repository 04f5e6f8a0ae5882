"""The Quality page without a browser: each section, empty and filled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from photosearch.settings import Settings
from photosearch.ui import site_path, state
from photosearch.workspace import Workspace
from tests.app.cards import alts, cards, photo_ids
from tests.app.test_pages import PATIENCE_S, fill, shown  # noqa: F401 - a fixture
from tests.unit.evaluation.test_quality import id_of

PAGE = str(site_path().parents[2] / "pages" / "quality.py")


def open_quality(show: str | None = None, **query: str) -> AppTest:
    app = AppTest.from_file(str(site_path()), default_timeout=PATIENCE_S)
    app.run()
    app.switch_page(PAGE)
    for key, value in query.items():
        app.query_params[key] = value
    if show:
        app.query_params["show"] = show
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def filled(shown: Workspace, make_photos: Callable[..., Path]) -> Workspace:  # noqa: F811
    fill(shown, make_photos("red.jpg", "green.jpg", "blue.jpg"))
    return shown


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.info, *app.text, *app.caption))


@pytest.mark.parametrize("show", [None, "Words", "Captions"])
def test_an_empty_library_says_where_to_go(shown: Workspace, show: str | None) -> None:  # noqa: F811
    assert "no photos yet" in open_quality(show).info[0].value


@pytest.mark.parametrize(
    ("show", "said"), [("Words", "has a caption yet"), ("Captions", "no captions written by a model")]
)
def test_photos_without_captions_are_said(
    shown: Workspace,  # noqa: F811
    make_photos: Callable[..., Path],
    show: str,
    said: str,
) -> None:
    shown.add(str(make_photos("red.jpg")))
    assert said in open_quality(show).info[0].value


def measure(app: AppTest, text: str) -> AppTest:
    app.text_area(key="typed").set_value(text)
    app.button(key="go-typed").click().run()
    assert not app.exception
    return app


def test_typed_queries_are_measured_and_their_ranks_shown(filled: Workspace) -> None:
    app = measure(open_quality(), "something red, red.jpg\nan elephant, green.jpg\na dog, <b>nothing</b>.jpg")
    summary, each = (frame.value for frame in app.dataframe)
    assert list(summary["caption only"]) == ["50%", "50%", "50%", "not found"]
    assert list(each["query"]) == ["an elephant", "something red"]
    assert each["rank by all"].isna().tolist() == [True, False]
    assert each["inspect"][1] == f"/inspect?photo={id_of(filled, 'red.jpg')}"
    assert each["search"][1] == "/?q=something+red&name=photos"
    assert "1 line could not be used" in app.warning[0].value
    assert 'Line 3: there is no photo "<b>nothing</b>.jpg"' in app.text[0].value


@pytest.mark.parametrize(
    ("text", "said"), [("", "There is no query"), ("a dog, red.jpg\n" * 5001, "more than 5,000 pairs")]
)
def test_what_cannot_be_measured_is_an_error(filled: Workspace, text: str, said: str) -> None:
    app = measure(open_quality(), text)
    assert said in app.error[0].value.replace("\\", "")
    assert not app.dataframe


def test_only_unusable_lines_are_said_and_nothing_is_measured(filled: Workspace) -> None:
    app = measure(open_quality(), "a dog, nothing.jpg")
    assert "1 line could not be used" in app.warning[0].value
    assert not app.dataframe


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.radio(key="how").set_value("Upload a file").run()
    app.file_uploader(key="query-file").set_value([(name, data, "text/csv")]).run()
    app.button(key="go-file").click().run()
    assert not app.exception
    return app


def test_a_file_is_measured(filled: Workspace) -> None:
    app = upload(open_quality(), "queries.csv", b"query,photo\nsomething red,red.jpg\n")
    assert list(app.dataframe[1].value["rank by all"]) == [1]


@pytest.mark.parametrize(("data", "said"), [(b"", "There is no query"), (b"\xff\xfe\x00", "is not UTF-8 text")])
def test_a_file_that_cannot_be_used_is_said(filled: Workspace, data: bytes, said: str) -> None:
    assert said in upload(open_quality(), "queries.csv", data).error[0].value.replace("\\", "")


def test_corrections_are_measured_without_themselves_and_it_says_so(filled: Workspace) -> None:
    app = open_quality()
    app.radio(key="how").set_value("Use corrections").run()
    assert "No caption of this collection has been corrected" in app.info[0].value
    filled.correct(id_of(filled, "green.jpg"), "a green picture of grass", "tester")
    app = open_quality()
    app.radio(key="how").set_value("Use corrections").run()
    assert "not searched" in texts(app)
    app.button(key="go-corrections").click().run()
    assert not app.exception
    assert list(app.dataframe[1].value["query"]) == ["a green picture of grass"]


def test_a_changed_collection_is_said(filled: Workspace) -> None:
    app = measure(open_quality(), "something red, red.jpg")
    filled.correct(id_of(filled, "green.jpg"), "a meadow", "tester")
    assert "has changed since" in app.run().info[0].value


def test_words_are_listed_least_and_most_distinctive(filled: Workspace) -> None:
    app = open_quality("Words")
    least, most = (frame.value for frame in app.dataframe)
    assert (least["word"][0], least["photos"][0], least["share"][0]) == ("picture", 3, "100.0%")
    assert most["word"][0] == "blue"


def test_the_least_sure_captions_lead_to_the_inspect_page(filled: Workspace) -> None:
    app = open_quality("Captions")
    assert "median of 3 captions is **-0.50**" in texts(app)
    assert len(app.get("vega_lite_chart")) == 1
    assert sorted(alts(app)) == ["a blue picture", "a green picture", "a red picture"]
    assert set(photo_ids(app)) == {id_of(filled, f"{colour}.jpg") for colour in ("red", "green", "blue")}
    assert all('class="score">-0.50</span>' in card for card in cards(app))


def test_speed_is_shown_by_station(filled: Workspace) -> None:
    app = open_quality("Speed")
    assert list(app.dataframe[0].value["station"]) == ["reading (waiting time)", "captioner", "saving the results"]
    assert "3 photos in" in texts(app)


def test_without_a_run_there_is_no_speed(shown: Workspace) -> None:  # noqa: F811
    assert "No run has been measured" in open_quality("Speed").info[0].value


def test_models_are_shown_with_their_cards(shown: Workspace) -> None:  # noqa: F811
    app = open_quality("Models")
    labels = [expander.label for expander in app.expander]
    assert any(label.startswith("detector, ") for label in labels)
    assert any(label.startswith("captioner, ") for label in labels)
    assert "YOLOv3-tiny" in texts(app)


def test_the_public_demo_measures_and_offers_no_correction(
    tmp_path: Path, tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = Workspace(Settings(tmp_path / "library", models_dir=tiny_models, demo=True))
    demo.prepare_demo()
    monkeypatch.setattr(state, "workspace", lambda: demo)
    assert "correct it" not in texts(open_quality("Captions"))
    photo = demo.library.photos("demo")[0]
    app = measure(open_quality(), f"a flower, {photo.name}")
    assert list(app.dataframe[1].value["photo"]) == [photo.name]
    assert "/" not in app.dataframe[1].value["photo"][0]
