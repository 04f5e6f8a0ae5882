"""The real server with a lock, without one, and for pages of other sites."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import websockets.sync.client as websocket
from playwright.sync_api import Browser, Page, Playwright, expect
from websockets.exceptions import InvalidStatus

from photosearch.access.sessions import COOKIE
from photosearch.access.tokens import Tokens
from photosearch.library import Library
from tests.app.test_access import METHODS, addresses_of_all_routes
from tests.browser.chromium import launch
from tests.browser.conftest import PATIENCE_MS
from tests.browser.server import serving
from tests.conftest import ColourStation, analyse, jpeg

pytestmark = pytest.mark.browser
PASSWORD = "open sesame, please"  # noqa: S105
COLLECTION = "Holidays of the family"
SECRETS = (COLLECTION.encode(), b"red picture", b"\xff\xd8\xff", b"secret-name")
REBOUND = (
    "--host-resolver-rules=MAP evil.example 127.0.0.1",
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",  # some browsers have none
)
QUERY = "quite a private question"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with one captioned photo."""
    folder: Path = tmp_path_factory.mktemp("locked")
    library = Library(folder / "library")
    (folder / "secret-name.jpg").write_bytes(jpeg("red", (800, 600)))
    from photosearch.records import Listing

    library.merge(COLLECTION, "folder", [Listing(str(folder / "secret-name.jpg"), "1")])
    analyse(library, ColourStation())
    library.close()
    return folder / "library"


@pytest.fixture(scope="module")
def locked(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The server's address with a password set, and its log."""
    log: Path = tmp_path_factory.mktemp("log") / "log"
    with serving(library, log, PHOTOSEARCH_PASSWORD=PASSWORD) as address:
        yield address, log


def ask(address: str, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def opens_websocket(address: str, **headers: str) -> bool:
    try:
        with websocket.connect(f"ws{address.removeprefix('http')}/_stcore/stream", additional_headers=headers):
            return True
    except InvalidStatus:
        return False


def test_without_the_password_no_route_tells_anything(locked: tuple[str, Path], library: Path) -> None:
    address, _ = locked
    photo = Library(library).photos(COLLECTION)[0]
    paths = {path for path, _ in addresses_of_all_routes()}
    paths |= {
        "/api/v1/collections",
        "/api/v1/search?str=red",
        f"/api/v1/photos/{photo.id}",
        f"/api/v1/photos/{photo.id}/image",
    }
    for path in sorted(paths):
        for method in METHODS:
            status, content = ask(address, method, path)
            assert status == 401 or path.startswith("/_stcore/health"), (method, path)
            assert not any(secret in content for secret in SECRETS), (method, path)
    assert not opens_websocket(address)
    assert not opens_websocket(address, Origin=address)
    assert not opens_websocket(address, Cookie=f"{COOKIE}=1.1.1")
    token = Tokens(library).create("browser test", may_write=False)
    status, content = ask(address, "GET", "/api/v1/collections", Authorization=f"Bearer {token}")
    assert (status, COLLECTION.encode() in content) == (200, True)


def test_a_visitor_logs_in_and_out(page: Page, locked: tuple[str, Path]) -> None:
    address, log = locked
    page.goto(f"{address}/?q={QUERY}")
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("This is not the password")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Find a photo by describing it")).to_be_visible(timeout=PATIENCE_MS)
    assert "q=" in page.url, "where the visitor wanted to go"
    page.goto(address)
    expect(page.locator('img[src*="/api/v1/photos/"]').first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_function("document.querySelector('.photos img').naturalWidth > 0", timeout=PATIENCE_MS)
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    said = log.read_text() + "".join(file.read_text() for file in Path(log.parent).glob("server.log*"))
    for secret in (PASSWORD, "a wrong password", QUERY.split()[-1], "photosearch_"):
        assert secret not in said


def test_a_visitor_from_another_machine_sees_how_to_set_a_password(
    browser: Browser, library: Path, tmp_path: Path
) -> None:
    context = browser.new_context(extra_http_headers={"X-Forwarded-For": "203.0.113.7"})
    with serving(library, tmp_path / "log") as address:
        page = context.new_page()
        page.goto(address)
        expect(page.get_by_text("PHOTOSEARCH_PASSWORD=")).to_be_visible()
        assert COLLECTION not in page.content()
        here = browser.new_page()
        here.goto(address)
        expect(here.get_by_text("Find a photo by describing it")).to_be_visible(timeout=PATIENCE_MS)
        here.close()
        _try_from_another_port(browser, address, tmp_path)
    context.close()


def test_a_name_that_suddenly_means_this_machine_reads_nothing(
    playwright: Playwright, library: Path, tmp_path: Path
) -> None:
    """A page of evil.example is open when its name server begins to give our address (DNS rebinding)."""
    rebound = launch(playwright, *REBOUND)
    with serving(library, tmp_path / "log") as address:
        site = f"http://evil.example:{urlsplit(address).port}"
        page = rebound.new_page()
        page.route(f"{site}/page.html", lambda route: route.fulfill(body="<p>Hello", content_type="text/html"))
        page.goto(f"{site}/page.html")
        for path in ("/", "/api/v1/collections", "/api/v1/search?str=red", "/_stcore/health", "/_stcore/host-config"):
            status, text = page.evaluate(
                "path => fetch(path).then(async told => [told.status, await told.text()])", path
            )
            assert status == 421, path
            assert COLLECTION not in text
        assert (
            page.evaluate(
                """() => new Promise(told => {
                const socket = new WebSocket(`ws://${location.host}/_stcore/stream`);
                socket.onopen = () => told("open");
                socket.onerror = () => told("refused");
            })"""
            )
            == "refused"
        )
        answer = page.goto(f"{site}/library")
        assert answer is not None
        assert answer.status == 421
        assert "This server has another name" in page.content()
    rebound.close()


def _try_from_another_port(browser: Browser, address: str, folder: Path) -> None:
    """Open a page of another server of this machine that tries to read ours."""
    (folder / "page.html").write_text(
        f"""<iframe src="{address}/library"></iframe><script>
        const told = [];
        const done = name => event => told.push(name + ' ' + event.type);
        fetch('{address}/api/v1/collections', {{mode: 'no-cors'}})
            .then(() => told.push('fetch done'), () => told.push('fetch failed'));
        fetch('{address}/api/v1/collections').then(() => told.push('cors done'), () => told.push('cors failed'));
        const socket = new WebSocket('{address}/_stcore/stream'.replace('http', 'ws'));
        socket.onopen = done('socket'); socket.onerror = done('socket');
        const image = new Image(); image.onload = done('image'); image.onerror = done('image');
        image.src = '{address}/favicon.png';
        window.told = told;
        </script>"""
    )
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/page.html")
        page.wait_for_function("window.told.length >= 4", timeout=PATIENCE_MS)
        told = sorted(page.evaluate("window.told"))
        assert told == ["cors failed", "fetch failed", "image error", "socket error"]
        frame = next(frame for frame in page.frames if frame != page.main_frame)
        assert "Your photos" not in frame.content()
        page.close()
        server.shutdown()
