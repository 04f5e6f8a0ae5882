"""Readers share the memory that photos take: one large photo at a time, and small ones beside it."""

import io
import threading
import time
import zipfile
from dataclasses import replace

import pytest
from PIL import Image

from photosearch.errors import PhotoError
from photosearch.library.upkeep import locate
from photosearch.records import Listing
from photosearch.sources import budget
from photosearch.sources.budget import expect_bytes, read_at_most, reading_one_photo
from photosearch.sources.originals import make_rendition
from tests.bombs import encoded
from tests.conftest import ColourStation, analyse
from tests.unit.sources.test_fetching import running, say, server

__all__ = ["running", "server"]  # the fixtures
LARGE = encoded(Image.effect_noise((300, 200), 90).convert("RGB"), "JPEG")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(budget, "SMALL_BYTES", 1000)


def test_large_photos_are_in_memory_one_after_another_and_small_ones_beside_them():
    held, most, n_small = 0, 0, 0
    counting = threading.Lock()

    def read(n_bytes: int) -> None:
        nonlocal held, most, n_small
        with reading_one_photo():
            assert read_at_most(io.BytesIO(bytes(n_bytes)), 10_000_000) == bytes(n_bytes)
            with counting:
                held += n_bytes > 1000
                n_small += n_bytes <= 1000
                most = max(most, held)
            time.sleep(0.02)
            with counting:
                held -= n_bytes > 1000

    threads = [threading.Thread(target=read, args=(n,)) for n in (5000, 3_000_000, 10, 7000, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most, held, n_small) == (1, 0, 2)


def test_a_failure_gives_the_memory_back():
    def fail() -> None:
        with reading_one_photo():
            expect_bytes(5000)
            raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        fail()
    assert budget._large.acquire(blocking=False)
    budget._large.release()


def test_what_is_read_outside_of_a_run_waits_for_nobody():
    with budget._large:
        assert read_at_most(io.BytesIO(bytes(5000)), 5000) == bytes(5000)


def test_more_than_the_limit_is_none():
    assert read_at_most(io.BytesIO(bytes(5000)), 4999) is None


class Counted:
    """The lock of large photos, which counts how often it is taken."""

    def __init__(self):
        self.n_taken, self._lock = 0, threading.Lock()

    def acquire(self):
        self.n_taken += 1
        self._lock.acquire()

    def release(self):
        self._lock.release()


@pytest.fixture
def large(monkeypatch):
    counted = Counted()
    monkeypatch.setattr(budget, "_large", counted)
    return counted


@pytest.mark.parametrize("kind", ["folder", "zip", "upload", "url"])
def test_every_kind_of_source_is_read_within_the_budget(kind, workspace, tmp_path, large, server):
    if kind == "upload":
        workspace.upload([("a.jpg", io.BytesIO(LARGE))], "c")
    elif kind == "url":
        workspace.library.merge("c", "url", [Listing(server.on("/a.jpg", say(LARGE, Content_Type="image/jpeg")), "")])
    else:
        path = tmp_path / "photos.zip" if kind == "zip" else tmp_path / "photos"
        if kind == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("a.jpg", LARGE)
        else:
            path.mkdir()
            (path / "a.jpg").write_bytes(LARGE)
        workspace.add(str(path), collection="c")
    settings, before = replace(workspace.settings, allow_private=True), large.n_taken
    assert analyse(workspace.library, ColourStation(), settings=settings).n_captioned == 1
    assert large.n_taken == before + 1

    (photo,) = workspace.library.photos("c")
    place = locate(workspace.library, [photo.id])[photo.id]
    make_rendition(workspace.library, settings, place, 800)
    assert large.n_taken == before + 2, "and pages read it within the budget, too"
    if kind == "url":
        server.on("/a.jpg", say(status=404))
    again = analyse(workspace.library, ColourStation(), redo=True, settings=settings)
    assert again.n_captioned == 1
    assert large.n_taken == before + 3, "also the copy that was kept of what is no longer there"


def test_an_upload_that_is_too_large_is_not_read(workspace, large):
    files = workspace.library.files
    name = files.keep_upload("ab" * 32, LARGE)
    with reading_one_photo(), pytest.raises(PhotoError, match="the file is larger than"):
        files.read_upload(name, len(LARGE) - 1, expect_bytes)
    assert large.n_taken == 0
