"""The Library page without a browser: ways in, runs, failures, export, removal; and what it says when empty."""

from __future__ import annotations

import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from photosearch.export.exporter import ExportKind
from photosearch.library.upkeep import measure_disk, read_failures
from photosearch.pipeline import analysis, stations, tasks
from photosearch.pipeline.tasks import Task, TaskFile
from photosearch.pipeline.worker import hold_worker_lock
from photosearch.records import PhotoState, Progress, Report, Watch
from photosearch.sources import Options
from photosearch.ui import server, site_path, state
from photosearch.ui.library import downloads
from photosearch.ui.progress import duration
from photosearch.vision.registry import ModelChoice
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse, jpeg
from tests.exports import CAPTION, LAYOUTS, NAME, dumps, export, medium, picture, write_zip

PATIENCE_S = 60
SAVED_POST = "https://www.instagram.com/p/Cabc/"


@pytest.fixture
def shown(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace that the pages show."""
    st.cache_resource.clear()
    st.cache_data.clear()
    monkeypatch.setattr(state, "workspace", lambda: workspace)
    yield workspace
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def trip(shown: Workspace, make_photos: Callable[..., Path]) -> Workspace:
    """A collection of two captioned photos and one that is broken."""
    folder = make_photos("red.jpg", "green.jpg", folder="trip")
    (folder / "broken.jpg").write_bytes(b"no picture")
    shown.add(str(folder))
    analyse(shown.library, ColourStation())
    return shown


def open_library() -> AppTest:
    app = AppTest.from_file(str(site_path()), default_timeout=PATIENCE_S).run()
    return app.switch_page(str(site_path().parents[2] / "pages" / "library.py")).run()


def finish() -> None:
    run = state.runs().latest
    assert run is not None
    run.wait(PATIENCE_S)
    assert not run.snapshot.is_running
    assert run.snapshot.error is None


def said(app: AppTest) -> str:
    blocks = (*app.success, *app.info, *app.warning, *app.error, *app.caption, *app.markdown)
    return " ".join(block.value for block in blocks).replace("\\", "")


def test_an_empty_library_says_so_and_offers_the_ways_in(shown: Workspace) -> None:
    app = open_library()
    assert not app.exception
    assert "no photos yet" in app.info[0].value
    assert app.tabs[0].label == "Instagram export"


def test_a_collection_shows_its_counts_and_its_size(trip: Workspace) -> None:
    app = open_library()
    assert not app.exception
    used = measure_disk(trip.library, "trip")
    assert used.thumbnails_bytes > 1000
    assert used.index_bytes > 1000, "the first page has searched"
    assert f"3 photos, 2 captioned, 1 failed, {used.n_bytes / 1000:.0f} kB on disk" in said(app)


def test_adding_a_folder_captions_it_and_says_what_came_of_it(
    shown: Workspace, make_photos: Callable[..., Path]
) -> None:
    app = open_library()
    app.text_input(key="folder-path").set_value(str(make_photos("red.jpg", "blue.jpg")))
    app.text_input(key="folder-name").set_value("mine")
    app.toggle(key="objects").set_value(False)
    app.button(key="go-folder").click().run()
    finish()
    assert [photo.state for photo in shown.library.photos("mine")] == [PhotoState.READY] * 2
    assert all(not photo.objects for photo in shown.library.photos("mine"))
    app.run()
    assert "2 new, 2 captioned" in app.success[0].value
    app.button(key="dismiss-run").click().run()
    assert not app.success


@pytest.mark.parametrize("layout", ["zip", "folder in a folder", "a part unpacked"])
def test_an_instagram_export_is_added_as_people_have_it(shown: Workspace, tmp_path: Path, layout: str) -> None:
    app = open_library()
    app.text_area(key="export-paths").set_value("\n".join(map(str, LAYOUTS[layout](tmp_path))))
    app.button(key="go-export").click().run()
    finish()
    photos = shown.library.photos("anna.b")
    assert {(photo.source, photo.owner_text) for photo in photos} == {("export", CAPTION), ("export", "Drei Bilder")}
    app.run()
    assert "pictures in messages, which are never read: 1" in said(app)


def test_saved_posts_of_an_export_are_added_on_request(shown: Workspace, tmp_path: Path) -> None:
    saved = {"saved_saved_media": [{"title": "bert", "string_map_data": {"Saved on": {"href": SAVED_POST}}}]}
    path = write_zip(tmp_path / NAME, {"your_instagram_activity/saved/saved_posts.json": dumps(saved)})
    app = open_library()
    app.text_area(key="export-paths").set_value(str(path))
    app.button(key="go-export").click().run()
    assert "Choose these to add them" in said(app)
    pills = next(pill for pill in app.button_group if pill.label == "Also add")
    pills.set_value(["Saved posts (texts and links only)"])
    app.button(key="go-export").click().run()
    finish()
    (photo,) = shown.library.photos("anna.b")
    assert photo.origin == SAVED_POST
    app = AppTest.from_file(str(site_path()), default_timeout=PATIENCE_S)
    app.query_params["photo"] = photo.id
    app.run()
    assert "There is no picture: a saved post" in said(app)
    assert not app.exception


def test_an_uploaded_instagram_export_is_its_posts(shown: Workspace, tmp_path: Path) -> None:
    path = export(tmp_path / NAME)
    app = open_library()
    app.file_uploader[0].set_value([(path.name, path.read_bytes(), "application/zip")])
    app.button(key="go-upload").click().run()
    finish()
    assert {photo.owner_text for photo in shown.library.photos("anna.b")} == {CAPTION, "Drei Bilder"}


def test_of_an_uploaded_export_more_than_posts_is_added_on_request(shown: Workspace, tmp_path: Path) -> None:
    stories = {"ig_stories": [medium("media/stories/202401/1.jpg", "A story")]}
    saved = {"saved_saved_media": [{"title": "bert", "string_map_data": {"Saved on": {"href": SAVED_POST}}}]}
    activity = "your_instagram_activity"
    lists = {f"{activity}/media/stories.json": dumps(stories), f"{activity}/saved/saved_posts.json": dumps(saved)}
    path = write_zip(tmp_path / NAME, {**lists, "media/stories/202401/1.jpg": picture()})
    app = open_library()
    pills = next(pill for pill in app.button_group if pill.label == "Of an Instagram export, also add")
    pills.set_value(["Stories", "Saved posts (texts and links only)"])
    app.file_uploader[0].set_value([(path.name, path.read_bytes(), "application/zip")])
    app.button(key="go-upload").click().run()
    finish()
    story, post = sorted(shown.library.photos("anna.b"), key=lambda photo: photo.state != "ready")
    assert (story.owner_text, post.origin, post.state) == ("A story", SAVED_POST, "no_picture")
    app.run()
    assert "2 photos, 1 captioned, 1 without a picture" in said(app)


def test_a_part_of_an_export_is_refused_at_once(shown: Workspace, tmp_path: Path) -> None:
    _, part = LAYOUTS["parts"](tmp_path)
    app = open_library()
    app.text_area(key="export-paths").set_value(str(part))
    app.button(key="go-export").click().run()
    assert "Give all parts of the export together" in said(app)
    assert not shown.library.collections()


def test_what_failed_is_tried_again(trip: Workspace, tmp_path: Path) -> None:
    (tmp_path / "trip" / "broken.jpg").write_bytes(jpeg("blue"))
    app = open_library()
    assert "broken.jpg" in app.dataframe[0].value["photo"][0]
    app.button(key="retry-trip").click().run()
    finish()
    assert read_failures(trip.library, "trip") == []
    assert len(trip.library.photos("trip", PhotoState.READY)) == 3


def test_update_takes_in_what_is_new_and_drops_what_is_gone(trip: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "trip"
    (folder / "blue.jpg").write_bytes(jpeg("blue"))
    (folder / "red.jpg").unlink()
    app = open_library()
    app.button(key="update-trip").click().run()
    finish()
    names = {photo.name for photo in trip.library.photos("trip", PhotoState.READY)}
    assert names == {"green.jpg", "blue.jpg"}
    app.run()
    assert "1 new" in said(app)
    assert "1 gone" in said(app)


def test_update_says_where_it_was_not_noted_where_photos_came_from(trip: Workspace) -> None:
    trip.library.merge("older", "folder", [])
    app = open_library()
    app.button(key="update-older").click().run()
    assert "cannot be updated" in app.warning[0].value


def test_a_run_that_is_stopped_keeps_what_it_did_and_goes_on(
    shown: Workspace, make_photos: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stations, "BATCH", 16)
    monkeypatch.setattr(analysis, "N_AT_ONCE", 1)  # on any machine
    shown.add(str(make_photos(*(f"red-{i}.jpg" for i in range(48)))))
    held, stop = threading.Event(), threading.Event()
    perform = shown.perform

    def slow(task: Task, watch: Watch) -> Report:
        def is_cancelled() -> bool:
            run = state.runs().latest
            if run is not None and run.snapshot.progress.done:
                held.set()
                stop.wait(PATIENCE_S)
            return watch.is_cancelled()

        return perform(task, replace(watch, is_cancelled=is_cancelled))

    shown.perform = slow  # type: ignore[method-assign,assignment]
    app = open_library()
    app.button(key="caption-photos").click().run()
    assert held.wait(PATIENCE_S)
    app.run()
    assert "16 of 48 photos" in str(app.get("progress")[0].proto)
    other = open_library()  # a second tab
    assert "16 of 48 photos" in str(other.get("progress")[0].proto)
    other.button(key="stop-run").click().run()
    stop.set()
    finish()
    assert len(shown.library.photos("photos", PhotoState.NEW)) == 16  # the batch that was being observed is saved, too
    app.run()
    assert "stopped" in app.info[0].value
    app.button(key="go-on").click().run()
    finish()
    assert not shown.library.photos("photos", PhotoState.NEW)


def test_a_run_of_another_process_is_shown(trip: Workspace) -> None:
    with hold_worker_lock(trip.library, "caption", "Captioning *trip*") as record:
        record(Progress(3, 7))
        app = open_library()
        assert "3 of 7 photos" in str(app.get("progress")[0].proto)
        assert "started elsewhere" in said(app)
    app.run()
    assert not app.get("progress")


def test_a_second_run_is_refused(trip: Workspace) -> None:
    go = threading.Event()

    def work(_: Watch) -> Report:
        go.wait(PATIENCE_S)
        return Report()

    state.runs().start("A long one", work)
    app = open_library()
    app.button(key="update-trip").click().run()
    assert "Another run is in progress" in app.warning[0].value
    go.set()
    finish()


def test_a_server_goes_on_with_what_the_one_before_was_at(trip: Workspace, tmp_path: Path) -> None:
    (tmp_path / "trip" / "blue.jpg").write_bytes(jpeg("blue"))
    with TaskFile(trip.library.folder).hold(Task("Updating trip", collection="trip", update=True)):
        server.begin()  # another server is at it
        assert state.runs().latest is None
    server.begin()
    finish()
    assert "blue.jpg" in {photo.name for photo in trip.library.photos("trip", PhotoState.READY)}
    assert TaskFile(trip.library.folder).left() is None


def test_a_server_that_ends_leaves_its_task(trip: Workspace) -> None:
    began = threading.Event()

    def work(watch: Watch) -> Report:
        began.set()
        while not watch.is_cancelled():
            threading.Event().wait(0.01)
        return Report()

    task = Task("Captioning trip", collection="trip")
    state.runs().start(task.title, work, task)
    assert began.wait(PATIENCE_S)
    state.runs().leave(PATIENCE_S)
    assert TaskFile(trip.library.folder).left() == Task("Captioning trip", collection="trip", n_starts=1)


def test_a_task_is_kept_with_all_that_was_chosen(tmp_path: Path) -> None:
    from datetime import date

    options = Options(max_posts=5, since=date(2024, 2, 29), also=frozenset({"stories"}), login="me")
    task = Task(
        "t", ("a.zip", "b.zip"), "c", options, then="fetch", choice=ModelChoice("x", detector="none"), redo=True
    )
    with TaskFile(tmp_path).hold(task):
        pass
    left = TaskFile(tmp_path).left()
    assert left is not None
    assert left.n_starts == 2
    assert (left.names, left.options, left.choice, left.then) == (task.names, options, task.choice, "fetch")


@pytest.mark.parametrize(("objects", "detector"), [(True, "detector"), (False, "none")])
def test_a_task_kept_before_there_was_a_choice_of_detectors_is_read(tmp_path: Path, objects, detector) -> None:
    with TaskFile(tmp_path).hold(Task("t", collection="c")):
        pass
    (path,) = tmp_path.glob("*.json")
    kept = json.loads(path.read_text())
    kept["choice"] = {"captioner": "captioner", "classifier": "alexnet", "objects": objects}
    path.write_text(json.dumps(kept))
    left = TaskFile(tmp_path).left()
    assert left is not None
    assert left.choice == ModelChoice(classifier="alexnet", detector=detector)


def test_a_task_that_ends_its_server_each_time_is_given_up(tmp_path: Path) -> None:
    file, task = TaskFile(tmp_path), Task("t", collection="c")
    for _ in range(tasks.MOST_STARTS - 1):
        with file.hold(task):
            pass
        left = file.left()
        assert left is not None
        task = left
    with file.hold(task):
        pass
    assert file.left() is None
    (tmp_path / tasks.FILE_NAME).write_text("{")
    assert file.left() is None


def test_an_export_is_made_and_can_be_taken_away(trip: Workspace) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    def dialog() -> None:
        from photosearch.ui.library.collections import ask_export

        ask_export("trip")

    asked = AppTest.from_function(dialog, default_timeout=PATIENCE_S).run()
    asked.text_input(key="export-query").set_value("red")
    asked.button(key="go-make").click().run()
    maker = downloads.maker()
    assert maker.run is not None
    assert maker.path is not None
    maker.run.wait(PATIENCE_S)
    app = open_library()
    assert "is ready" in app.success[0].value
    client = TestClient(Starlette(routes=downloads.routes(lambda: trip)))
    answer = client.get(downloads.address(maker.path))
    assert answer.headers["content-disposition"] == 'attachment; filename="trip-photos.zip"'
    (trip.library.folder / "got.zip").write_bytes(answer.content)
    with zipfile.ZipFile(trip.library.folder / "got.zip") as archive:
        assert archive.namelist() == ["red.jpg", "photos.csv"]
    assert client.get("/downloads/..%2F..%2Fetc").status_code == 404
    assert client.get(f"/downloads/{'0' * 32}").status_code == 404
    address = downloads.address(maker.path)
    os.utime(maker.path.parent, (0, 0))
    assert client.get(address).status_code == 404  # its day is over
    app.button(key="dismiss-file").click().run()
    assert not app.success
    assert client.get(address).status_code == 404


def test_the_next_export_deletes_files_whose_day_is_over(trip: Workspace) -> None:
    old, young = (downloads.new_path(trip, "trip", ExportKind.JSON) for _ in range(2))
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old.parent, (0, 0))
    downloads.new_path(trip, "trip", ExportKind.JSON)
    assert (old.parent.exists(), young.exists()) == (False, True)


def test_a_collection_is_removed_only_when_its_name_is_typed(trip: Workspace) -> None:
    def dialog() -> None:
        from photosearch.ui import state
        from photosearch.ui.library.collections import ask_removal

        for info in state.workspace().library.collections():
            ask_removal(info)

    assert open_library().button(key="remove-trip").click().run().text_input(key="remove-name").value == ""
    asked = AppTest.from_function(dialog, default_timeout=PATIENCE_S).run()
    asked.button(key="go-remove").click().run()
    assert "Type it" in asked.error[0].value
    assert [info.name for info in trip.library.collections()] == ["trip"]
    asked.text_input(key="remove-name").set_value("trip")
    asked.button(key="go-remove").click().run()
    assert trip.library.collections() == []


def test_captioning_again_shows_all_photos_to_the_models(trip: Workspace) -> None:
    def dialog() -> None:
        from photosearch.ui.library.collections import ask_again
        from photosearch.vision.registry import ModelChoice

        ask_again("trip", ModelChoice(detector="none"))

    AppTest.from_function(dialog, default_timeout=PATIENCE_S).run().button(key="go-again").click().run()
    finish()
    assert {len(photo.captions) > 1 for photo in trip.library.photos("trip", PhotoState.READY)} == {True}


def test_a_collection_of_an_earlier_captioner_is_offered_new_captions(trip: Workspace) -> None:
    app = open_library()
    assert any("2 photos were captioned by a model other than the one chosen" in info.value for info in app.info)
    same = ColourStation()
    same.digest = trip.models.captioner_digest("captioner") or ""
    analyse(trip.library, same)
    assert not open_library().info


def test_the_server_serves_the_files(shown: Workspace) -> None:
    from photosearch.ui.server import routes

    assert "/downloads/{token}" in [getattr(route, "path", "") for route in routes()]


def test_times_left_are_told_as_people_do() -> None:
    assert [duration(s) for s in (0.2, 42, 100, 3600, 9000)] == ["1 s", "42 s", "2 min", "1.0 h", "2.5 h"]
