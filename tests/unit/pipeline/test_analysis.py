"""From listed photos to saved captions: what is shown to the model, what fails, what is kept."""

import struct
import zlib
from pathlib import Path

import pytest

from photosearch.errors import LibraryError
from photosearch.library import Library
from photosearch.library.files import thumbnail_name
from photosearch.pipeline import analysis, stations
from photosearch.records import Findings, Listing, PhotoState, Progress, Report, Station, Watch
from photosearch.vision.observer import Batch
from tests.conftest import ColourStation, analyse, jpeg

N_PHOTOS, SMALL_BATCH = 7, 2


def list_folder(library: Library, root: Path, collection: str = "c") -> None:
    stat = [(str(path), path.stat()) for path in sorted(root.rglob("*.*"))]
    library.merge(collection, "folder", [Listing(key, f"{s.st_size}:{s.st_mtime_ns}") for key, s in stat])


@pytest.fixture
def many(tmp_path, monkeypatch) -> Path:
    """Seven different photos, which take four batches."""
    monkeypatch.setattr(stations, "BATCH", SMALL_BATCH)
    monkeypatch.setattr(analysis, "N_AT_ONCE", 1)  # on any machine
    root = tmp_path / "many"
    root.mkdir()
    for i in range(N_PHOTOS):
        (root / f"{i}.jpg").write_bytes(jpeg((200, 10 * i, 0)))
    return root


def write_bomb(path: Path, side_px: int = 20_000) -> None:
    """A whole, valid PNG of black pixels, one bit each: 50 MB of rows in some 50 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pack = zlib.compressobj(1)
    row = bytes(1 + side_px // 8)
    pixels = b"".join(pack.compress(row * 1000) for _ in range(side_px // 1000)) + pack.flush()
    header = struct.pack(">IIBBBBB", side_px, side_px, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def test_photos_get_their_captions_sizes_and_thumbnails(library, station, make_photos):
    list_folder(library, make_photos("red.jpg", "green.jpg"))
    assert analyse(library, station) == Report(n_captioned=2)
    green, red = library.photos("c")
    assert (green.caption, red.caption) == ("a green picture", "a red picture")
    assert (red.state, red.width_px, red.height_px) == (PhotoState.READY, 64, 48)
    assert (library.folder / thumbnail_name(red.sha256)).read_bytes().startswith(b"\xff\xd8")


def test_nothing_to_do_is_no_work(library, station):
    assert analyse(library, station) == Report()


@pytest.mark.parametrize("n_at_once", [1, 2, 8])
@pytest.mark.parametrize("n_photos", [0, 1, 2, 9, 32, 33, 500, 1000])
def test_batches_are_as_large_as_each_other_but_for_each_cores_last_ones(n_photos, n_at_once):
    photos = list(range(n_photos))
    batches = list(analysis.in_batches(photos, n_at_once))
    assert [photo for batch in batches for photo in batch] == photos
    sizes = [len(batch) for batch in batches]
    assert max(sizes, default=0) <= stations.BATCH
    halved = 2 * n_at_once if n_at_once > 1 and n_photos > 2 * n_at_once * stations.BATCH else 0
    whole, halves = sizes[: len(sizes) - halved], sizes[len(sizes) - halved :]
    assert max(whole, default=0) - min(whole, default=0) <= 1
    assert all(abs(2 * half - max(whole)) <= 2 for half in halves)
    assert len(batches) == n_photos or len(batches) % n_at_once == 0


def test_a_second_run_shows_nothing_to_the_model(library, station, make_photos):
    list_folder(library, make_photos("red.jpg", "green.jpg"))
    analyse(library, station)
    assert (analyse(library, station), station.n_seen) == (Report(), 2)


@pytest.mark.parametrize("batch", [1, 2, 32])
def test_copies_within_one_run_are_shown_to_the_model_once(library, station, make_photos, monkeypatch, batch):
    monkeypatch.setattr(stations, "BATCH", batch)
    list_folder(library, make_photos("red.jpg", "red-2.jpg", "blue.jpg", "red-3.jpg"))
    assert analyse(library, station) == Report(n_captioned=2, n_reused=2)
    assert station.n_seen == 2
    assert sorted(photo.caption for photo in library.photos("c")) == ["a blue picture"] + 3 * ["a red picture"]


def test_a_picture_in_two_collections_is_captioned_once(library, station, make_photos):
    root = make_photos("red.jpg")
    list_folder(library, root, "c")
    analyse(library, station)
    list_folder(library, root, "other")
    assert analyse(library, station) == Report(n_reused=1)
    assert station.n_seen == 1
    assert library.photos("other")[0].caption == "a red picture"


def test_a_touched_but_equal_file_is_not_captioned_again(library, station, make_photos):
    root = make_photos("red.jpg")
    list_folder(library, root)
    analyse(library, station)
    library.merge("c", "folder", [Listing(str(root / "red.jpg"), "touched")])
    assert analyse(library, station) == Report(n_reused=1)
    (photo,) = library.photos("c")
    assert (photo.caption, photo.width_px) == ("a red picture", 64)


def test_bad_files_fail_with_a_reason_and_the_rest_is_captioned(library, station, make_photos):
    root = make_photos("red.jpg", "green.jpg")
    (root / "text.jpg").write_text("no picture")
    (root / "cut.jpg").write_bytes(jpeg("blue", (640, 480))[:2500])
    (root / "empty.jpg").write_bytes(b"")
    write_bomb(root / "bomb.png")
    list_folder(library, root)
    report = analyse(library, station)
    assert report.n_captioned == 2
    reasons = {Path(failure.source_key).name: failure.reason for failure in report.failures}
    assert set(reasons) == {"text.jpg", "cut.jpg", "empty.jpg", "bomb.png"}
    assert reasons["empty.jpg"] == "the file is empty"
    assert "no picture" in reasons["text.jpg"]
    assert "damaged" in reasons["cut.jpg"]
    assert "too large" in reasons["bomb.png"]
    assert {Path(p.source_key).name: p.reason for p in library.photos("c", PhotoState.FAILED)} == reasons
    assert analyse(library, station) == Report()


def test_a_file_that_vanished_fails_with_a_reason(library, station, make_photos):
    root = make_photos("red.jpg")
    list_folder(library, root)
    (root / "red.jpg").unlink()
    (failure,) = analyse(library, station).failures
    assert failure.reason == "the file is no longer there"


def test_progress_counts_up_to_all_photos(library, station, many):
    list_folder(library, many)
    seen: list[Progress] = []
    analyse(library, station, watch=Watch(seen.append))
    assert [progress.done for progress in seen] == [0, 2, 4, 6, 7]
    assert {progress.total for progress in seen} == {N_PHOTOS}


def test_cancelling_keeps_what_is_saved_and_the_next_run_finishes(library, station, many):
    list_folder(library, many)
    first = analyse(library, station, watch=Watch(is_cancelled=lambda: True)).n_captioned
    assert first in (SMALL_BATCH, 2 * SMALL_BATCH)  # a batch that is being observed is saved, too
    assert len(library.documents("c")) == station.n_seen == first
    assert analyse(library, station).n_captioned == N_PHOTOS - first
    assert (len(library.documents("c")), station.n_seen) == (N_PHOTOS, N_PHOTOS)


def test_redo_shows_every_picture_again_and_keeps_one_sentence_each(library, station, make_photos):
    list_folder(library, make_photos("red.jpg", "red-2.jpg", "green.jpg"))
    analyse(library, station)
    assert analyse(library, station, redo=True) == Report(n_captioned=2, n_reused=1)
    assert station.n_seen == 4
    assert [len(photo.captions) for photo in library.photos("c")] == [1, 1, 1]


def test_another_model_sees_all_pictures_and_its_sentence_leads(library, station, make_photos):
    list_folder(library, make_photos("red.jpg"))
    analyse(library, station)
    better = ColourStation()
    better.name, better.digest = "better", "b" * 64
    assert analyse(library, better) == Report(n_captioned=1)
    assert [caption.model for caption in library.photos("c")[0].captions] == ["better", "colours"]


class Counting(ColourStation):
    """A detector that sees nothing, and counts what it was shown together with others."""

    station = Station.DETECTOR
    name, digest = "counting", "n" * 64

    def observe(self, batch: Batch) -> list[Findings]:
        batch.once("first", lambda: self.name)
        return [Findings() for _ in super().observe(batch)]


def test_a_station_that_is_added_later_looks_alone(library, station, make_photos):
    root = make_photos("red.jpg", "green.jpg")
    list_folder(library, root)
    analyse(library, station)
    (root / "blue.jpg").write_bytes(jpeg("blue"))
    list_folder(library, root)
    detector = Counting()
    assert analyse(library, station, detector) == Report(n_captioned=3)
    assert (station.n_seen, detector.n_seen) == (3, 3)
    assert analyse(library, station, detector) == Report()


def test_what_one_station_computed_the_next_has(library, station, make_photos, monkeypatch):
    monkeypatch.setattr(analysis, "N_AT_ONCE", 1)  # one batch
    told = []

    class Asking(Counting):
        name, digest = "asking", "q" * 64

        def observe(self, batch: Batch) -> list[Findings]:
            told.append(batch.once("first", lambda: self.name))
            return super().observe(batch)

    list_folder(library, make_photos("red.jpg", "green.jpg"))
    analyse(library, Counting(), Asking())
    assert told == ["counting"]


def test_an_error_of_the_library_stops_the_run_and_keeps_earlier_batches(library, station, many):
    list_folder(library, many)

    def block(progress: Progress) -> None:
        if progress.done == SMALL_BATCH:
            (library.folder / "thumbnails").rename(library.folder / "aside")
            (library.folder / "thumbnails").write_text("a file where a folder should be")

    with pytest.raises(LibraryError, match="cannot be written"):
        analyse(library, station, watch=Watch(block))
    n_kept = len(library.documents("c"))
    assert SMALL_BATCH <= n_kept < N_PHOTOS
    (library.folder / "thumbnails").unlink()
    (library.folder / "aside").rename(library.folder / "thumbnails")
    assert analyse(library, station).n_captioned == N_PHOTOS - n_kept


def test_an_error_of_the_model_keeps_earlier_batches(library, station, many, monkeypatch):
    list_folder(library, many)
    whole = station.observe

    def break_at_the_third(batch):
        if station.n_seen == 2 * SMALL_BATCH:
            raise RuntimeError("out of memory")
        return whole(batch)

    monkeypatch.setattr(station, "observe", break_at_the_third)
    with pytest.raises(RuntimeError, match="out of memory"):
        analyse(library, station)
    assert len(library.documents("c")) == 2 * SMALL_BATCH
