"""The HTTP API beside the pages, in the same process; its page works without a network."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from photosearch.sources import demo

pytestmark = pytest.mark.browser
PATIENCE_MS = 90_000
N_DEMO = sum(map(len, demo.PHOTOS.values()))


def test_the_api_answers_what_the_page_shows(page: Page, demo_app: str) -> None:
    page.goto(demo_app)
    pictures = page.locator('img[src*="/api/v1/photos/"]')
    expect(pictures).to_have_count(N_DEMO, timeout=PATIENCE_MS)
    alt = pictures.first.get_attribute("alt")
    answer = page.request.get(f"{demo_app}/api/v1/search", params={"str": alt or "", "name": "demo", "literal": "true"})
    assert answer.ok
    hits = answer.json()["hits"]
    assert alt in [hit["caption"] for hit in hits]
    large = page.request.get(f"{demo_app}/api/v1/photos/{hits[0]['photo']}/image?size=1600")
    assert large.headers["content-type"] == "image/jpeg"
    assert "access-control-allow-origin" not in answer.headers


def test_the_page_that_describes_the_api_asks_nobody_else(page: Page, demo_app: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{demo_app}/api/docs")
    expect(page.get_by_text("/v1/search", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".opblock")).to_have_count(6)
    page.get_by_text("/v1/collections", exact=True).click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    assert {urlsplit(url).netloc for url in asked if urlsplit(url).scheme != "data"} == {urlsplit(demo_app).netloc}
