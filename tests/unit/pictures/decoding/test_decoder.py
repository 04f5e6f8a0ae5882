"""Pictures decoded in other processes: what is right comes back as before, and what fails costs one photo."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photosearch.errors import PhotoError, TryLater
from photosearch.pictures import images
from photosearch.pictures.decoding import pool
from photosearch.pictures.decoding.decoder import decode_picture, prepare_photo, read_details_apart
from photosearch.pictures.decoding.process import NICENESS
from photosearch.pictures.embedded import read_details
from photosearch.pictures.heif_sizes import coded_sizes, declared_sizes
from photosearch.records import UNWATCHED, Report
from photosearch.sources.folder import FolderSource
from tests import bombs
from tests.conftest import analyse, jpeg
from tests.unit.pictures.test_exif import photo_with

pytestmark = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF", "BMP")


@pytest.fixture
def processes(monkeypatch):
    """A pool of its own, so that no other test's processes are met."""
    own = pool._Pool()
    monkeypatch.setattr(pool, "_pool", own)
    yield own
    own.close()


@pytest.fixture
def failing(processes, monkeypatch):
    """Processes that fail when a file asks them to."""
    monkeypatch.setattr(pool, "_PROGRAM", "tests.unit.pictures.decoding.failing")
    return processes


@pytest.mark.parametrize("format", [*FORMATS, "HEIF"])
def test_a_picture_comes_back_as_if_it_were_decoded_here(format):
    noise = Image.effect_noise((900, 700), 90).convert("RGB")
    data = bombs.HEIC if format == "HEIF" else bombs.encoded(noise, format)
    here, there = images.decode(data), decode_picture(data)
    assert (there.sha256, there.width_px, there.height_px) == (here.sha256, here.width_px, here.height_px)
    assert np.array_equal(np.asarray(there.rgb), np.asarray(here.rgb))


def test_all_that_is_made_of_a_photo_is_made_there():
    data = photo_with(
        None, {0x9003: "2021:02:03 04:05:06"}, {1: "N", 2: (54.0, 30.0, 0.0), 3: "E", 4: (13.0, 0.0, 0.0)}
    )
    picture, prepared = images.decode(data), prepare_photo(data, images.KEPT_SIDE_PX)
    assert prepared.thumbnail == images.thumbnail(picture)
    assert prepared.kept == images.thumbnail(picture, images.KEPT_SIDE_PX)
    assert prepared.phash == images.perceptual_hash(picture)
    assert prepared.details == read_details(data) == read_details_apart(data)
    assert prepared.details.taken_at is not None
    assert prepared.details.latitude == 54.5


def test_processes_that_are_started_before_are_used(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    own = pool._Pool()
    monkeypatch.setattr(pool, "_pool", own)
    try:
        pool.start_processes(2)
        started = list(own._idle)
        assert len(started) == 2
        pool.start_processes(1)
        assert own._idle == started
        with own._free:  # one of the three is at work
            pool.start_processes(10)
        assert own._idle == started
        pool.start_processes(10)
        started = set(own._idle)
        assert len(started) == 3
        assert decode_picture(jpeg("red", (64, 48))).rgb.size == (64, 48)
        assert set(own._idle) == started
    finally:
        own.close()


def test_a_large_picture_waits_for_the_others():
    data = bombs.encoded(Image.new("RGB", (5000, 3300), "blue"), "PNG")
    with pool._pool._one_large:
        thread = threading.Thread(target=decode_picture, args=(data,))
        thread.start()
        thread.join(1.0)
        assert thread.is_alive()
    thread.join(60)
    assert not thread.is_alive()
    assert decode_picture(data).rgb.getpixel((0, 0)) == (0, 0, 255)


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (bombs.jpeg_of_many_scans, "scans or more"),
        (bombs.huge_progressive_cmyk, "too large to decode as a progressive JPEG"),
        (bombs.avif_that_lies, "holds a picture of 3000 x 3000 px"),
        (bombs.heic_of_a_huge_part, "holds a picture of 30000 x 30000 px"),
        (bombs.tiff_of_a_huge_tile, "tiles of 900,000,000 pixels"),
        (lambda: bombs.tiff(b"x" * 99, {259: 34925}), "packed by a rare method"),
    ],
)
def test_a_bomb_is_refused_before_it_is_decoded(bomb, reason):
    data = bomb()
    Image.core.reset_stats()
    with pytest.raises(PhotoError, match=reason):
        images.decode(data)
    assert Image.core.get_stats()["new_count"] == 0  # Pillow took no memory for pixels


def test_the_usual_files_that_resemble_bombs_are_decoded():
    progressive = bombs.encoded(Image.effect_noise((1200, 900), 90).convert("CMYK"), "JPEG", progressive=True)
    assert images.decode(progressive).width_px == 1200
    seen_through = Image.new("RGBA", (2500, 1700), (200, 0, 0, 99))
    avif = bombs.encoded(seen_through, "AVIF", speed=10)
    assert coded_sizes(avif) == [(2500, 1700), (2500, 1700)]  # the picture, and what is transparent of it
    assert images.decode(avif).width_px == 2500
    assert declared_sizes(bombs.HEIC) == [(96, 64)]
    assert images.decode(bombs.HEIC).width_px == 96
    one_strip = bombs.tiff(bytes(256), {278: 2**32 - 1})
    assert images.decode(one_strip).width_px == 16
    assert images.decode(bombs.tiff(bytes(512 * 512), {322: 512, 323: 512})).width_px == 16


def test_a_heic_that_lies_about_its_size_is_refused():
    for lie in ((16, 16), (8000, 8000)):
        with pytest.raises(PhotoError, match="damaged"):
            images.decode(bombs.heic_that_says(*lie))


def test_there_are_no_more_processes_than_a_worker_has_cores(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    own = pool._Pool()
    monkeypatch.setattr(pool, "_pool", own)
    own.start(1)
    (ended,) = own._idle
    pool.limit_processes(1)
    try:
        assert ended._process.poll() is not None
        pool.start_processes(10)
        assert len(pool._pool._idle) == 1
    finally:
        pool.close_processes()


def test_pages_have_more_of_the_processor_than_decoding(processes):
    decode_picture(jpeg("red"))
    (process,) = processes._idle
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, process._process.pid) == min(own + NICENESS, 19)


def test_complaints_of_decoders_reach_no_log(capfd):
    script = (
        "from photosearch.errors import PhotoError; from photosearch.pictures.decoding.decoder import decode_picture\n"
        "from tests import bombs\n"
        "try: decode_picture(bombs.tiff_of_many_warnings())\n"
        "except PhotoError: pass"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True)  # as a service's log
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    bomb = bombs.tiff_of_many_warnings()
    with suppress(PhotoError):
        images.decode(bomb)
    assert len(capfd.readouterr().err) > 1000 * len(bomb)  # without a process of its own


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"crash", "crashed its decoder"),
        (b"busy", "takes too long"),
        (b"sleep", "takes too long"),
        (b"babble", "confused its decoder"),
        (b"memory", "not enough memory"),
    ],
)
def test_a_process_that_fails_costs_one_photo(failing, monkeypatch, data, reason):
    good = jpeg("red")
    assert decode_picture(good).width_px == 64
    with monkeypatch.context() as patch:
        if data == b"sleep":
            patch.setattr(pool, "WAIT_S", 1.0)
        with pytest.raises(PhotoError, match=reason):
            decode_picture(data)
    assert decode_picture(good).width_px == 64


def test_what_a_busy_machine_does_not_decode_in_time_is_tried_again(failing, monkeypatch):
    monkeypatch.setattr(pool, "WAIT_S", 1.0)
    with pytest.raises(TryLater, match="busy"):
        decode_picture(b"sleep")


def test_a_process_that_is_ended_as_it_answers_takes_no_other_photo(processes, monkeypatch):
    @contextmanager
    def ending(_watchdog: object, end: Callable[[], None]) -> Iterator[None]:
        yield
        end()

    with monkeypatch.context() as patch:
        patch.setattr(pool._Watchdog, "watching", ending)
        with pytest.raises(TryLater, match="busy"):
            decode_picture(jpeg("red"))
    assert decode_picture(jpeg("red")).width_px == 64


def test_a_process_writes_no_file(failing, tmp_path):
    path = tmp_path / "written"
    with pytest.raises(PhotoError):
        decode_picture(b"write" + os.fsencode(path))
    assert not path.exists() or path.read_bytes() == b""


def test_a_crash_is_one_entry_of_the_report(failing, library, station, make_photos):
    root = make_photos("red.jpg", "green.jpg")
    (root / "odd.jpg").write_bytes(b"crash")
    library.merge("c", "folder", list(FolderSource(root).listings({}, UNWATCHED)))
    report = analyse(library, station)
    (failure,) = report.failures
    assert report == Report(n_captioned=2, failures=(failure,))
    assert failure.source_key == str(root / "odd.jpg")
    assert "crashed its decoder" in failure.reason


def test_as_many_processes_as_cores_stay_ready_and_load_no_models(processes):
    threads = [threading.Thread(target=decode_picture, args=(jpeg("red"),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ready = list(processes._idle)
    assert 1 <= len(ready) <= (os.cpu_count() or 1)
    maps = Path(f"/proc/{ready[0]._process.pid}/maps").read_text()
    assert "libtorch" not in maps
    assert "onnxruntime" not in maps


def test_processes_end_with_the_one_that_started_them(tmp_path):
    script = (
        "import os; from photosearch.pictures.decoding import pool;"
        "from photosearch.pictures.decoding.decoder import decode_picture;"
        f"decode_picture({jpeg('red')!r}); print(pool._pool._idle[0]._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    process_id = int(done.stdout)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return
        if "State:\tZ" in Path(f"/proc/{process_id}/status").read_text():
            return
        time.sleep(0.05)
    pytest.fail("it still runs")
