"""`make screenshots`: the pictures in docs/, of the demo collection."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from photosearch.search.question import Question
from photosearch.settings import Settings
from photosearch.sources import demo
from photosearch.workspace import Workspace
from tests.browser.chromium import launch
from tests.browser.server import ROOT, serving

PATIENCE_MS = 120_000
SHOTS = (
    ("search", "/?q=red+motorcycle&cutoff=0", 1280, 1060, "light"),
    ("search-phone", "/?q=red+motorcycle&cutoff=0", 400, 800, "dark"),
    ("inspect", "/inspect?photo={photo}", 1280, 1000, "light"),
    ("library", "/library", 1280, 800, "light"),
    ("quality", "/quality?show=Captions", 1280, 800, "dark"),
)


def first_photo(library: Path) -> str:
    """The motorcycle's id."""
    workspace = Workspace(Settings(library))
    try:
        return workspace.searcher.search(Question("motorcycle", "demo", top=1)).hits[0].photo.id
    finally:
        workspace.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = launch(playwright)
        with serving(Path(scratch) / "library", Path(scratch) / "log") as address:
            page = browser.new_page()
            page.goto(address)
            n_photos = sum(map(len, demo.PHOTOS.values()))
            expect(page.locator('img[src*="/api/v1/photos/"]')).to_have_count(n_photos, timeout=PATIENCE_MS)
            photo = first_photo(Path(scratch) / "library")
            for name, path, width, height, scheme in SHOTS:
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(address + path.format(photo=photo))
                expect(page.locator(".foot")).to_be_visible(timeout=PATIENCE_MS)
                page.wait_for_load_state("networkidle")
                for waited in ("stSkeleton", "stSpinner", "stStatusWidget"):  # charts and tables still to be drawn
                    expect(page.get_by_test_id(waited)).to_have_count(0, timeout=PATIENCE_MS)
                page.wait_for_timeout(1000)  # pictures fade in
                page.screenshot(path=ROOT / "docs" / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
