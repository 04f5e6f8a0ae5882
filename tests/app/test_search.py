"""The search page without a browser: the language, filters, pages, the dialog, likeness, what the address holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from photosearch.errors import ModelError
from photosearch.pictures.images import Picture
from photosearch.records import Caption, Details, Findings, Listing, TextKind
from photosearch.ui import site_path, state
from photosearch.vision.observer import Batch
from photosearch.workspace import Workspace
from tests.app.cards import alts, cards, photo_ids
from tests.conftest import ColourStation, analyse, jpeg

PATIENCE_S = 30
HOSTILE = "<img src=x onerror=alert(1)> **bold**"


@pytest.fixture
def shown(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace that the pages show."""
    st.cache_resource.clear()
    monkeypatch.setattr(state, "workspace", lambda: workspace)
    yield workspace
    st.cache_resource.clear()


@pytest.fixture
def posts(shown: Workspace, tmp_path: Path) -> Workspace:
    """Two photos with all that may come with a post: the red one's is harmless, the green one's hostile."""
    for colour in ("red", "green"):
        (tmp_path / f"{colour}.jpg").write_bytes(jpeg(colour))
    red = Details(
        permalink="https://example.com/p/1",
        taken_at=datetime(2023, 6, 1, 0, 20, tzinfo=timezone(timedelta(hours=2))),
        place="Rügen",
        latitude=54.4,
        longitude=13.4,
        camera="Canon EOS R5",
        rating=4,
        texts=((TextKind.OWNER, "our holiday"), (TextKind.HASHTAG, "sunset"), (TextKind.OBJECT, "sports ball")),
    )
    green = Details(
        permalink="javascript:alert(1)",
        taken_at=datetime(2021, 1, 2),
        place=HOSTILE,
        texts=((TextKind.OWNER, HOSTILE), (TextKind.HASHTAG, "<b>"), (TextKind.OBJECT, "**dog**")),
    )
    shown.library.merge(
        "posts",
        "folder",
        [
            Listing(str(tmp_path / "red.jpg"), "", details=red),
            Listing(str(tmp_path / "green.jpg"), "", details=green),
        ],
    )
    analyse(shown.library, ColourStation())
    return shown


@pytest.fixture
def many(shown: Workspace, tmp_path: Path) -> Workspace:
    """250 captions of another system, without pictures; 120 hold a dog."""
    captions = {f"https://example.com/{n}.jpg": "a dog" if n < 120 else "a cat on grass" for n in range(250)}
    path = tmp_path / "captions_dict_pets.json"
    path.write_text(json.dumps(captions))
    shown.add(str(path))
    return shown


def observe_colour(picture: Picture) -> Findings:
    """Stand in for the models: name the colour of a picture."""
    return ColourStation().observe(Batch([picture]))[0]


def observe_dog(_: Picture) -> Findings:
    """Stand in for the models: find the same in every picture."""
    return Findings(captions=(Caption("a dog", -0.5, "same"),))


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(site_path()), default_timeout=PATIENCE_S)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def html(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def said(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.caption, *app.info, *app.warning))


def n_cards(app: AppTest) -> int:
    return len(cards(app))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("picture -green", ["a red picture"]),
        ('"red picture"', ["a red picture"]),
        ("#sunset", ["a red picture"]),
        ("before:2022", ["a green picture"]),
        ("object:sports-ball", ["a red picture"]),
        ("-nothing", ["a red picture", "a green picture"]),  # newest first
        ("by:owner holiday", ["a red picture"]),
        ("camera:canon", ["a red picture"]),
        ("place:germany rating:>3", ["a red picture"]),
        ("(#sunset | green) -blue", ["a red picture", "a green picture"]),
        ("gre*", ["a green picture"]),
        ("on:2023-06", ["a red picture"]),
    ],
)
def test_the_query_language_works_on_the_page(posts: Workspace, query: str, expected: list[str]) -> None:
    app = open_page(q=query)
    assert not app.exception
    assert alts(app) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({"with": "sports ball"}, ["a red picture"]),
        ({"from": "2022-01-01"}, ["a red picture"]),
        ({"to": "2022-01-01"}, ["a green picture"]),
        ({"q": "picture", "sort": "oldest first"}, ["a green picture", "a red picture"]),
        ({"q": "picture", "sort": "newest first"}, ["a red picture", "a green picture"]),
        ({"worded": "with a caption", "from": "2020-01-01"}, ["a red picture", "a green picture"]),
        ({"q": "red green", "cutoff": "0", "from": "2022-01-01"}, ["a red picture"]),
    ],
)
def test_the_address_holds_the_filters(posts: Workspace, address: dict[str, str], expected: list[str]) -> None:
    app = open_page(**address)
    assert not app.exception
    assert alts(app) == expected


def test_a_date_in_words_is_said_and_one_click_takes_it_as_words(posts: Workspace) -> None:
    app = open_page(q="picture june 2023")
    assert not app.exception
    assert alts(app) == ["a red picture"]
    assert "“june 2023” was understood as a date: 1 June 2023 to 30 June 2023." in said(app).replace("\\", "")
    next(button for button in app.button if button.label == "Search for the words instead").click().run()
    assert not app.exception
    assert sorted(alts(app)) == ["a green picture", "a red picture"]
    assert "understood" not in said(app)
    assert app.query_params["dates"] == ["false"] or app.query_params["dates"] == "false"
    assert sorted(alts(open_page(q="picture june 2023", dates="false"))) == ["a green picture", "a red picture"]


def test_another_spelling_is_shown_as_it_is_written(posts: Workspace) -> None:
    app = open_page(q="rugen", photo=photo_id(posts, "red"))
    assert not app.exception
    assert '<span class="term">rügen</span>' in html(app)
    assert "in the owner&#x27;s words, rugen → rügen" in html(app)
    assert "also found: rügen<" in " ".join(cards(open_page(q="rugen")))


def test_values_in_the_address_that_cannot_be_fall_back(posts: Workspace) -> None:
    app = open_page(
        q="picture", sort="?", cutoff="-7", with_="x", page="99", columns="77", worded="?", to="never", by="x", name="?"
    )
    assert not app.exception
    assert sorted(alts(app)) == ["a green picture", "a red picture"]


def test_filters_that_nothing_passes_can_be_cleared(posts: Workspace) -> None:
    app = open_page(q="picture", to="2001-01-01")
    assert "No photo passes all filters" in said(app)
    next(button for button in app.button if button.label == "Clear filters").click().run()
    assert len(alts(app)) == 2


def test_a_typing_error_gets_a_button_that_asks_again(posts: Workspace) -> None:
    app = open_page(q="gren -blue")
    button = next(button for button in app.button if "Did you mean" in button.label)
    assert button.label == "Did you mean: green \\-blue"
    button.click().run()
    assert app.text_input(key="q").value == "green -blue"
    assert alts(app) == ["a green picture"]


@pytest.mark.parametrize("query", ["🐕", "the of", '"', "before:2023-99", "#nothing", "object:zebra", "\0", "?" * 999])
def test_odd_queries_get_one_clear_note(posts: Workspace, query: str) -> None:
    app = open_page(q=query)
    assert not app.exception
    assert not app.error
    assert len(app.info) == 1


def test_all_hits_can_be_reached_page_by_page(many: Workspace) -> None:
    app = open_page(q="dog", related="false")
    assert n_cards(app) == 24
    assert "120 photos found, 1 to 24 shown" in said(app)
    app.pagination[0].set_value(5).run()
    assert n_cards(app) == 24
    assert "120 photos found, 97 to 120 shown" in said(app)
    app.text_input(key="q").set_value("cat").run()
    assert "130 photos found, 1 to 24 shown" in said(app)
    assert app.pagination[0].value == 1


def test_a_page_may_hold_a_hundred(many: Workspace) -> None:
    app = open_page(q="dog", page="5", related="false")
    app.selectbox(key="per").set_value(100).run()
    assert n_cards(app) == 100
    assert "120 photos found, 1 to 100 shown" in said(app)
    assert n_cards(open_page(q="cat", page="2", per="100", related="false")) == 30


def test_a_page_is_opened_by_address(many: Workspace) -> None:
    assert n_cards(open_page(q="cat", page="6", related="false")) == 10
    assert n_cards(open_page(q="cat", page="77", related="false")) == 24
    assert n_cards(open_page(page="11")) == 10


def test_weak_hits_are_left_out_and_counted(posts: Workspace) -> None:
    app = open_page(q="red holiday picture", cutoff="90")
    assert alts(app) == ["a red picture"]
    assert "1 photo found; 1 with a low score left out" in said(app)
    assert len(alts(open_page(q="red holiday picture", cutoff="0"))) == 2


def test_the_dialog_says_why_and_what_came_with_the_photo(posts: Workspace) -> None:
    app = open_page(q="red holidays", photo=photo_id(posts, "red"))
    assert not app.exception
    shown = html(app)
    assert "Why it was found" in shown
    assert '<span class="term">red</span>' in shown
    assert "in the caption" in shown
    assert "in the owner&#x27;s words" in shown
    for part in (
        "our holiday",
        "#sunset",
        "Rügen",
        "Sehlen, Mecklenburg-Vorpommern, Germany",
        "Canon EOS R5",
        "<dt>Rating</dt><dd>4</dd>",
        "1 June 2023, 00:20 (UTC+02:00)",
    ):
        assert part in shown
    assert [link.proto.url for link in app.get("link_button")] == ["https://example.com/p/1"]
    (inspect,) = (link.proto for link in app.get("page_link"))
    assert inspect.label == "Open in Inspect"
    assert [image.proto.imgs[0].alt for image in app.image] == ["a red picture"]


def test_the_dialog_shows_hostile_texts_as_text_and_links_to_no_script(posts: Workspace) -> None:
    app = open_page(photo=photo_id(posts, "green"))
    assert not app.exception
    assert "&lt;img src=x onerror=alert(1)&gt; **bold**" in html(app)
    assert "<img" not in html(app)
    assert not app.get("link_button")
    assert "Why it was found" not in html(app)


def test_a_photo_that_is_not_on_this_page_opens_without_reasons(posts: Workspace) -> None:
    app = open_page(q="red", photo=photo_id(posts, "green"))
    assert not app.exception
    assert "a green picture" in html(app)
    assert "Why it was found" not in html(app)


@pytest.mark.parametrize("query", ["red", "zzzz"])
@pytest.mark.parametrize("photo", ["nobody", "\0", "x" * 100_000, "<img src=x>"])
def test_a_photo_to_open_that_is_not_there_is_said_once(posts: Workspace, photo: str, query: str) -> None:
    app = open_page(q=query, photo=photo)
    assert not app.exception
    assert "was not found" in app.toast[0].value
    assert len(app.toast[0].value) < 400
    assert "photo" not in app.query_params
    assert not app.run().toast


def test_a_photo_that_vanished_does_not_open(posts: Workspace, tmp_path: Path) -> None:
    gone = photo_id(posts, "green")
    posts.library.merge("posts", "folder", [], gone_keys=[str(tmp_path / "green.jpg")])
    app = open_page(q="red", photo=gone)
    assert not app.exception
    assert "is no longer where it was" in app.toast[0].value


def test_a_photo_opens_where_nothing_is_found(posts: Workspace) -> None:
    app = open_page(q="zzzz", photo=photo_id(posts, "green"))
    assert "a green picture" in html(app)
    app.text_input(key="q").set_value("red").run()
    assert "photo" not in app.query_params


def test_more_like_this_shows_the_others_and_leads_back(posts: Workspace) -> None:
    app = open_page(q="red", photo=photo_id(posts, "red"))
    app.button(key="like").click().run()
    assert not app.exception
    assert app.query_params["like"] == photo_id(posts, "red")
    assert "photo" not in app.query_params
    app = open_page(q="red", like=photo_id(posts, "red"))
    assert alts(app) == ["a green picture"]
    assert "1 photo found, the most like this photo first" in said(app)
    next(button for button in app.button if button.label == "Back to the search").click().run()
    assert alts(app) == ["a red picture"]


def test_photos_like_one_are_gone_through_page_by_page(many: Workspace) -> None:
    like = next(photo.id for photo in many.library.photos("pets") if "dog" in photo.caption)
    app = open_page(like=like)
    assert n_cards(app) == 24
    assert "119 photos found, 1 to 24 shown, the most like this photo first" in said(app)
    first = photo_ids(app)
    app.pagination[0].set_value(5).run()
    assert n_cards(app) == 119 - 4 * 24
    assert not set(first) & set(photo_ids(app))


def test_photos_are_found_like_a_picture_of_ones_own_which_is_not_kept(
    posts: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posts.models, "analyse", observe_colour)
    app = open_page(q="red")
    app.file_uploader[0].set_value(("mine.jpg", jpeg("green"), "image/jpeg")).run()
    assert not app.exception
    assert alts(app)[0] == "a green picture"
    assert "the most like “mine" in said(app)
    assert len(posts.library.photos("posts")) == 2
    next(button for button in app.button if button.label == "Back to the search").click().run()
    assert alts(app) == ["a red picture"]
    next(button for button in app.button if button.label == "Search by this picture again").click().run()
    assert alts(app)[0] == "a green picture"
    app.text_input(key="q").set_value("red picture").run()
    assert alts(app)[0] == "a red picture"
    assert "A score is the sum" in said(app)


def test_more_like_a_hit_goes_before_a_picture_of_ones_own(posts: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts.models, "analyse", observe_colour)
    app = open_page(q="red", photo=photo_id(posts, "green"))
    app.file_uploader[0].set_value(("mine.jpg", jpeg("green"), "image/jpeg")).run()
    assert "most like “mine" in said(app)
    app.button(key="like").click().run()
    assert not app.exception
    assert "most like this photo" in said(app)
    assert alts(app) == ["a red picture"]


def test_another_list_starts_at_its_first_page(many: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many.models, "analyse", observe_dog)
    like = next(photo.id for photo in many.library.photos("pets") if "dog" in photo.caption)
    app = open_page(q="dog", related="false", page="3", photo=like)
    assert "49 to 72 shown" in said(app)
    app.button(key="like").click().run()
    assert "119 photos found, 1 to 24 shown" in said(app)
    app = open_page(q="dog", related="false", page="3")
    app.file_uploader[0].set_value(("mine.jpg", jpeg("green"), "image/jpeg")).run()
    assert "120 photos found, 1 to 24 shown" in said(app)


def test_a_model_that_cannot_be_read_is_not_blamed_on_the_picture(
    posts: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Picture) -> Findings:
        raise ModelError("The model is damaged.")

    monkeypatch.setattr(posts.models, "analyse", fail)
    app = open_page(q="red")
    app.file_uploader[0].set_value(("mine.jpg", jpeg("green"), "image/jpeg")).run()
    assert app.error[0].value == "The model is damaged\\."
    assert alts(app) == ["a red picture"]


@pytest.mark.parametrize("data", [b"", b"no picture", jpeg("red")[:300]], ids=["empty", "other", "cut short"])
def test_a_file_that_is_no_picture_is_said_and_the_search_stays(posts: Workspace, data: bytes) -> None:
    app = open_page(q="red")
    app.file_uploader[0].set_value(("mine.jpg", data, "image/jpeg")).run()
    assert not app.exception
    assert "cannot be used" in app.error[0].value
    assert alts(app) == ["a red picture"]


def test_a_photo_that_is_gone_has_no_likes(posts: Workspace) -> None:
    app = open_page(like="nobody")
    assert not app.exception
    assert "was not found" in said(app)


def photo_id(workspace: Workspace, colour: str) -> str:
    return next(photo.id for photo in workspace.library.photos("posts") if colour in photo.caption)


def test_a_caption_of_which_the_model_was_unsure_is_marked(shown: Workspace, make_photos: Callable[..., Path]) -> None:
    class Unsure(ColourStation):
        def observe(self, batch: Batch) -> list[Findings]:
            return [
                Findings(captions=(Caption("a red boat", -3.0, self.name, is_unsure=True),)) for _ in batch.pictures
            ]

    shown.add(str(make_photos("red.jpg")))
    analyse(shown.library, Unsure())
    (cell,) = cards(open_page(q="boat"))
    assert ">unsure:</span>" in cell
    (photo,) = shown.library.photos("photos")
    assert photo.is_unsure
    shown.correct(photo.id, "a red ball", "me")
    assert not shown.library.photo(photo.id).is_unsure
    assert ">unsure:</span>" not in cards(open_page(q="ball"))[0]
