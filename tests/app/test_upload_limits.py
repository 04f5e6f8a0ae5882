"""What the public demo takes from a visitor: the server itself counts."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from photosearch.ui import upload_limits
from photosearch.ui.upload_limits import UploadLimits

MB = 1024 * 1024
FILE, SESSION, VISITOR, ALL = 1 * MB, 2 * MB, 3 * MB, 5 * MB


class Server:
    """Stands for Streamlit: keeps what arrives, in memory."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, int]] = {}

    async def put(self, request: Request) -> Response:
        where = request.path_params
        self.files.setdefault(where["session"], {})[where["file"]] = len(await request.body())
        return Response(status_code=204)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(server: Server, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    for name, value in {
        "MAX_FILE_BYTES": FILE,
        "MAX_SESSION_BYTES": SESSION,
        "MAX_VISITOR_BYTES": VISITOR,
        "MAX_ALL_BYTES": ALL,
    }.items():
        monkeypatch.setattr(upload_limits, name, value)
    routes = [Route("/_stcore/upload_file/{session}/{file}", server.put, methods=["PUT"])]
    return TestClient(UploadLimits(Starlette(routes=routes), lambda: server.files), client=("203.0.113.7", 1))


def put(client: TestClient, session: str, file: str, n_bytes: int = FILE, who: str = "") -> int:
    headers = {"x-forwarded-for": who} if who else {}
    return client.put(f"/_stcore/upload_file/{session}/{file}", content=b"x" * n_bytes, headers=headers).status_code


def test_a_file_that_is_too_large_is_refused_before_it_is_read(client: TestClient, server: Server) -> None:
    assert put(client, "s", "f", FILE) == 204
    assert put(client, "s", "g", FILE + 1) == 413
    assert server.files == {"s": {"f": FILE}}


def test_a_file_without_a_length_is_refused(client: TestClient, server: Server) -> None:
    answer = client.put("/_stcore/upload_file/s/f", content=iter([b"x"] * 10))
    assert answer.status_code == 411
    assert server.files == {}


def test_a_session_has_a_limit_and_gets_room_back(client: TestClient, server: Server) -> None:
    assert [put(client, "s", name) for name in "abc"] == [204, 204, 413]
    assert put(client, "s", "a") == 204, "the same file again"
    del server.files["s"]["b"]
    assert put(client, "s", "c") == 204


def test_a_visitor_has_a_limit_over_all_sessions(client: TestClient, server: Server) -> None:
    assert [put(client, f"s{n}", "f") for n in range(4)] == [204, 204, 204, 413]
    assert put(client, "other", "f", who="198.51.100.1") == 204
    assert put(client, "fourth", "f", who="1.2.3.4, 203.0.113.7") == 413, "what the nearest proxy saw counts"
    server.files.clear()
    assert put(client, "fourth", "f") == 204


def test_all_together_have_a_limit(client: TestClient) -> None:
    told = [put(client, f"s{n}", "f", who=f"198.51.100.{n}") for n in range(6)]
    assert told == [204] * 5 + [413]
