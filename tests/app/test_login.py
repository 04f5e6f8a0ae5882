"""The login to Instagram on the Library page: two steps of one login."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from photosearch.errors import PhotosearchError, SourceError
from photosearch.sources.instagram import access
from photosearch.ui import site_path, state
from photosearch.workspace import Workspace

PATIENCE_S = 60
PAGE = str(site_path().parents[2] / "pages" / "library.py")


class TwoSteps:
    """Stands for a login: each has a code of its own, which is its number."""

    n_made = 0

    def __init__(self, folder: Path, user: str) -> None:
        TwoSteps.n_made += 1
        self.user = user
        self.number = TwoSteps.n_made
        self.wants_code = False

    def give_password(self, password: str) -> PhotosearchError | None:
        self.wants_code = password == "right"  # noqa: S105
        return SourceError("a code is wanted" if self.wants_code else "this is not the password")

    def give_code(self, code: str) -> PhotosearchError | None:
        self.wants_code = code != str(self.number)
        return SourceError("this is not the code") if self.wants_code else None

    def close(self) -> None:
        pass


@pytest.fixture
def app(workspace: Workspace, make_photos, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:  # type: ignore[no-untyped-def]
    """The Library page."""
    st.cache_resource.clear()
    monkeypatch.setattr(state, "workspace", lambda: workspace)
    monkeypatch.setattr(access, "Login", TwoSteps)
    monkeypatch.setattr(TwoSteps, "n_made", 0)
    workspace.add(str(make_photos("red.jpg")))
    opened = AppTest.from_file(str(site_path()), default_timeout=PATIENCE_S).run()
    yield opened.switch_page(PAGE).run()
    st.cache_resource.clear()


def enter(app: AppTest, values: dict[str, str], button: int = 0) -> None:
    """Fill in fields by the beginning of their labels, and submit."""
    for label, value in values.items():
        (field,) = (one for one in app.text_input if one.label.startswith(label))
        field.set_value(value)
    [one for one in app.button if one.label in ("Log in", "Cancel the login")][button].click()
    app.run()


def labels(app: AppTest) -> list[str]:
    return [field.label for field in app.text_input]


def test_a_code_goes_to_the_login_that_it_was_sent_for(app: AppTest) -> None:
    enter(app, {"Or log in": "me", "Password": "right"})
    assert any(label.startswith("Two-factor code for me") for label in labels(app))
    assert "Password" not in labels(app)
    enter(app, {"Two-factor code": "9"})
    assert any("not the code" in error.value for error in app.error)
    enter(app, {"Two-factor code": "1"})
    assert not app.exception
    assert TwoSteps.n_made == 1
    assert "Password" in labels(app)


def test_a_login_that_waits_can_be_left(app: AppTest) -> None:
    enter(app, {"Or log in": "me", "Password": "right"})
    enter(app, {}, button=1)
    assert "Password" in labels(app)


def test_a_refusal_is_shown(app: AppTest) -> None:
    enter(app, {"Or log in": "me", "Password": "wrong"})
    assert any("not the password" in error.value for error in app.error)
    assert "Password" in labels(app)


def test_the_page_warns_before_a_login(app: AppTest) -> None:
    assert any("banned accounts" in warning.value and "export" in warning.value for warning in app.warning)
