"""A run that is killed at any moment: the library opens, the next run goes on, nothing is done twice or lost."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select

from photosearch.library import Library
from photosearch.library import schema as t
from photosearch.records import Report
from photosearch.settings import Settings
from photosearch.stations import Station
from photosearch.workspace import Workspace

N_PHOTOS, BATCH, N_KILLS = 100, 4, 3
PATIENCE_S = 300  # on a busy machine
DRIVER = """
import sys
from pathlib import Path
from photosearch import pipeline
from photosearch.settings import Settings
from photosearch.workspace import Workspace

pipeline.BATCH = int(sys.argv[3])
Workspace(Settings(Path(sys.argv[1]), models_dir=Path(sys.argv[2]))).caption()
"""


@pytest.fixture
def many_photos(tmp_path) -> Path:
    """Small photos, each another one."""
    root = tmp_path / "photos"
    root.mkdir()
    noise = np.random.default_rng(0)
    for i in range(N_PHOTOS):
        Image.fromarray(noise.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(root / f"{i:03}.jpg")
    return root


def n_ready(library: Library) -> int:
    (info,) = library.collections()
    return info.n_ready


def kill_after(library: Library, models: Path, n_saved: int, pause_s: float) -> None:
    """Caption in another process, and kill it a moment after so many photos have been saved."""
    command = [sys.executable, "-c", DRIVER, str(library.folder), str(models), str(BATCH)]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        ends = time.monotonic() + PATIENCE_S
        while n_ready(library) < n_saved:
            assert process.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < ends
            time.sleep(0.01)
        time.sleep(pause_s)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL


def test_a_run_killed_three_times_is_finished_by_the_next(tmp_path, tiny_models, many_photos):
    moments = random.Random(20)
    settings = Settings(tmp_path / "library", models_dir=tiny_models)
    workspace = Workspace(settings)
    workspace.add(str(many_photos), "c")
    before = 0
    for _ in range(N_KILLS):
        kill_after(workspace.library, tiny_models, before + moments.randint(1, 3 * BATCH), moments.uniform(0, 0.4))
        workspace.close()
        workspace = Workspace(settings)
        now = n_ready(workspace.library)
        assert before < now < N_PHOTOS
        before = now

    assert workspace.caption("c") == Report(n_captioned=N_PHOTOS - before)

    library = workspace.library
    with library.reading() as connection:
        assert connection.execute(select(func.count()).select_from(t.analysis)).scalar_one() == N_PHOTOS * len(Station)
        first = select(func.count(), func.count(t.caption.c.sha256.distinct())).where(t.caption.c.rank == 0)
        assert tuple(connection.execute(first).one()) == (N_PHOTOS, N_PHOTOS)
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    photos = workspace.photos("c")
    assert len(library.documents("c")) == len({photo.sha256 for photo in photos}) == N_PHOTOS
    assert all(library.thumbnail_path(photo.sha256).read_bytes().endswith(b"\xff\xd9") for photo in photos)
    assert workspace.caption("c") == Report()
