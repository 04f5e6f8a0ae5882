from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.browser.chromium import launch
from tests.browser.server import serving

PATIENCE_MS = 90_000
expect.set_options(timeout=PATIENCE_MS)  # on a busy machine


# Of the package: while Playwright is started its event loop runs, and tests elsewhere could run none.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = launch(playwright)
    yield started
    started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def demo_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app as a new user starts it: with an empty library."""
    folder: Path = tmp_path_factory.mktemp("app")
    with serving(folder / "library", folder / "log") as address:
        yield address
