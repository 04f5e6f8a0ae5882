"""What a worker of another machine asks for before it takes part; the cluster itself is in `tests/machines`."""

import pickle
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from photosearch.errors import LibraryError, ModelError
from photosearch.library import Library
from photosearch.pictures.decoding import pool
from photosearch.pipeline.machine_worker import Job, Worker
from photosearch.pipeline.machines import LARGEST_BATCH, LEAST_BATCH, Left, fetch_first
from photosearch.records import Listing, Station
from photosearch.settings import Settings
from photosearch.sources.reading import Reader
from photosearch.sources.source import Content
from photosearch.vision.registry import Model
from tests.conftest import ColourStation, jpeg


def load(_settings: Settings) -> list[Model]:
    return [Model(Station.CAPTIONER, "colours", "c" * 64, ColourStation)]


@pytest.fixture(autouse=True)
def own_pool(monkeypatch) -> Iterator[None]:
    """Decode with processes of these tests' own, of which a worker may have fewer than others."""
    monkeypatch.setattr(pool, "_pool", pool._Pool())
    yield
    pool.close_processes()


@pytest.fixture
def library(tmp_path) -> Library:
    """A library whose pictures lie in a folder that several machines see."""
    (tmp_path / "pictures").mkdir()
    return Library(tmp_path / "library", None, str(tmp_path / "pictures"))


@pytest.fixture
def job(library: Library, tmp_path) -> Job:
    library.files.mark_owner()
    model_id = library.model_id(Station.CAPTIONER, "colours", "c" * 64)
    settings = Settings(library.folder, files=str(tmp_path / "pictures"))
    return Job(settings, load, {("captioner", "c" * 64): model_id}, library.known.token(), socket.gethostname())


def test_a_worker_reads_and_observes_and_saves_nothing_in_the_database(job, library, make_photos):
    root = make_photos("red.jpg", "green.jpg")
    library.merge("c", "folder", [Listing(str(root / name), "") for name in ("green.jpg", "none.jpg", "red.jpg")])
    worker = Worker()
    worker.start(job, 1)
    photos = library.pending("c", list(job.model_ids.values()))
    outcome = pickle.loads(worker.analyse(photos))  # noqa: S301 - our own
    said = {sha256: found.captions[0].text for sha256, found in outcome.findings[1].items()}
    assert [said.get(r.sha256, r.reason) for r in outcome.readings] == [
        "a green picture",
        "the file is no longer there",
        "a red picture",
    ]
    assert outcome.missing == {photos[1].id}
    assert {(s.station, s.n_photos) for s in outcome.spent} == {("reading", 3), ("captioner", 2)}
    assert library.pending("c", [1]) == photos
    assert all(library.files.read_thumbnail(sha256) for sha256 in said)


def test_another_machine_cannot_open_a_library_in_a_file(job):
    with pytest.raises(LibraryError, match="it cannot open the library's tables, which lie in a file on elsewhere"):
        Worker().start(replace(job, host="elsewhere"), 1)


def test_another_library_at_the_same_address_is_told(job):
    with pytest.raises(LibraryError, match="PHOTOSEARCH_DATABASE leads to another library there"):
        Worker().start(replace(job, token="another"), 1)  # noqa: S106 - no password


def test_a_place_of_pictures_that_the_machine_does_not_see_is_told(job, tmp_path):
    (tmp_path / "empty").mkdir()  # as a folder into which nothing is mounted
    with pytest.raises(LibraryError, match=r"empty\) is not the place that the other machines see\. Mount it"):
        Worker().start(replace(job, settings=replace(job.settings, files=str(tmp_path / "empty"))), 1)


def test_other_models_are_told(job):
    with pytest.raises(ModelError, match=r"its models \(captioner\) are others than those of"):
        Worker().start(replace(job, model_ids={("captioner", "d" * 64): 1}), 1)


def test_what_only_this_machine_may_read_is_fetched_by_it(library, monkeypatch):
    library.merge("c", "urls", [Listing("http://127.0.0.1:9/a.jpg", "")])
    library.merge("c", "instagram", [Listing("code/1", "", "http://127.0.0.1:9/b.jpg")])
    asked = []

    def read(_self, photo, _max_bytes, *, again=False):
        asked.append(photo.source_key)
        return Content(jpeg(), etag="x")

    monkeypatch.setattr(Reader, "read", read)
    settings = Settings(library.folder)
    with Reader(settings) as reader:
        pending = library.pending("c", [1])
        report, able = fetch_first(
            library,
            settings,
            pending,
            reader,
            watch=__import__("photosearch.records", fromlist=["UNWATCHED"]).UNWATCHED,
        )
    assert asked == ["code/1"]
    assert report.failures == ()
    assert {photo.source_key: (bool(photo.kept_path), photo.etag) for photo in able} == {
        "code/1": (True, None),
        "http://127.0.0.1:9/a.jpg": (False, None),
    }


@pytest.mark.parametrize("n_at_once", [1, 2, 64])
@pytest.mark.parametrize("n_photos", [0, 1, 33, 500, 1000])
def test_batches_get_smaller_towards_the_end(n_photos, n_at_once):
    photos = list(range(n_photos))
    left = Left(photos)
    batches = list(iter(lambda: left.take(n_at_once), None))
    assert [photo for batch in batches for photo in batch] == photos
    sizes = [len(batch) for batch in batches]
    assert sizes == sorted(sizes, reverse=True)
    assert all(LEAST_BATCH <= size <= LARGEST_BATCH for size in sizes[:-1])
    n_left = n_photos
    for size in sizes:
        assert size <= max(LEAST_BATCH, n_left / (2 * n_at_once) + 1)
        n_left -= size
