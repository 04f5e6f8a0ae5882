"""A run that is killed at any moment: the library opens, the next run goes on, nothing is done twice or lost."""

import multiprocessing
import random
import signal
import time
from ctypes import c_int
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select

from photosearch.library import Library
from photosearch.library import schema as t
from photosearch.library.files import thumbnail_name
from photosearch.pipeline import adding, stations
from photosearch.records import Progress, Report, Station, Watch
from photosearch.settings import Settings
from photosearch.workspace import Workspace

N_PHOTOS, BATCH, N_KILLS = 200, 4, 20
PATIENCE_S = 300  # on a busy machine
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["tests.test_resume", "photosearch.vision.registry", "photosearch.vision.captioner.captioner"]
)


@pytest.fixture
def many_photos(tmp_path) -> Path:
    """Small photos, each another one."""
    root = tmp_path / "photos"
    root.mkdir()
    noise = np.random.default_rng(0)
    for i in range(N_PHOTOS):
        Image.fromarray(noise.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(root / f"{i:03}.jpg")
    return root


def add_and_caption(folder: Path, models: Path, photos: Path, listed: c_int, saved: c_int) -> None:
    """What is killed: a run that says how many photos are safe by now."""
    adding.BATCH_SIZE = stations.BATCH = BATCH

    def on_listed(progress: Progress) -> None:
        listed.value = progress.done

    def on_saved(progress: Progress) -> None:
        saved.value = progress.done

    workspace = Workspace(Settings(folder, models_dir=models))
    workspace.add(str(photos), collection="c", watch=Watch(on_progress=on_listed))
    workspace.caption("c", watch=Watch(on_progress=on_saved))


def kill_during(stage: str, moment_s: float, folder: Path, models: Path, photos: Path) -> tuple[int, int]:
    """Kill a run a moment after it has begun to list or to caption; how many photos it said were listed and saved."""
    listed, saved = PROCESSES.Value(c_int, 0, lock=False), PROCESSES.Value(c_int, 0, lock=False)
    run = PROCESSES.Process(target=add_and_caption, args=(folder, models, photos, listed, saved))
    run.start()
    ends = time.monotonic() + PATIENCE_S
    while (listed if stage == "add" else saved).value == 0:
        assert run.is_alive(), "the run ended before it could be killed"
        assert time.monotonic() < ends
        time.sleep(0.001)
    time.sleep(moment_s)
    run.kill()
    run.join()
    assert run.exitcode == -signal.SIGKILL
    return listed.value, saved.value


def counts(library: Library) -> tuple[int, int]:
    """Photos listed, photos captioned."""
    (info,) = library.collections()
    return info.n_photos, info.n_ready


def test_a_run_killed_twenty_times_is_finished_by_the_next(tmp_path, tiny_models, many_photos):
    moments = random.Random(20)
    settings = Settings(tmp_path / "library", models_dir=tiny_models)
    n_listed = n_ready = 0
    for n_kill in range(N_KILLS):
        stage = "add" if n_kill % 2 == 0 else "caption"
        said_listed, said_saved = kill_during(
            stage, moments.uniform(0, 0.1), settings.library_dir, tiny_models, many_photos
        )
        workspace = Workspace(settings)
        with workspace.library.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        listed_now, ready_now = counts(workspace.library)
        assert listed_now >= max(n_listed, said_listed)
        assert ready_now >= n_ready + said_saved  # what was said to be saved is: no more than the batch in hand is lost
        n_listed, n_ready = listed_now, ready_now
        workspace.close()
    assert 0 < n_ready < N_PHOTOS

    workspace = Workspace(settings)
    workspace.add(str(many_photos), collection="c")
    assert workspace.caption("c") == Report(n_captioned=N_PHOTOS - n_ready)

    library = workspace.library
    with library.reading() as connection:
        assert connection.execute(select(func.count()).select_from(t.analysis)).scalar_one() == N_PHOTOS * len(Station)
        first = select(func.count(), func.count(t.caption.c.sha256.distinct())).where(t.caption.c.rank == 0)
        assert tuple(connection.execute(first).one()) == (N_PHOTOS, N_PHOTOS)
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    photos = workspace.library.photos("c")
    assert len(library.documents("c")) == len({photo.sha256 for photo in photos}) == N_PHOTOS
    assert all((library.folder / thumbnail_name(photo.sha256)).read_bytes().endswith(b"\xff\xd9") for photo in photos)
    assert workspace.caption("c") == Report()
