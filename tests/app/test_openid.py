"""Who is let in by OpenID Connect: Streamlit's signed cookie is read, and compared with the people who may see."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import pytest
from itsdangerous import TimestampSigner
from starlette.testclient import TestClient
from streamlit.runtime.secrets import AttrDict
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from photosearch.access.gate import Gate
from photosearch.settings import Settings
from photosearch.ui import openid, openid_answers
from photosearch.ui.server import rules
from tests.app.test_access import REMOTE, Reached

DAY_S = 24 * 3600
SECRET = "a long random text"  # noqa: S105
AUTH = {
    "redirect_uri": "https://photos.example.org/oauth2callback",
    "cookie_secret": SECRET,
    "client_id": "id",
    "client_secret": "secret",
    "server_metadata_url": "https://id.example.org/.well-known/openid-configuration",
}


@pytest.fixture
def reached() -> Reached:
    return Reached()


@pytest.fixture
def client(reached: Reached, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A browser on another machine; the secrets have an [auth] section."""
    section = AttrDict(AUTH)
    monkeypatch.setattr(openid, "get_secrets_auth_section", lambda: section)
    for module in ("streamlit.auth_util", "streamlit.web.server.server_util"):
        monkeypatch.setattr(f"{module}.secrets_singleton", Secrets({"auth": section}))
    settings = Settings(tmp_path, users=("me@example.org", "*@family.example"))
    return TestClient(
        Gate(reached, rules(settings)),
        base_url="https://photos.example.org",
        client=REMOTE,
        follow_redirects=False,
    )


class Secrets(dict):  # type: ignore[type-arg]
    """Stands for the file secrets.toml."""

    def load_if_toml_exists(self) -> bool:
        return True


def cookie(secret: str = SECRET, **user: object) -> dict[str, str]:
    value = create_signed_value(secret, USER_COOKIE_NAME, json.dumps({"is_logged_in": True, **user}))
    return {"cookie": f"{USER_COOKIE_NAME}={value.decode()}"}


@pytest.mark.parametrize(
    ("user", "is_let_in"),
    [
        ({"email": "me@example.org"}, True),
        ({"email": "ME@example.org", "email_verified": True}, True),
        ({"email": "anyone@family.example"}, True),
        ({"email": "you@example.org"}, False),
        ({"email": "me@example.org", "email_verified": False}, False),
        ({"email": "me@example.org", "is_logged_in": False}, False),
        ({"email": "x@family.example@evil.example"}, False),
        ({"email": "*"}, False),
        ({"name": "me@example.org"}, False),
        ({}, False),
    ],
)
def test_only_the_people_of_the_settings_are_let_in(
    client: TestClient, reached: Reached, user: dict[str, object], is_let_in: bool
) -> None:
    client.get("/", headers=cookie(**user))
    assert (reached.paths == ["/"]) is is_let_in


def test_a_cookie_that_another_key_signed_is_none(client: TestClient, reached: Reached) -> None:
    for headers in (cookie("another", email="me@example.org"), {"cookie": f"{USER_COOKIE_NAME}=e30.x.y"}, {}):
        answer = client.get("/", headers=headers)
        assert answer.status_code == 401
        assert "/auth/login?provider=" in answer.text
    assert reached.paths == []


def test_a_session_ends_after_a_month(client: TestClient, reached: Reached, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _: int(time.time()) - 32 * DAY_S)
        old = cookie(email="me@example.org")
    assert client.get("/", headers=old).status_code == 401
    assert reached.paths == []
    assert client.get("/", headers=cookie(email="me@example.org")).status_code == 200


def test_streamlit_s_own_addresses_of_logging_in_are_reached(client: TestClient, reached: Reached) -> None:
    for path in ("/auth/login", "/oauth2callback", "/auth/logout"):
        client.get(path)
    assert reached.paths == ["/auth/login", "/oauth2callback", "/auth/logout"]
    assert client.get("/logout").headers["location"] == "/auth/logout"
    assert client.get("/api/v1/collections").status_code == 401


def test_who_is_not_invited_is_told_so(client: TestClient) -> None:
    answer = client.get("/", headers=cookie(email="<b>you@example.org"))
    assert "&lt;b&gt;you@example.org is not invited" in answer.text


def test_nobody_is_invited_unless_the_settings_say_so() -> None:
    assert not openid.is_invited({"email": "me@example.org"}, ())
    assert openid.is_invited({}, ("*",))


def test_the_log_of_a_log_in_is_one_line_without_what_was_sent() -> None:
    long = "x" * 10_000
    record = logging.LogRecord("auth", logging.ERROR, "a.py", 1, "Error: %s", ("50%\x1b[2J\u2028" + long,), None)
    assert openid_answers.one_line(record)
    assert record.getMessage().startswith("Error: 50% [2J x")
    assert len(record.getMessage()) == openid_answers.MAX_LINE_CHARS
    try:
        raise ValueError("a code")
    except ValueError:
        failed = logging.LogRecord("auth", logging.WARNING, "a.py", 1, "Failed for %s", ("it",), sys.exc_info())
    assert openid_answers.one_line(failed)
    line = logging.Formatter().format(failed)
    assert "(ValueError)" in line
    assert "a code" not in line
    assert "\n" not in line
