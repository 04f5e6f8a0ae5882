"""Captioning by a Ray cluster: all is done once, whatever happens to workers, machines and the driver."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from photosearch.errors import LibraryError, PhotosearchError
from photosearch.library.files import thumbnail_name
from photosearch.pipeline import machines
from photosearch.pipeline.machines import Cluster
from photosearch.pipeline.speed import read_speeds
from photosearch.pipeline.tasks import Task
from photosearch.records import Progress, Report, Watch
from photosearch.settings import Settings
from photosearch.workspace import Workspace
from tests.machines.conftest import N_PHOTOS, SMALL_BATCH, InThread, Nodes, Run, caption_by
from tests.machines.observing import Load

PATIENCE_S = 300.0  # on a busy machine
N_KILLS = 3
IN_FLIGHT = 2 * SMALL_BATCH  # photos that a worker of one core has


def wait_until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


def check_done(workspace: Workspace, load: Load, n_again: int = 0) -> None:
    """Check that each photo has its caption and thumbnail, and that at most some were observed again."""
    library = workspace.library
    (info,) = library.collections()
    assert (info.n_ready, info.n_photos) == (N_PHOTOS, N_PHOTOS)
    photos = library.photos("c")
    assert all(photo.caption.endswith("picture") for photo in photos)
    assert all((library.folder / thumbnail_name(photo.sha256)).stat().st_size for photo in photos)
    seen = load.seen()
    assert seen.keys() == {photo.sha256 for photo in photos}
    assert seen.total() - N_PHOTOS <= n_again


@pytest.fixture
def load(tmp_path) -> Load:
    return Load(tmp_path / "seen")


def test_two_machines_caption_each_photo_once_and_no_known_picture_again(listed, caption: Run, load, photos):
    told: list[Progress] = []
    assert caption(listed, load, Watch(told.append)) == Report(n_captioned=N_PHOTOS)
    check_done(listed, load)
    assert len(load.pids()) == 2
    assert [p.done for p in told] == list(range(0, N_PHOTOS + 1, SMALL_BATCH))
    (photos / "bad.jpg").write_bytes(b"no picture")
    listed.add(str(photos), collection="again")
    report = caption(listed, load)
    assert (report.n_captioned, report.n_reused, len(report.failures)) == (0, N_PHOTOS, 1)
    assert load.seen().total() == N_PHOTOS


def test_three_killed_workers_cost_two_batches_at_most(listed, caption: Run, load):
    run = InThread(lambda: caption(listed, load))
    moments = random.Random(3)
    for n in range(1, N_KILLS + 1):
        wait_until(lambda n=n: load.n_seen() >= n * N_PHOTOS // 5 or not run.is_running)
        time.sleep(moments.uniform(0, 0.2))
        os.kill(load.latest_pid(), signal.SIGKILL)
    report = run.report()
    assert replace(report, notes=()) == Report(n_captioned=N_PHOTOS)
    told = [re.search(r": its worker has ended (?:once|(\d) times)\.", note) for note in report.notes]
    assert sum(int(found[1] or 1) for found in told) == N_KILLS
    check_done(listed, load, n_again=2 * SMALL_BATCH)
    assert len(load.pids()) >= 2


def test_a_machine_that_goes_leaves_its_photos_to_the_others(listed, caption: Run, load, nodes: Nodes):
    third = nodes.add()
    gone = Load(load.log, pause_s=0.3)
    run = InThread(lambda: caption(listed, gone))
    wait_until(lambda: gone.n_seen() >= 3 * SMALL_BATCH or not run.is_running)
    nodes.remove(third)
    report = run.report()
    check_done(listed, load, n_again=IN_FLIGHT)
    assert report.n_captioned == N_PHOTOS
    # Ray may tell that its worker has ended before it tells that the machine has gone.
    known = re.compile(r": (it has left the cluster\. Its photos went to the others|its worker has ended once)\.")
    assert all(known.search(note) for note in report.notes)


PROGRAM = """
import sys
from pathlib import Path
from photosearch.pipeline import machines
from photosearch.pipeline.machines import Cluster
from photosearch.pipeline.speed import read_speeds
from photosearch.pipeline.tasks import Task
from photosearch.records import Watch
from photosearch.settings import Settings
from photosearch.workspace import Workspace
from tests.machines.conftest import SMALL_BATCH, caption_by
from tests.machines.observing import Load
machines.LARGEST_BATCH = SMALL_BATCH
library, address, log = sys.argv[1:]
say = lambda progress: print(progress.done, flush=True)
caption_by(Workspace(Settings(Path(library))), Cluster(address, Load(Path(log), 0.2)), Watch(say))
"""


def test_after_a_killed_run_the_next_goes_on(listed, caption: Run, load, nodes: Nodes, settings):
    command = [sys.executable, "-c", PROGRAM, str(settings.library_dir), nodes.address, str(load.log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        said = 0
        while said < 4 * SMALL_BATCH:
            said = int(run.stdout.readline())
        run.kill()
    n_ready = listed.library.collections()[0].n_ready
    assert N_PHOTOS > n_ready >= said
    assert caption(listed, load).n_captioned == N_PHOTOS - n_ready
    check_done(listed, load, n_again=2 * IN_FLIGHT)


def test_a_paused_run_hands_out_nothing_and_a_stopped_one_keeps_what_it_has(listed, caption: Run, load):
    paused, goes_on = threading.Event(), threading.Event()
    said: list[Progress] = []

    def is_cancelled() -> bool:
        if not said[-1].done:
            return False
        paused.set()
        goes_on.wait(PATIENCE_S)
        return True

    run = InThread(lambda: caption(listed, load, Watch(said.append, is_cancelled)))
    paused.wait(PATIENCE_S)
    time.sleep(1.0)
    assert load.n_seen() <= SMALL_BATCH + 2 * IN_FLIGHT  # one is saved, the others were in flight
    goes_on.set()
    report = run.report()
    assert SMALL_BATCH <= report.n_captioned <= SMALL_BATCH + 2 * IN_FLIGHT
    assert report.n_captioned == load.n_seen() == listed.library.collections()[0].n_ready


def test_a_run_that_waits_for_workers_is_stopped_at_once(listed, caption: Run, load, tmp_path):
    go_on = tmp_path / "go on"
    run = InThread(lambda: caption(listed, Load(load.log, go_on=go_on), Watch(is_cancelled=lambda: True)))
    wait_until(lambda: not run.is_running)
    go_on.touch()
    assert run.report() == Report()
    (info,) = listed.library.collections()
    assert (info.n_new, load.n_seen()) == (N_PHOTOS, 0)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("photos", r'it lacks photos that \S+ has, in ".*photos"\. Mount them there at the same path\.'),
        ("disk", r"cannot be written: No space left on device\. Free some space"),
    ],
)
def test_a_machine_that_lacks_something_is_named_and_the_other_does_its_part(
    listed, caption: Run, load, nodes, fault, told
):
    said: list[Progress] = []
    report = caption(listed, Load(load.log, 0.05, fault, nodes.second), Watch(said.append))
    assert (report.n_captioned, report.failures) == (N_PHOTOS, ())
    (note,) = report.notes
    assert said[-1].note == note
    assert note.startswith(f"Machine {socket.gethostname()} (127.0.0.1): ")
    assert "\n" not in note
    assert re.search(told, note), note
    check_done(listed, load)


def test_a_machine_whose_workers_end_again_and_again_costs_nothing(listed, caption: Run, load, nodes):
    report = caption(listed, Load(load.log, 0.05, "death", nodes.second))
    assert (report.n_captioned, report.failures) == (N_PHOTOS, ())
    known = re.compile(r": its worker has ended (5 times in a row:|once\.|[2-4] times\.)")  # as there was time for it
    assert all(known.search(note) for note in report.notes)
    check_done(listed, load)


def test_a_clock_that_is_a_little_off_is_told(listed, caption: Run, load, nodes):
    report = caption(listed, Load(load.log, 0.05, "clock a little", nodes.second))
    assert [note.partition(": ")[2] for note in report.notes] == [
        f"its clock and that of {socket.gethostname()} differ by 5 minutes. Set it."
    ]
    check_done(listed, load)
    assert len(load.pids()) == 2


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("models", r"its models \(captioner\) are others than those of"),
        ("clock", r"differ by 120 minutes\. It takes part once its clock is set\."),
    ],
)
def test_where_no_machine_can_go_on_all_reasons_are_told(listed, caption: Run, load, fault, told):
    with pytest.raises(
        PhotosearchError, match=rf"^No machine of Ray at \S+ can go on; what was saved is safe\. .*{told}"
    ):
        caption(listed, Load(load.log, 0.05, fault))
    (info,) = listed.library.collections()
    assert (info.n_new, info.n_failed) == (N_PHOTOS, 0)


def test_pictures_in_s3_are_written_by_the_machines_and_a_photo_that_nobody_has_is_a_failure(
    tmp_path, photos, caption: Run, load, s3
):
    workspace = Workspace(Settings(tmp_path / "library", files=f"s3://{s3.make_bucket()}/photos"))
    workspace.add(str(photos), collection="c")
    (photos / "000.jpg").unlink()
    report = caption(workspace, load)
    assert [(failure.source_key, failure.reason) for failure in report.failures] == [
        (str(photos / "000.jpg"), "the file is no longer there")
    ]
    assert (report.n_captioned, report.notes) == (N_PHOTOS - 1, ())
    read = [photo for photo in workspace.library.photos("c") if photo.sha256]
    thumbnails = [workspace.library.files.read_thumbnail(photo.sha256) for photo in read]
    assert len(read) == N_PHOTOS - 1
    assert all(thumbnail and thumbnail.startswith(b"\xff\xd8") for thumbnail in thumbnails)
    assert not (workspace.library.folder / "thumbnails").exists()


def test_what_the_settings_name_captions_all_that_is_added_with_its_tables_in_postgresql(
    tmp_path, tiny_models, make_photos, nodes, database
):
    ray = Settings(tmp_path / "library", models_dir=tiny_models, database=database, ray=nodes.address)
    workspace = Workspace(ray)
    task = Task("Adding photos", (str(make_photos("red.jpg", "green.jpg", "blue.jpg")),), "c")
    report = workspace.perform(task)  # as the page and `add` do
    assert (report.n_new, report.n_captioned, report.failures, report.notes) == (3, 3, (), ())
    by_cluster = workspace.library.detailed_photos([photo.id for photo in workspace.library.photos("c")])
    workspace.close()
    alone = Workspace(Settings(tmp_path / "alone", models_dir=tiny_models))
    alone.perform(task)
    by_one = alone.library.detailed_photos([photo.id for photo in alone.library.photos("c")])
    assert [photo.caption for photo in by_cluster] == [photo.caption for photo in by_one]
    assert [photo.labels for photo in by_cluster] == [photo.labels for photo in by_one]
    assert [run.n_photos for run in read_speeds(workspace.library.folder)] == [3]


# Without a cluster


def test_an_address_where_nobody_is_costs_one_line(listed, load):
    with pytest.raises(PhotosearchError, match=r"Ray at 127\.0\.0\.1:9 cannot be used: .*Connection refused.* Check"):
        caption_by(listed, Cluster("127.0.0.1:9", load))


def test_an_address_that_does_not_answer_is_given_up(listed, load, monkeypatch):
    monkeypatch.setattr(machines, "CONNECT_S", 12.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(PhotosearchError, match="does not answer within 12 s"):
            caption_by(listed, Cluster(f"127.0.0.1:{silent.getsockname()[1]}", load))


def test_a_run_that_waits_for_an_address_is_stopped_at_once(listed, load):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        cluster = Cluster(f"127.0.0.1:{silent.getsockname()[1]}", load)
        assert caption_by(listed, cluster, Watch(is_cancelled=lambda: True)) == Report()


def test_without_ray_the_command_that_installs_it_is_told(listed, load, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(PhotosearchError, match=r"pip install -r requirements-ray\.txt"):
        caption_by(listed, Cluster("local", load))


def test_a_bucket_without_rights_costs_one_line(tmp_path, photos, load, s3, nodes):
    settings = Settings(tmp_path / "library", files=f"s3://{s3.make_bucket()}/photos")
    workspace = Workspace(settings)
    workspace.add(str(photos), collection="c")
    with s3.without_rights(), pytest.raises(LibraryError, match="Check its access rights"):
        caption_by(workspace, Cluster(nodes.address, load))
