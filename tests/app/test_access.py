"""Every route of the server, read off the server itself, for each kind of visitor who has no right to see anything."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from photosearch.access.gate import HEALTH, Gate, Rules
from photosearch.settings import Settings
from photosearch.ui import site_path
from photosearch.ui.server import guard, routes, rules

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
LOCAL, REMOTE = ("127.0.0.1", 50_000), ("203.0.113.7", 50_000)
PASSWORD = "open sesame, please"  # noqa: S105


class Reached:
    """Stands for all that lies behind the gate: whatever reaches it is told."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"secret"})


@cache
def made() -> Starlette:
    """Return the server as app.py makes it, not started."""
    app = st.App(site_path(), routes=routes(), middleware=guard())
    return app._build_starlette_app()


def addresses_of_all_routes() -> list[tuple[str, bool]]:
    """Return an address of each of its routes, and whether it is a WebSocket's."""
    return sorted(set(_addresses(made().routes)))


@pytest.fixture(scope="module")
def server() -> Starlette:
    return made()


@pytest.fixture(scope="module")
def paths() -> list[tuple[str, bool]]:
    return addresses_of_all_routes()


def _addresses(found: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, bool]]:
    for route in found:
        if isinstance(route, Mount):
            yield f"{prefix}{route.path}/", False
            yield from _addresses(list(route.routes), prefix + route.path)
        elif isinstance(route, Route | WebSocketRoute):
            values = dict.fromkeys(route.param_convertors, "0123456789abcdef")
            path = route.path_format.format(**values)
            yield prefix + path, isinstance(route, WebSocketRoute)
        else:  # such as FastAPI's
            yield prefix + str(getattr(route, "path", "/")).replace("{", "").replace("}", ""), False


def test_the_list_of_routes_is_whole(paths: list[tuple[str, bool]]) -> None:
    names = {path for path, _ in paths}
    assert ("/_stcore/stream", True) in paths
    for part in (
        "/api/v1/search",
        "/api/v1/collections",
        "/downloads/",
        "/media/",
        "/_stcore/upload_file/",
        "/_stcore/agent/",
    ):
        assert any(name.startswith(part) for name in names), part
    assert any("/image" in name for name in names)
    assert len(names) > 20


def test_the_gate_is_in_front_of_everything(server: Starlette) -> None:
    assert server.user_middleware[0].cls is Gate


def every_answer(
    paths: list[tuple[str, bool]], who: Rules, client: tuple[str, int], headers: dict[str, str] | None = None
) -> list[str]:
    """Ask for every path by every method and as a WebSocket; return what reached the server."""
    reached = Reached()
    browser = TestClient(Gate(reached, who), base_url="http://localhost:8501", client=client, follow_redirects=False)
    for path, _ in paths:
        for spelled in (path, f"/{path}", path.upper(), f"{path}/..", path.replace("/", "//")):
            for method in METHODS:
                browser.request(method, spelled, headers=headers)
            try:
                with browser.websocket_connect(f"ws://localhost:8501{spelled}", headers={**(headers or {})}):
                    pass
            except WebSocketDisconnect:
                pass
    return reached.paths


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        pytest.param(LOCAL, {"host": "evil.example"}, id="a host that is not ours"),
        pytest.param(LOCAL, {"origin": "http://localhost:3000"}, id="a page on another port"),
        pytest.param(LOCAL, {"origin": "null"}, id="a page without an origin"),
    ],
)
def test_requests_that_other_sites_send_reach_nothing(
    paths: list[tuple[str, bool]], tmp_path: Path, client: tuple[str, int], headers: dict[str, str]
) -> None:
    for settings in (Settings(tmp_path), Settings(tmp_path, password=PASSWORD), Settings(tmp_path, open_to_all=True)):
        assert every_answer(paths, rules(settings), client, headers) == []


@pytest.mark.parametrize(
    ("client", "headers", "password"),
    [
        pytest.param(REMOTE, {}, None, id="another machine, no lock"),
        pytest.param(LOCAL, {"x-forwarded-for": "127.0.0.1"}, None, id="through a proxy, no lock"),
        pytest.param(REMOTE, {}, PASSWORD, id="another machine, without the password"),
        pytest.param(LOCAL, {}, PASSWORD, id="this machine, without the password"),
        pytest.param(LOCAL, {"authorization": "Bearer photosearch_no"}, PASSWORD, id="a token that is none"),
    ],
)
def test_without_the_right_nothing_but_the_server_s_health_is_reached(
    paths: list[tuple[str, bool]],
    tmp_path: Path,
    client: tuple[str, int],
    headers: dict[str, str],
    password: str | None,
) -> None:
    reached = every_answer(paths, rules(Settings(tmp_path, password=password)), client, headers)
    assert set(reached) == {HEALTH}


def test_who_sits_at_the_machine_reaches_everything(paths: list[tuple[str, bool]], tmp_path: Path) -> None:
    reached = every_answer(paths, rules(Settings(tmp_path)), LOCAL)
    assert {path for path, _ in paths} <= set(reached)
