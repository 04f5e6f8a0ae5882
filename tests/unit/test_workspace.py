"""The object that everything holds: add, caption, search, remove, and what the public demo refuses."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from PIL import ExifTags, Image

from photosearch.errors import CollectionNotFound, ModelError, PhotosearchError, ReadOnlyError, SourceError
from photosearch.export.exporter import ExportKind
from photosearch.library.upkeep import read_failures
from photosearch.pipeline.adding import Added
from photosearch.pipeline.tasks import Task
from photosearch.pipeline.worker import hold_worker_lock
from photosearch.records import CollectionInfo, PhotoState, Report, Watch
from photosearch.search.fields import Field
from photosearch.search.question import Question
from photosearch.settings import MODELS_DIR, Settings
from photosearch.vision.captioner.beam import Decoding
from photosearch.vision.captioner.decoder import Sizes
from photosearch.vision.captioner.network import Decoder
from photosearch.vision.captioner.vocabulary import SPECIAL, Vocabulary
from photosearch.vision.registry import ModelChoice
from photosearch.workspace import Workspace
from tests.conftest import jpeg, models_with


@pytest.fixture(scope="module")
def tiny_models(tmp_path_factory) -> Path:
    """A captioner that can only say words that searching counts; all pictures look alike to it."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # two test runs beside each other are no slower for it
    vocabulary = Vocabulary([*SPECIAL, "dog", "grass"])
    decoder = Decoder(Sizes(len(vocabulary), embedding=8, hidden=8, region=8, attention=8))
    return models_with(tmp_path_factory.mktemp("models"), decoder, vocabulary, Decoding(beam_width=2, max_words=3))


@pytest.fixture
def pets(workspace, make_photos) -> Path:
    """A captioned collection of two photos."""
    root = make_photos("red.jpg", "blue.jpg", folder="pets")
    workspace.add(str(root))
    workspace.caption("pets")
    return root


def said(workspace: Workspace, collection: str = "pets") -> str:
    """What the captioner says of every picture."""
    return workspace.library.photos(collection, PhotoState.READY)[0].caption


def found(workspace: Workspace, collection: str = "pets") -> list[str]:
    results = workspace.searcher.search(Question(said(workspace, collection), collection))
    return sorted(Path(hit.photo.source_key).name for hit in results.hits)


def found_by(workspace: Workspace, query: str) -> int:
    return workspace.searcher.search(Question(query, "pets")).total


# Adding, captioning, searching


def test_photos_that_were_added_and_captioned_are_found(workspace, make_photos):
    root = make_photos("red.jpg", "blue.jpg", folder="pets")
    assert workspace.add(str(root)) == [Added("pets", Report(n_new=2), described=False)]
    assert workspace.searcher.search(Question("dog", "pets", fields=frozenset({Field.CAPTION}))).hits == ()
    assert workspace.caption("pets") == Report(n_captioned=2)
    captions = frozenset({Field.CAPTION})
    results = workspace.searcher.search(Question(said(workspace), "pets", fields=captions, expand=False))
    assert [hit.rank for hit in results.hits] == [1, 2]
    assert results.total == 2
    for hit in results.hits:
        (best, *_) = workspace.searcher.search(Question(hit.photo.caption, "pets", fields=captions, expand=False)).hits
        assert (best.photo.id, best.score) == (hit.photo.id, pytest.approx(1.0))


def test_a_word_that_no_caption_has_finds_nothing_and_suggests_those_that_occur(workspace, pets):
    results = workspace.searcher.search(Question("zebra", "pets"))
    assert (results.total, results.hits) == (0, ())
    assert set(results.suggestions) <= {"dog", "grass", "pets", "red", "blue"}
    assert results.suggestions


def test_top_limits_the_hits_not_the_total(workspace, pets):
    results = workspace.searcher.search(Question(said(workspace), "pets", top=1))
    assert (len(results.hits), results.total) == (1, 2)


def test_captioning_again_does_nothing(workspace, pets):
    assert workspace.caption("pets") == Report()
    assert workspace.add(str(pets))[0].report == Report(n_unchanged=2)


def test_captioning_without_a_name_takes_all_collections(workspace, make_photos):
    workspace.add(str(make_photos("red.jpg")), collection="one")
    workspace.add(str(make_photos("blue.jpg", folder="others")), collection="two")
    assert workspace.caption().n_captioned == 2


def test_a_deleted_photo_is_gone_after_adding_again(workspace, pets):
    (pets / "red.jpg").unlink()
    assert workspace.add(str(pets))[0].report.n_gone == 1
    assert found(workspace) == ["blue.jpg"]


def test_a_photo_that_came_back_is_found_again(workspace, pets):
    (pets / "red.jpg").unlink()
    workspace.add(str(pets))
    (pets / "red.jpg").write_bytes(jpeg("red"))
    workspace.add(str(pets))
    assert workspace.caption("pets") == Report(n_reused=1)
    assert found(workspace) == ["blue.jpg", "red.jpg"]


def test_another_folder_in_the_same_collection_leaves_the_first_ones_photos(workspace, pets, make_photos):
    report = workspace.add(str(make_photos("green.jpg", folder="more")), collection="pets")[0].report
    assert (report.n_new, report.n_gone) == (1, 0)


def test_a_folder_that_becomes_unreadable_does_not_make_its_photos_gone(workspace, make_photos, monkeypatch):
    root = make_photos("a/red.jpg", "b/blue.jpg", "bb/green.jpg", folder="pets")
    workspace.add(str(root))
    (root / "bb" / "green.jpg").unlink()
    scan = os.scandir

    def refuse_b(path):
        if os.fspath(path) == str(root / "b"):
            raise PermissionError(13, "Permission denied", str(root / "b"))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse_b)
    report = workspace.add(str(root))[0].report
    assert [(Path(f.source_key).name, f.reason) for f in report.failures] == [
        ("b", "the folder cannot be opened: Permission denied")
    ]
    assert [Path(photo.source_key).name for photo in workspace.library.photos("pets")] == ["red.jpg", "blue.jpg"]


# Names


def test_an_unknown_collection_is_told_with_those_that_exist(workspace, pets):
    for ask in (lambda: workspace.searcher.search(Question("dog", "cats")), lambda: workspace.caption("cats")):
        with pytest.raises(CollectionNotFound, match=r'"cats" was not found. There are: pets\.'):
            ask()
    with pytest.raises(CollectionNotFound, match="cats"):
        workspace.remove("cats")


def test_an_unknown_model_is_told_with_those_that_exist(workspace, make_photos):
    workspace.add(str(make_photos("red.jpg")))
    for name in ("none", "../captioner", ""):
        with pytest.raises(ModelError, match="There are: captioner"):
            workspace.caption(choice=ModelChoice(captioner=name))


def test_without_any_model_the_folder_is_told(tmp_path, make_photos):
    workspace = Workspace(Settings(tmp_path / "library", models_dir=tmp_path / "nothing"))
    workspace.add(str(make_photos("red.jpg")))
    with pytest.raises(ModelError, match=r"There is none in .*nothing"):
        workspace.caption()


def test_a_model_that_turns_out_damaged_when_it_is_loaded_leaves_photos_to_be_captioned(tmp_path, make_photos):
    models_dir = tmp_path / "models"
    shutil.copytree(MODELS_DIR, models_dir)
    (models_dir / "concepts" / "concepts.onnx").write_bytes(b"no graph")
    workspace = Workspace(Settings(tmp_path / "library", models_dir=models_dir))
    workspace.add(str(make_photos("red.jpg")))
    with pytest.raises(ModelError, match=r"concepts\.onnx"):
        workspace.caption()
    assert [photo.state for photo in workspace.library.photos("photos")] == [PhotoState.NEW]
    workspace.close()


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x00b", "x" * 101, "\udcff"])
def test_an_unsuitable_name_is_refused_and_nothing_is_kept(workspace, make_photos, name):
    with pytest.raises(PhotosearchError, match="1 to 100 printable characters"):
        workspace.add(str(make_photos("red.jpg")), collection=name)
    assert workspace.library.collections() == []


@pytest.mark.parametrize(
    "name",
    ['it\'s "mine"', "<script>alert(1)</script>", "100% \U0001f436", "\U0001f468\u200d\U0001f467", "../up", "x" * 100],
)
def test_any_printable_name_will_do(workspace, make_photos, name):
    assert workspace.add(str(make_photos("red.jpg")), collection=name)[0].collection == name
    assert [info.name for info in workspace.library.collections()] == [name]


def test_a_source_that_does_not_exist_leaves_no_collection(workspace, tmp_path):
    with pytest.raises(SourceError):
        workspace.add(str(tmp_path / "missing"))
    assert workspace.library.collections() == []


# The index


def test_the_index_is_kept_while_nothing_changes_and_follows_each_write(workspace, pets):
    first = workspace.searcher.index("pets")
    assert workspace.searcher.index("pets") is first
    (pets / "red.jpg").unlink()
    workspace.add(str(pets))
    assert len(workspace.searcher.index("pets")) == 1


def test_the_index_follows_writes_of_another_workspace(workspace, pets):
    assert found(workspace) == ["blue.jpg", "red.jpg"]
    other = Workspace(workspace.settings)
    other.remove("pets")
    with pytest.raises(CollectionNotFound):
        workspace.searcher.search(Question("dog", "pets"))
    (pets / "red.jpg").unlink()
    other.add(str(pets))
    other.caption("pets")
    assert found(workspace) == ["blue.jpg"]


# Tasks


def test_a_task_lists_photos_then_captions_them(workspace, make_photos):
    root = make_photos("red.jpg", folder="pets")
    assert workspace.perform(Task("t", (str(root),))) == Report(n_new=1, n_captioned=1)
    (root / "blue.jpg").write_bytes(jpeg("blue"))
    assert workspace.perform(Task("t", collection="pets", update=True, then="list")).n_new == 1
    assert workspace.perform(Task("t", collection="pets", then="fetch")) == Report(n_fetched=1)
    assert workspace.perform(Task("t", collection="pets")) == Report(n_captioned=1)


@pytest.fixture
def described(tmp_path) -> Path:
    """A list of one photo that came with a caption, at an address that is never fetched."""
    path = tmp_path / "captions_dict_pets.json"
    path.write_text('{"http://127.0.0.1:9/red.jpg": "a red ball"}')
    return path


def test_photos_that_came_with_captions_are_read_only_when_that_is_asked_for(workspace, described):
    assert workspace.perform(Task("t", (str(described),))) == Report(n_new=1)
    assert found_by(workspace, "red ball") == 1
    assert len(workspace.perform(Task("t", (str(described),), then="fetch")).failures) == 1


def test_the_public_demo_captions_photos_that_came_with_captions_too(tmp_path, tiny_models, described):
    demo = Workspace(Settings(tmp_path / "library", models_dir=tiny_models, demo=True, demo_source=str(described)))
    assert len(demo.prepare_demo().failures) == 1


def test_a_task_that_is_stopped_while_it_lists_captions_nothing(workspace, make_photos):
    root = make_photos("red.jpg", folder="pets")
    assert workspace.perform(Task("t", (str(root),)), Watch(is_cancelled=lambda: True)) == Report(n_new=1)


# Removing, the public demo


def test_a_removed_collection_leaves_the_files_where_they_are(workspace, pets):
    workspace.remove("pets")
    assert workspace.library.collections() == []
    assert sorted(path.name for path in pets.iterdir()) == ["blue.jpg", "red.jpg"]
    assert not list((workspace.library.folder / "thumbnails").rglob("*.jpg"))


def test_failures_are_listed_with_their_reasons(workspace, make_photos):
    root = make_photos("red.jpg", folder="pets")
    (root / "empty.jpg").write_bytes(b"")
    workspace.add(str(root))
    workspace.caption()
    (failure,) = read_failures(workspace.library, "pets")
    assert (Path(failure.source_key).name, failure.reason) == ("empty.jpg", "the file is empty")
    (info,) = workspace.library.collections()
    assert info == CollectionInfo("pets", info.generation, n_photos=2, n_ready=1, n_failed=1, n_new=0)


def test_the_public_demo_shows_its_photos_and_refuses_changes(tmp_path, tiny_models, make_photos):
    root = make_photos("red.jpg", folder="pets")
    demo = Workspace(Settings(tmp_path / "library", models_dir=tiny_models, demo=True, demo_source=str(root)))
    assert demo.needs_demo()
    assert demo.prepare_demo() == Report(n_new=1, n_captioned=1)
    assert found(demo) == ["red.jpg"]
    assert demo.prepare_demo() == Report(n_unchanged=1)


def test_every_method_that_changes_something_refuses_in_the_public_demo(tmp_path):
    """A new method of the workspace has to be listed here, and to refuse unless it only reads."""
    demo = Workspace(Settings(tmp_path / "library", demo=True))
    path = tmp_path / "file"
    changes = {
        "add": (str(tmp_path),),
        "ask_again": ("id",),
        "caption": (),
        "check_source": (str(tmp_path),),
        "clear_caption": ("id", "me"),
        "confirm_correction": ("id",),
        "correct": ("id", "a dog", "me"),
        "export": (ExportKind.JSON, "pets", path),
        "find_problems": (),
        "fetch_or_caption": (Task("t"), Added("pets", Report(), described=False)),
        "import_checkpoint": (path, path, "mine"),
        "instagram_folder": (),
        "list_photos": (Task("t"),),
        "perform": (Task("t"),),
        "remove": ("pets",),
        "retry": ("pets",),
        "undo_correction": ("id",),
        "upload": ([],),
    }
    methods = {name for name, member in vars(Workspace).items() if callable(member) and not name.startswith("_")}
    assert methods == changes.keys() | {"close", "needs_demo", "prepare_demo", "warm_up"}
    for name, arguments in changes.items():
        with pytest.raises(ReadOnlyError, match="public demo"):
            getattr(demo, name)(*arguments)
    assert not demo.library.collections()


def test_the_demo_collection_is_wanted_until_it_is_captioned(workspace, make_photos):
    assert workspace.needs_demo()
    workspace.add("demo")
    assert workspace.needs_demo()
    workspace.remove("demo")
    workspace.add(str(make_photos("red.jpg")))
    assert not workspace.needs_demo()


def test_captioning_while_another_run_is_at_work_is_refused(workspace, make_photos):
    workspace.add(str(make_photos("red.jpg")))
    with (
        hold_worker_lock(workspace.library, "caption"),
        pytest.raises(PhotosearchError, match="Another run is at work"),
    ):
        workspace.caption()


def test_a_note_on_what_no_photo_has_is_true_whatever_became_of_the_photos(workspace, make_photos):
    root = make_photos("red.jpg", "blue.jpg")
    (root / "damaged.jpg").write_bytes(b"no picture")
    lacking = {
        "after:1990": "No date of these photos is known.",
        "on:2019": "No date of these photos is known.",
        "camera:canon": "None of these photos has “camera:canon”.",
        "#sunset": "None of these photos has the hashtag “#sunset”.",
        "object:zebra": "The object “zebra” was not detected in any of these photos.",
    }
    unread = " read yet; dates, places, cameras and keywords that only the files hold are known"
    unread += " once the photos are captioned or fetched."
    uncaptioned = " captioned yet; objects are detected then."

    def notes(query: str) -> tuple[str, ...]:
        return workspace.searcher.search(Question(query, root.name)).notes

    workspace.add(str(root))  # listed only
    for query, note in lacking.items():
        assert notes(query) == (note, f"3 photos are not{uncaptioned if query.startswith('object') else unread}")
    workspace.perform(Task("", collection=root.name, then="fetch"))  # one fails; the others are read and have no date
    for query, note in lacking.items():
        assert notes(query) == ((note, f"2 photos are not{uncaptioned}") if query.startswith("object") else (note,))
    (root / "one more.jpg").write_bytes(jpeg())
    workspace.add(str(root))
    assert notes("after:1990")[1:] == (f"2 photos are not{unread}",)  # the new one, and the one that failed
    workspace.caption(root.name)
    for query, note in lacking.items():
        assert notes(query) == (note,)


def test_photos_that_were_fetched_only_are_found_by_the_day_on_their_camera_s_clock(workspace, tmp_path):
    for name, time, offset in (
        ("newyear.jpg", "2024:01:01 00:20:00", "+01:00"),
        ("eve.jpg", "2023:12:31 21:00:00", "-05:00"),
    ):
        exif = Image.Exif()
        exif.get_ifd(ExifTags.IFD.Exif).update({0x9003: time, 0x9011: offset})
        (tmp_path / name).write_bytes(jpeg(exif=exif))
    workspace.add(str(tmp_path), collection="c")
    results = workspace.searcher.search(Question("after:2024", "c"))
    assert (results.total, results.notes[-1]) == (
        0,
        "2 photos are not read yet; dates, places, cameras and keywords that only the files hold are known once the"
        " photos are captioned or fetched.",
    )
    workspace.perform(Task("", collection="c", then="fetch"))
    for query, found in (
        ("after:2024", ["newyear.jpg"]),
        ("before:2024", ["eve.jpg"]),
        ("on:2024-01-01", ["newyear.jpg"]),
    ):
        results = workspace.searcher.search(Question(query, "c"))
        assert ([hit.photo.name for hit in results.hits], results.notes) == (found, ())
