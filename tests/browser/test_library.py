"""The Library page in a real browser: a run with progress that is stopped and goes on, a file that is taken away."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.server import serving

pytestmark = pytest.mark.browser
N_PHOTOS = 200  # some ten seconds of work


@pytest.fixture
def many_photos(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    noise = np.random.default_rng(0)
    for i in range(N_PHOTOS):
        Image.fromarray(noise.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(folder / f"{i:03}.jpg")
    return folder


def test_a_run_is_seen_by_two_tabs_stopped_and_goes_on(page: Page, tmp_path: Path, many_photos: Path) -> None:
    with serving(tmp_path / "library", tmp_path / "log") as address:
        page.goto(f"{address}/library")
        expect(page.get_by_text("9 photos, 9 captioned")).to_be_visible()  # the demo's own run is over
        page.get_by_role("tab", name="Folder").click()
        page.get_by_label("Folder on this machine").fill(str(many_photos))
        page.get_by_role("tabpanel", name="Folder").get_by_role("button", name="Add and caption").click()
        progress = re.compile(rf"\d+ of {N_PHOTOS} photos.* a second.*left")
        expect(page.get_by_text(progress)).to_be_visible()
        other = page.context.new_page()
        other.goto(f"{address}/library")
        expect(other.get_by_text(progress)).to_be_visible()
        other.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("stopped. What was done is kept.")).to_be_visible()
        counts = page.get_by_text(re.compile(rf"{N_PHOTOS} photos, \d+ captioned, \d+ to do"))
        expect(counts).to_be_visible()
        n_done = int(re.search(r"(\d+) captioned", counts.inner_text())[1])  # type: ignore[index]
        assert 0 < n_done < N_PHOTOS
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text(f"{N_PHOTOS} photos, {N_PHOTOS} captioned")).to_be_visible()


def test_an_export_is_made_and_downloaded(page: Page, demo_app: str) -> None:
    page.goto(f"{demo_app}/library")
    expect(page.get_by_text("9 photos, 9 captioned")).to_be_visible()
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog")
    only = dialog.get_by_role("textbox", name="Only photos found by this query")
    only.fill("motorcycle")
    only.press("Enter")
    dialog.get_by_role("button", name="Make the file").click()
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible()
    with page.expect_download() as started:
        link.click()
    with zipfile.ZipFile(io.BytesIO(Path(started.value.path()).read_bytes())) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert any(name.endswith(".csv") for name in names)
        assert any("motorcycle" in name for name in names)
