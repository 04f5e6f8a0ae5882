"""The Inspect page in a real browser: attention for a picked word, a correction that is found at once and stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from photosearch.settings import Settings
from photosearch.workspace import Workspace
from tests.browser.server import serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that holds the captioned demo photos."""
    folder = tmp_path_factory.mktemp("inspect") / "library"
    workspace = Workspace(Settings(folder))
    workspace.prepare_demo()
    workspace.close()
    return folder


def photo_of(library: Path) -> tuple[str, str]:
    workspace = Workspace(Settings(library))
    photo = workspace.library.photos("demo")[0]
    workspace.close()
    return photo.id, photo.caption


def test_a_word_shows_where_the_model_looked(page: Page, library: Path, tmp_path: Path) -> None:
    photo_id, caption = photo_of(library)
    with serving(library, tmp_path / "log") as address:
        page.goto(f"{address}/inspect?photo={photo_id}")
        words, figure = page.locator(".viewer .word"), page.locator(".viewer .figure")
        expect(words).to_have_count(len(caption.split()) + 1)
        assert page.locator(".viewer .word .name").all_inner_texts() == [*caption.split(), "(end)"]
        expect(figure.locator(".heat.on")).to_have_count(0)
        before = figure.screenshot()
        words.nth(1).hover()
        expect(figure.locator(".heat.on")).to_have_count(1)
        page.wait_for_timeout(400)  # the heat fades in
        hovered = figure.screenshot()
        assert hovered != before
        words.nth(len(caption.split())).focus()
        page.keyboard.press("Enter")
        expect(words.nth(len(caption.split()))).to_have_attribute("aria-pressed", "true")
        expect(page.get_by_text("given the words before")).to_be_visible()
        page.mouse.move(0, 0)
        page.wait_for_timeout(400)
        assert figure.screenshot() not in (before, hovered)


def test_a_photo_is_chosen_with_the_keyboard(page: Page, library: Path, tmp_path: Path) -> None:
    with serving(library, tmp_path / "log") as address:
        page.goto(f"{address}/inspect")
        button = page.get_by_role("button", name="Look inside").first
        button.focus()
        button.press("Enter")
        expect(page.locator(".viewer .word").first).to_be_visible()
        assert "photo=" in page.url


def test_a_correction_is_found_at_once_and_after_a_restart(page: Page, library: Path, tmp_path: Path) -> None:
    photo_id, _ = photo_of(library)
    with serving(library, tmp_path / "log") as address:
        page.goto(f"{address}/?q=periwinkle&name=demo&related=false")
        expect(page.get_by_text("No photo matches")).to_be_visible()
        page.goto(f"{address}/inspect?photo={photo_id}")
        page.get_by_label("What the photo shows").fill("a periwinkle <img src=x onerror=document.title=1> **sky**")
        page.get_by_label("Your name").fill("Ada")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Search finds the new caption at once")).to_be_visible()
        expect(page.locator('img[src="x"]')).to_have_count(0)
        expect(page.get_by_role("heading", name="a periwinkle <img src=x")).to_be_visible()
        page.goto(f"{address}/?q=periwinkle&name=demo")
        expect(page.get_by_text("a periwinkle <img src=x onerror=document.title=1> **sky**").first).to_be_visible()
        expect(page.locator('img[src="x"]')).to_have_count(0)
        assert page.title() != "1"
    with serving(library, tmp_path / "log-2") as address:
        page.goto(f"{address}/?q=periwinkle&name=demo")
        expect(page.get_by_text("a periwinkle <img src=x onerror=document.title=1> **sky**").first).to_be_visible()
