"""The gate on a bare application: what passes, and what is refused before anything behind it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from photosearch.access.gate import Gate, Rules
from photosearch.access.login import PasswordLogin
from photosearch.access.sessions import COOKIE, Sessions
from photosearch.access.throttle import MAX_WAIT_S, N_FREE, N_FREE_OF_ALL, Throttle
from photosearch.access.tokens import Tokens

SECRET = "two dogs on a beach"  # noqa: S105
PASSWORD = "open sesame, please"  # noqa: S105
LOCAL, REMOTE = ("127.0.0.1", 50_000), ("203.0.113.7", 50_000)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PATHS = ("/", "/api", "/api/v1/search", "/media/1.jpg", "/_stcore/upload_file/a/b", "/anything/%2e%2e")


class Clock:
    """A clock that stands still until it is moved."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


async def _tell(request: object) -> PlainTextResponse:
    return PlainTextResponse(SECRET)


async def _talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"{SECRET} {websocket.headers['host']}")
    await websocket.close()


def client_of(rules: Rules, client: tuple[str, int] = LOCAL, base_url: str = "http://localhost:8501") -> TestClient:
    """A browser of which the cookies are kept, in front of a server that tells everything."""
    routes = [
        WebSocketRoute("/_stcore/stream", _talk),
        Mount("/api", routes=[Route("/{path:path}", _tell, methods=[*METHODS])]),
        Route("/{path:path}", _tell, methods=[*METHODS]),
    ]
    gate = Gate(Starlette(routes=routes), rules)
    return TestClient(gate, base_url=base_url, client=client, follow_redirects=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def locked(tmp_path: Path, clock: Clock) -> Rules:
    login = PasswordLogin(Sessions(tmp_path, PASSWORD, clock), Throttle(clock))
    return Rules("/api", login, Tokens(tmp_path))


def opens_websocket(client: TestClient, **headers: str) -> bool:
    try:
        with client.websocket_connect("ws://localhost:8501/_stcore/stream", headers=headers) as websocket:
            assert websocket.receive_text().startswith(SECRET)
    except WebSocketDisconnect:
        return False
    return True


def log_in(client: TestClient, password: str = PASSWORD, target: str = "/library?x=1", **headers: str):
    return client.post("/login", data={"password": password, "next": target}, headers=headers)


# The place in the network


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST.", "photos.localhost"])
def test_this_machine_s_own_names_are_answered(host: str) -> None:
    assert client_of(Rules("/api")).get("/", headers={"host": host}).text == SECRET


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "evil.example:8501",
        "127.0.0.1.evil.example",
        "192.0.2.1",
        "2130706433",
        "0x7f000001",
        "127.1",
        "",
        "localhost:99999",
        "localhost@evil.example",
        "evil.example#localhost",
        "[::1",
        "[localhost]",
        "localhost evil.example",
        "localhost,evil.example",
        "local\x00host",
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_foreign_host_is_refused(host: str, method: str) -> None:
    client = client_of(Rules("/api"))
    for path in PATHS:
        answer = client.request(method, path, headers={"host": host})
        assert answer.status_code == 421
        assert SECRET not in answer.text
    assert not opens_websocket(client, host=host)


def test_two_hosts_are_none() -> None:
    client = client_of(Rules("/api"))
    answer = client.get("/", headers=[("host", "localhost"), ("host", "localhost")])
    assert answer.status_code == 421


def test_configured_names_and_the_address_of_the_connection_are_answered() -> None:
    rules = Rules("/api", hosts=frozenset({"photos.example.org", "*.home.example"}))
    client = client_of(rules)
    for host in ("photos.example.org", "photos.example.org:8443", "nas.home.example"):
        assert client.get("/", headers={"host": host}).text == SECRET
    assert client.get("/", headers={"host": "home.example"}).status_code == 421
    reached = client_of(rules, base_url="http://192.0.2.1:8501", client=("192.0.2.1", 1))
    assert reached.get("/").text == SECRET, "the machine itself, by its address in the network"


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:3000",
        "http://localhost",
        "https://localhost:8501",
        "http://127.0.0.1:8501",
        "null",
        "",
        "file://",
        "http://localhost:8501/",
        "http://localhost:8501@evil.example",
        "http://localhost:8501, http://evil.example",
    ],
)
def test_a_foreign_origin_is_refused(origin: str) -> None:
    client = client_of(Rules("/api"))
    is_same = origin == "https://localhost:8501"  # a proxy may speak HTTPS for us: the host is compared, not the scheme
    for method in METHODS:
        for path in PATHS:
            answer = client.request(method, path, headers={"origin": origin})
            assert (answer.status_code == 403) is not is_same
    assert opens_websocket(client, origin=origin) is is_same


def test_our_own_pages_are_answered() -> None:
    client = client_of(Rules("/api"))
    assert client.put("/_stcore/upload_file/a/b", headers={"origin": "http://localhost:8501"}).text == SECRET
    assert opens_websocket(client, origin="http://localhost:8501")
    assert client.get("/").text == SECRET, "a page that is opened by its address names no origin"
    assert opens_websocket(client), "nor does a program"


def test_streamlit_is_told_the_host_of_the_origin() -> None:
    client = client_of(Rules("/api"))
    with client.websocket_connect(
        "ws://localhost:8501/_stcore/stream", headers={"host": "LOCALHOST.:8501", "origin": "http://localhost:8501"}
    ) as websocket:
        assert websocket.receive_text() == f"{SECRET} localhost:8501"


@pytest.mark.parametrize(
    ("site", "mode", "passes"),
    [
        ("cross-site", "no-cors", False),
        ("same-site", "no-cors", False),
        ("cross-site", "cors", False),
        ("cross-site", "navigate", True),
        ("same-origin", "cors", True),
        ("none", "navigate", True),
    ],
)
def test_parts_of_other_sites_pages_are_refused_but_links_are_followed(site: str, mode: str, *, passes: bool) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
    assert (client_of(Rules("/api")).get("/api/v1/photos/1/image", headers=headers).text == SECRET) is passes


def test_known_sites_read_the_api_only() -> None:
    rules = Rules("/api", api_origins=frozenset({"https://one.example"}))
    client = client_of(rules)
    known = {"origin": "https://one.example"}
    assert client.get("/api/v1/search", headers=known).text == SECRET
    assert client.post("/api/v1/search", headers=known).status_code == 403
    assert client.get("/", headers=known).status_code == 403
    assert client.get("/api/v1/search", headers={"origin": "https://two.example"}).status_code == 403
    assert not opens_websocket(client, **known)
    image = client.get("/api/v1/photos/1/image", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"})
    assert image.headers["cross-origin-resource-policy"] == "cross-origin"
    assert client.get("/").headers["cross-origin-resource-policy"] == "same-origin"


def test_every_answer_keeps_other_sites_away() -> None:
    client = client_of(Rules("/api"))
    for answer in (client.get("/"), client.get("/", headers={"host": "evil.example"}), client.get("/api/x")):
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_the_public_demo_has_any_name_and_may_be_framed() -> None:
    client = client_of(Rules("/api", is_open=True, any_host=True), client=REMOTE)
    answer = client.get("/", headers={"host": "photos.streamlit.app"})
    assert answer.text == SECRET
    assert "content-security-policy" not in answer.headers
    assert opens_websocket(client, host="10.0.0.5:8501", origin="https://photos.streamlit.app")


# Without a lock


FORWARDED = [
    {"x-forwarded-for": "127.0.0.1"},
    {"forwarded": "for=127.0.0.1"},
    {"via": "1.1 p"},
    {"x-real-ip": "::1"},
    {"x-forwarded-host": "localhost"},
]


@pytest.mark.parametrize("headers", [None, *FORWARDED])
def test_other_machines_get_one_page_and_nothing_else(headers: dict[str, str] | None) -> None:
    client = client_of(Rules("/api"), client=REMOTE if headers is None else LOCAL)
    for method in METHODS:
        for path in PATHS:
            answer = client.request(method, path, headers=headers)
            assert answer.status_code == 403
            assert SECRET not in answer.text
    assert "PHOTOSEARCH_PASSWORD" in client.get("/", headers=headers).text
    assert "PHOTOSEARCH_PASSWORD" in client.get("/api/v1/collections", headers=headers).json()["message"]
    assert not opens_websocket(client, **(headers or {}))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_the_machine_itself_needs_nothing(address: str) -> None:
    client = client_of(Rules("/api"), client=(address, 1))
    assert client.get("/").text == SECRET
    assert opens_websocket(client, origin="http://localhost:8501")


@pytest.mark.parametrize("address", ["testclient", "", "0.0.0.1", "::", "10.0.0.1", "::ffff:10.0.0.1", "1270.0.0.1"])
def test_an_address_that_is_not_this_machine_s_is_another_machine_s(address: str) -> None:
    assert client_of(Rules("/api"), client=(address, 1)).get("/").status_code == 403


def test_all_may_see_where_that_is_said() -> None:
    client = client_of(Rules("/api", is_open=True), client=REMOTE)
    assert client.get("/").text == SECRET
    assert opens_websocket(client)


# The password


@pytest.mark.parametrize("client_address", [LOCAL, REMOTE])
def test_without_the_password_nothing_is_told(locked: Rules, client_address: tuple[str, int]) -> None:
    client = client_of(locked, client=client_address)
    forged = f"{2**40}.0123456789abcdef.{'0' * 64}"
    for cookie in ("", "1", forged, f"{COOKIE}={forged}"):
        for method in METHODS:
            for path in PATHS:
                answer = client.request(method, path, headers={"cookie": f"{COOKIE}={cookie}"})
                assert answer.status_code == 401
                assert SECRET not in answer.text
        assert not opens_websocket(client, cookie=f"{COOKIE}={cookie}")
    assert client.get("/_stcore/health").text == SECRET, "the server's health is no secret"
    assert client.post("/_stcore/health").status_code == 401


def test_the_password_lets_in_and_leads_on(locked: Rules) -> None:
    client = client_of(locked, client=REMOTE)
    asked = client.get("/library?x=%3Cb%3E")
    assert 'value="/library?x=%3Cb%3E"' in asked.text
    answer = log_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/library?x=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert client.get("/").text == SECRET
    assert client.get("/api/v1/search").text == SECRET
    assert opens_websocket(client)


def test_the_cookie_stays_on_https(locked: Rules) -> None:
    client = client_of(locked, base_url="https://localhost")
    assert "Secure" in log_in(client).headers["set-cookie"]
    behind = client_of(locked)
    assert "Secure" in log_in(behind, **{"x-forwarded-proto": "https"}).headers["set-cookie"]


def test_a_session_ends(locked: Rules, clock: Clock, tmp_path: Path) -> None:
    client = client_of(locked)
    log_in(client)
    client.post("/logout")
    assert client.get("/").status_code == 401
    log_in(client)
    other = Rules("/api", PasswordLogin(Sessions(tmp_path, "another password", clock)))
    cookie = f"{COOKIE}={client.cookies[COOKIE]}"
    assert client_of(locked).get("/", headers={"cookie": cookie}).text == SECRET, "for the same key and password"
    assert client_of(other).get("/", headers={"cookie": cookie}).status_code == 401
    clock.now_s += 31 * 24 * 3600
    assert client.get("/").status_code == 401
    assert (tmp_path / "session.key").stat().st_mode & 0o777 == 0o600


def test_another_site_cannot_log_a_visitor_in_or_out(locked: Rules) -> None:
    client = client_of(locked)
    assert log_in(client, origin="http://evil.example").status_code == 403
    log_in(client)
    assert client.post("/logout", headers={"origin": "http://evil.example"}).status_code == 403
    assert client.get("/logout").status_code == 200, "which only asks"
    assert client.get("/").text == SECRET


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nSet-Cookie: a=b", "\\"]
)
def test_nobody_is_led_elsewhere(locked: Rules, target: str) -> None:
    assert log_in(client_of(locked), target=target).headers["location"] == "/"


@pytest.mark.parametrize("body", [b"a" * 10_000, b"password=%", b"\xff", b"", b"&" * 5000])
def test_a_form_that_is_none_lets_nobody_in(locked: Rules, body: bytes) -> None:
    answer = client_of(locked).post("/login", content=body)
    assert answer.status_code in (400, 401)
    assert "set-cookie" not in answer.headers


def test_tries_are_slowed_down_for_each_address(locked: Rules, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    client = client_of(locked, client=REMOTE)
    for _ in range(N_FREE):
        assert log_in(client, "guess what").status_code == 401
    blocked = log_in(client)
    assert (blocked.status_code, blocked.headers["retry-after"]) == (429, "1"), "even the right one is not looked at"
    assert log_in(client_of(locked, client=LOCAL)).status_code == 303, "others are not held up"
    clock.now_s += 1
    assert log_in(client, "guess what").status_code == 401
    assert log_in(client, "guess what").headers["retry-after"] == "2"
    n_tries, until = 0, clock.now_s + 24 * 3600
    while clock.now_s < until:
        clock.now_s += int(log_in(client, "guess what").headers.get("retry-after", 0)) or 0
        n_tries += 1
    assert n_tries < 2 * (24 * 3600 / MAX_WAIT_S) + 50
    clock.now_s += MAX_WAIT_S
    assert log_in(client).status_code == 303
    assert "guess what" not in caplog.text
    assert "203.0.113.7" in caplog.text


def test_many_addresses_are_slowed_down_together_but_not_those_that_know_the_password(
    locked: Rules, clock: Clock
) -> None:
    """As where a proxy hands on an X-Forwarded-For that the visitor made up."""
    home = client_of(locked, client=("192.0.2.7", 1))
    assert log_in(home).status_code == 303
    n_looked_at = 0
    for n in range(1000):
        answer = log_in(client_of(locked, client=(f"198.51.{n // 250}.{n % 250}", 1)), "guess what")
        n_looked_at += answer.status_code == 401
        clock.now_s += 0.1
    assert N_FREE_OF_ALL < n_looked_at <= N_FREE_OF_ALL + 101
    assert log_in(client_of(locked, client=("198.51.200.1", 1))).status_code == 429
    assert log_in(home).status_code == 303
    clock.now_s += 2
    assert log_in(client_of(locked, client=("198.51.200.1", 1))).status_code == 303


def test_an_ipv6_network_is_one_address(clock: Clock) -> None:
    throttle = Throttle(clock)
    for n in range(N_FREE):
        throttle.count_wrong(f"2001:db8:0:1::{n + 1:x}")
    assert throttle.wait_s("2001:db8:0:1:ffff::1") == 1.0
    assert throttle.wait_s("2001:db8:0:2::1") == 0.0


# Tokens


def test_a_token_opens_the_api_and_nothing_else(locked: Rules, tmp_path: Path) -> None:
    text = Tokens(tmp_path).create("script", may_write=False)
    client = client_of(locked, client=REMOTE)
    bearer = {"authorization": f"Bearer {text}"}
    assert client.get("/api/v1/search", headers=bearer).text == SECRET
    assert client.post("/api/v1/search", headers=bearer).status_code == 403
    assert client.get("/", headers=bearer).status_code == 401
    assert not opens_websocket(client, **bearer)
    refused = client.get("/api/v1/search", headers={"authorization": f"Bearer {text}x"})
    assert (refused.status_code, "not known" in refused.json()["message"]) == (401, True)
    Tokens(tmp_path).revoke("script")
    assert client.get("/api/v1/search", headers=bearer).status_code == 401


def test_a_token_that_may_write_does_and_one_without_a_lock_opens_the_api_elsewhere(tmp_path: Path) -> None:
    text = Tokens(tmp_path).create("script", may_write=True)
    client = client_of(Rules("/api", tokens=Tokens(tmp_path)), client=REMOTE)
    assert client.post("/api/v1/x", headers={"authorization": f"bearer {text}"}).text == SECRET
    assert client.get("/", headers={"authorization": f"bearer {text}"}).status_code == 403
    assert client.get("/api/v1/x").status_code == 403


def test_a_browser_may_ask_whether_a_known_site_sends_a_token(locked: Rules) -> None:
    client = client_of(Rules("/api", locked.login, api_origins=frozenset({"https://one.example"})), client=REMOTE)
    asked = {"access-control-request-method": "GET", "origin": "https://one.example"}
    assert client.options("/api/v1/search", headers=asked).status_code == 200
    assert client.options("/", headers=asked).status_code == 403
    assert client.get("/api/v1/search", headers=asked).status_code == 401
