"""What pages say of an error: the owner reads all of it, visitors of the public demo nothing that names a file."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from photosearch.errors import LibraryError
from photosearch.ui import site_path, state

PATH = "/home/me/library"


@pytest.mark.parametrize(("demo", "said"), [("1", "cannot be read at the moment"), ("", PATH)])
def test_a_path_of_the_server_is_told_to_its_owner_only(demo: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise LibraryError(f'Library "{PATH}" cannot be written: No space left on device.')

    monkeypatch.setenv("PHOTOSEARCH_DEMO", demo)
    monkeypatch.setattr(state, "workspace", broken)
    app = AppTest.from_file(str(site_path()), default_timeout=60).run()
    assert not app.exception
    (error,) = app.error
    text = error.value.replace("\\", "")
    assert said in text
    assert (PATH in text) is not bool(demo)
