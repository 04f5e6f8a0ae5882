"""What could not be read now is tried again by the next run, and is found meanwhile by what is known of it."""

from __future__ import annotations

import pytest

from photosearch.errors import PhotoError, TryLater
from photosearch.library import Library, Reading
from photosearch.library.upkeep import read_failures
from photosearch.records import Details, Failure, Listing, PhotoState, Report, TextKind
from photosearch.sources.reading import Reader
from photosearch.sources.source import Content
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse, jpeg

URL = "https://photos.example/1.jpg"
DOWN = TryLater("the server cannot be reached (3 tries)")
GONE = PhotoError("the server does not give it (status 404); the link may have expired")


@pytest.fixture
def listed(library: Library) -> Library:
    """A library with one photo of a list, which came with a caption."""
    library.merge("c", "url", [Listing(URL, "", details=Details(texts=((TextKind.IMPORTED, "a dog"),)))])
    return library


def answer(monkeypatch: pytest.MonkeyPatch, what: PhotoError | Content) -> None:
    def read(*_: object, **__: object) -> Content:
        if isinstance(what, PhotoError):
            raise what
        return what

    monkeypatch.setattr(Reader, "read", read)


def state(library: Library) -> PhotoState:
    return library.photos("c")[0].state


def said(library: Library) -> list[tuple[str, ...]]:
    return [document.captions for document in library.documents("c")]


def test_an_offline_moment_fails_no_photo_for_good(listed: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, DOWN)
    for _ in range(2):  # each run tries it again
        assert analyse(listed, ColourStation()) == Report(failures=(Failure(URL, str(DOWN)),))
        assert (state(listed), said(listed)) == (PhotoState.NEW, [("a dog",)])
    answer(monkeypatch, Content(jpeg("red")))
    assert analyse(listed, ColourStation()).n_captioned == 1
    assert (state(listed), listed.photos("c")[0].reason) == (PhotoState.READY, None)


def test_what_failed_for_good_is_found_by_what_came_with_it_and_tried_again_where_all_is_done_anew(
    listed: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, GONE)
    analyse(listed, ColourStation())
    assert (state(listed), said(listed)) == (PhotoState.FAILED, [("a dog",)])
    assert analyse(listed, ColourStation()) == Report()
    answer(monkeypatch, DOWN)
    assert analyse(listed, ColourStation(), redo=True).failures
    assert state(listed) is PhotoState.NEW
    answer(monkeypatch, Content(jpeg("red")))
    assert analyse(listed, ColourStation()).n_captioned == 1


def test_a_captioned_photo_that_cannot_be_read_again_keeps_its_captions(listed: Library) -> None:
    (photo,) = listed.photos("c")
    sha256 = "a" * 64
    listed.save([Reading(photo.id, "", sha256, 64, 48, "0" * 16)], {})
    listed.save([Reading(photo.id, "", reason="later", is_final=False)], {})
    assert (state(listed), listed.photos("c")[0].sha256) == (PhotoState.READY, sha256)
    listed.save([Reading(photo.id, "", reason="never")], {})
    assert (state(listed), listed.photos("c")[0].sha256) == (PhotoState.FAILED, sha256)


def test_what_is_tried_again_is_told_with_what_failed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.library.merge("c", "url", [Listing(URL, "")])
    answer(monkeypatch, DOWN)
    analyse(workspace.library, ColourStation())
    assert read_failures(workspace.library, "c") == [Failure(URL, f"{DOWN}; the next run tries again")]
    answer(monkeypatch, GONE)
    analyse(workspace.library, ColourStation())
    assert read_failures(workspace.library, "c") == [Failure(URL, str(GONE))]


def test_fetching_counts_what_was_fetched(listed: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, Content(jpeg("red")))
    assert analyse(listed) == Report(n_fetched=1)
    assert state(listed) is PhotoState.NEW
    assert analyse(listed, ColourStation()) == Report(n_captioned=1)
