"""Logging in by OpenID Connect at a real provider: who is invited sees everything, all others nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
import websockets.sync.client as websocket
from joserfc.jwk import RSAKey
from playwright.sync_api import Page, expect
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from websockets.exceptions import InvalidStatus

from photosearch.library import Library
from tests.browser.openid_provider import CLIENT_ID, CLIENT_SECRET, Provider, providing
from tests.browser.server import serving
from tests.browser.test_access import COLLECTION, SECRETS, library

__all__ = ["library"]  # the fixture
pytestmark = pytest.mark.browser
INVITED, FAMILY, STRANGER = "me@example.org", "aunt@family.example", "you@example.org"
COOKIE_SECRET = "signs the cookies of this test only"  # noqa: S105


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as started:
        yield started


@pytest.fixture(scope="module")
def served(library: Path, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The server's address, set up for the provider as people do it, and its log."""
    home: Path = tmp_path_factory.mktemp("home")
    (home / ".streamlit").mkdir()
    (home / ".streamlit" / "secrets.toml").write_text(
        f"""[auth]
        redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
        cookie_secret = "{COOKIE_SECRET}"
        client_id = "{CLIENT_ID}"
        client_secret = "{CLIENT_SECRET}"
        server_metadata_url = "{provider.address}/.well-known/openid-configuration"
        """
    )
    users = f"{INVITED}, *@family.example"
    with serving(library, home / "log", HOME=str(home), PHOTOSEARCH_USERS=users) as address:
        yield address, home / "log"


@pytest.fixture
def address(served: tuple[str, Path], provider: Provider) -> str:
    provider.claims, provider.signing_key = {"email": INVITED, "email_verified": True}, provider.key
    provider.is_down = False
    return served[0]


@pytest.fixture
def visitor(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, follow_redirects=True, timeout=60, trust_env=False) as client:
        yield client


def log_in(visitor: httpx.Client) -> httpx.Response:
    """Follow the page's link, to the provider and back."""
    asked = visitor.get("/")
    assert asked.status_code == 401
    link = re.search(r'href="(/auth/login\?provider=[^"]+)"', asked.text)
    assert link is not None
    return visitor.get(link[1])


def photo_addresses(library: Path) -> list[str]:
    photo = Library(library).photos(COLLECTION)[0]
    return [f"/api/v1/photos/{photo.id}/image", f"/api/v1/photos/{photo.id}", "/api/v1/collections"]


def sees(visitor: httpx.Client, library: Path) -> set[bool]:
    """Ask for everything; return whether it was given, once if it was the same for all."""
    given = set()
    for path in photo_addresses(library):
        answer = visitor.get(path)
        assert answer.status_code in (200, 401)
        assert (answer.status_code == 200) is any(secret in answer.content for secret in SECRETS)
        given.add(answer.status_code == 200)
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    place = f"{str(visitor.base_url).replace('http', 'ws').rstrip('/')}/_stcore/stream"
    try:
        with websocket.connect(place, additional_headers={"Cookie": cookies}):
            given.add(True)
    except InvalidStatus:
        given.add(False)
    return given


def test_who_is_not_logged_in_sees_nothing(visitor: httpx.Client, library: Path) -> None:
    assert sees(visitor, library) == {False}


@pytest.mark.parametrize("email", [INVITED, FAMILY])
def test_who_is_invited_sees_everything_until_logging_out(
    visitor: httpx.Client, provider: Provider, library: Path, email: str
) -> None:
    provider.claims = {"email": email}
    assert log_in(visitor).status_code == 200
    assert sees(visitor, library) == {True}
    visitor.post("/logout")
    assert sees(visitor, library) == {False}


@pytest.mark.parametrize(
    "claims",
    [{"email": STRANGER}, {"email": INVITED, "email_verified": False}, {"email": f"{INVITED}.evil.example"}, {}],
)
def test_who_is_not_invited_is_told_so_and_sees_nothing(
    visitor: httpx.Client, provider: Provider, library: Path, claims: dict[str, object]
) -> None:
    provider.claims = claims
    answer = log_in(visitor)
    assert (answer.status_code, "is not invited" in answer.text) == (401, True)
    assert sees(visitor, library) == {False}


@pytest.mark.parametrize(
    "wrong", [{"nonce": "another"}, {"aud": "another"}, {"exp": 1}, {"iss": "http://127.0.0.1:1"}, "forged"]
)
def test_a_token_that_is_not_right_lets_nobody_in(
    visitor: httpx.Client, provider: Provider, library: Path, wrong: dict[str, object] | str
) -> None:
    if isinstance(wrong, str):
        provider.signing_key = RSAKey.generate_key(2048, parameters={"kid": "1"})
    else:
        provider.claims |= wrong
    assert log_in(visitor).status_code == 401
    assert sees(visitor, library) == {False}


def test_a_code_of_somebody_else_lets_nobody_in(visitor: httpx.Client, library: Path) -> None:
    """As when a link to the end of the attacker's log-in is sent to somebody (OAuth 2.0, section 10.12)."""
    answer = visitor.get("/oauth2callback", params={"code": "another", "state": "another"})
    assert answer.status_code == 401
    assert sees(visitor, library) == {False}


def test_a_provider_that_is_down_is_one_line_on_the_page_and_in_the_log(
    visitor: httpx.Client, provider: Provider, served: tuple[str, Path], library: Path
) -> None:
    link = re.search(r'href="(/auth/login[^"]+)"', visitor.get("/").text)
    assert link is not None
    sent_on = visitor.get(link[1], follow_redirects=False).headers["location"]
    sent_back = visitor.get(sent_on, follow_redirects=False).headers["location"]
    provider.is_down = True
    n_before = len(served[1].read_text())
    refused, failed = visitor.get(link[1]), visitor.get(sent_back)
    assert (refused.status_code, "does not answer as it should" in refused.text) == (502, True)
    assert (failed.status_code, "did not confirm this log-in" in failed.text) == (401, True)
    assert all(link[1].partition("?")[0] in answer.text for answer in (refused, failed))
    assert sees(visitor, library) == {False}
    logs = served[1].read_text()[n_before:], (library / "server.log").read_text()
    for text in logs:
        assert "Traceback" not in text
        assert "code=" not in text
    lines = [line for line in logs[0].splitlines() if line.strip()]
    assert len(lines) == 2, lines
    assert all("the provider did not answer as it should" in line for line in lines)
    provider.is_down = False
    assert log_in(visitor).status_code == 200
    assert sees(visitor, library) == {True}


def test_who_goes_back_in_the_browser_or_is_sent_back_after_logging_out_is_told_of_no_failure(
    visitor: httpx.Client, library: Path
) -> None:
    assert visitor.get("/oauth2callback").url.path == "/"
    log_in(visitor)
    assert visitor.get("/oauth2callback", params={"code": "old", "state": "old"}).status_code == 200
    assert sees(visitor, library) == {True}


def test_a_cookie_that_was_changed_is_none(visitor: httpx.Client, library: Path) -> None:
    log_in(visitor)
    value = visitor.cookies[USER_COOKIE_NAME]
    visitor.cookies.clear()
    # The tenth from the end is in the signature; of the last one some bits stand for nothing.
    visitor.cookies.set(USER_COOKIE_NAME, value[:-10] + ("A" if value[-10] != "A" else "B") + value[-9:])
    assert sees(visitor, library) == {False}


def test_the_page_in_a_browser(page: Page, address: str, served: tuple[str, Path]) -> None:
    page.goto(address)
    page.get_by_role("link", name="Log in").click()
    expect(page.get_by_text("Find a photo by describing it")).to_be_visible()
    expect(page.locator('img[src*="/api/v1/photos/"]').first).to_be_visible()
    page.wait_for_function("document.querySelector('.photos img').naturalWidth > 0")
    page.get_by_role("link", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    log = served[1].read_text()
    for secret in (CLIENT_SECRET, COOKIE_SECRET, INVITED, "code=", "eyJ"):
        assert secret not in log
