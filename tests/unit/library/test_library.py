"""The library: its schema, photos that come and go, thumbnails, and its error messages."""

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from photosearch.errors import CollectionNotFound, LibraryError, PhotoNotFound
from photosearch.library import Library, Reading, photo_id, schema, upkeep
from photosearch.library.counting import Counts
from photosearch.library.engine import FILE_NAME
from photosearch.library.files import thumbnail_name
from photosearch.records import (
    Caption,
    Details,
    Detection,
    Document,
    Findings,
    Listing,
    PhotoState,
    Prediction,
    Station,
)
from tests.conftest import jpeg

RED, BLUE = "a" * 64, "b" * 64


def list_photos(library: Library, *keys: str, collection: str = "c", stamp: str = "1") -> None:
    library.merge(collection, "folder", [Listing(key, stamp) for key in keys])


def said(*texts: str, model: str = "m") -> Findings:
    return Findings(captions=tuple(Caption(text, -0.5, model, rank) for rank, text in enumerate(texts)))


def caption(library: Library, key: str, sha256: str, text: str = "a dog", collection: str = "c") -> None:
    """File a sentence for a listed photo, as the pipeline does."""
    model_id = library.model_id(Station.CAPTIONER, "m", "d" * 64)
    stamp = next(p.stamp for p in library.pending(collection, [model_id], redo=True) if p.source_key == key)
    reading = Reading(photo_id(collection, key), stamp, sha256, 64, 48, "0" * 16, b"\0", details=Details())
    known = model_id in library.known.seen_by(sha256)
    library.save([reading], {} if known else {model_id: {sha256: said(text)}})


def fail(library: Library, key: str, collection: str = "c") -> None:
    library.save([Reading(photo_id(collection, key), "1", reason="the file is empty")], {})


def pending(library: Library, collection: str | None = "c") -> list[str]:
    model_id = library.model_id(Station.CAPTIONER, "m", "d" * 64)
    return [photo.source_key for photo in library.pending(collection, [model_id])]


def state(library: Library, key: str, collection: str = "c") -> PhotoState:
    return library.photo(photo_id(collection, key)).state


# Collections


def test_photos_are_counted_by_their_current_states(library):
    other_process = Counts()  # has written nothing itself

    def counted() -> list[tuple[str, int, int, int, int]]:
        with library.reading() as connection:
            collections = other_process.read(connection)
            assert collections == Counts().read(connection)
        assert collections == library.collections()
        assert library.collection_names() == [info.name for info in collections]
        return [(info.name, info.n_photos, info.n_ready, info.n_failed, info.n_new) for info in collections]

    assert counted() == []
    list_photos(library, "1.jpg", "2.jpg")
    list_photos(library, "1.jpg", collection="b")
    assert counted() == [("b", 1, 0, 0, 1), ("c", 2, 0, 0, 2)]
    caption(library, "1.jpg", RED)
    fail(library, "2.jpg")
    assert counted() == [("b", 1, 0, 0, 1), ("c", 2, 1, 1, 0)]
    upkeep.retry_failed(library, "c")
    assert counted() == [("b", 1, 0, 0, 1), ("c", 2, 1, 0, 1)]
    library.merge("c", "folder", [], ["2.jpg"])
    assert counted() == [("b", 1, 0, 0, 1), ("c", 1, 1, 0, 0)]
    library.remove_collection("c")
    assert counted() == [("b", 1, 0, 0, 1)]
    list_photos(library, "3.jpg")
    assert counted() == [("b", 1, 0, 0, 1), ("c", 1, 0, 0, 1)]


# Schema


def test_a_fresh_library_has_the_newest_schema_and_the_tables_of_the_metadata(library):
    with library.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert context.get_current_revision() == schema.HEAD
        assert compare_metadata(context, schema.metadata) == []


def test_a_library_can_be_opened_again(library):
    list_photos(library, "/a.jpg")
    library.close()
    assert [info.name for info in Library(library.folder).collections()] == ["c"]


def test_the_library_of_a_newer_version_is_refused_and_left_as_it_is(library):
    library.close()
    path = library.folder / FILE_NAME
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LibraryError, match=r"newer version.*9999.*Update photosearch"):
        Library(library.folder)
    assert path.read_bytes() == before


def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / FILE_NAME
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LibraryError, match="no library of photosearch"):
        Library(tmp_path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"no database at all " * 100)
    with pytest.raises(LibraryError, match="damaged"):
        Library(tmp_path)


def test_a_damaged_page_is_a_library_error(library):
    list_photos(library, *(f"/{i}.jpg" for i in range(500)))
    library.close()
    path = library.folder / FILE_NAME
    with path.open("r+b") as file:
        file.seek(4096)  # the first page holds the schema; all others are lost
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(LibraryError, match="damaged"):
        Library(library.folder).photos("c")


def test_a_creation_that_is_interrupted_leaves_nothing_behind(tmp_path, monkeypatch):
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(schema.secrets, "token_hex", stop)  # once the tables are made
        with pytest.raises(KeyboardInterrupt):
            Library(tmp_path)
    assert Library(tmp_path).collections() == []


def test_a_library_in_a_place_that_cannot_be_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LibraryError, match="cannot be made"):
        Library(tmp_path / "file" / "library")


@pytest.mark.parametrize(
    "name", ["two words", 'it\'s "quoted"', "100%", "a#b", "what?", "sm\u00f6rg\u00e5s \U0001f436"]
)
def test_a_folder_of_any_name_holds_a_library(tmp_path, name):
    list_photos(Library(tmp_path / name), "/a.jpg")
    assert (tmp_path / name / FILE_NAME).is_file()
    assert Library(tmp_path / name).photos("c")[0].source_key == "/a.jpg"


# Generations


def test_each_write_raises_the_generation(library):
    seen = []
    list_photos(library, "/a.jpg")
    seen.append(library.generation("c"))
    list_photos(library, "/b.jpg")
    seen.append(library.generation("c"))
    caption(library, "/a.jpg", RED)
    seen.append(library.generation("c"))
    fail(library, "/b.jpg")
    seen.append(library.generation("c"))
    assert seen == sorted(set(seen))


def test_a_collection_made_anew_under_the_same_name_has_a_higher_generation(library):
    list_photos(library, "/a.jpg")
    list_photos(library, "/b.jpg")
    before = library.generation("c")
    library.remove_collection("c")
    list_photos(library, "/a.jpg")
    assert library.generation("c") > before


def test_a_caption_raises_the_generation_of_each_collection_that_holds_the_picture(library):
    for name in ("c", "other"):
        list_photos(library, "/a.jpg", collection=name)
        caption(library, "/a.jpg", RED, collection=name)
    before = library.generation("other")
    model_id = library.model_id(Station.CAPTIONER, "better", "e" * 64)
    reading = Reading(photo_id("c", "/a.jpg"), "1", RED)
    library.save([reading], {model_id: {RED: said("a wolf", model="better")}})
    assert library.generation("other") > before
    assert [document.captions for document in library.documents("other")] == [("a wolf",)]


# Photos


def test_new_photos_are_pending_and_captioned_ones_are_not(library):
    list_photos(library, "/a.jpg", "/b.jpg")
    caption(library, "/a.jpg", RED)
    assert pending(library) == ["/b.jpg"]


def test_a_changed_photo_is_read_again(library):
    list_photos(library, "/a.jpg")
    caption(library, "/a.jpg", RED)
    list_photos(library, "/a.jpg", stamp="2")
    assert (state(library, "/a.jpg"), pending(library)) == (PhotoState.NEW, ["/a.jpg"])
    assert library.documents("c") == []


def test_a_photo_that_changes_while_it_is_captioned_is_read_again(library):
    list_photos(library, "/a.jpg")
    model_id = library.model_id(Station.CAPTIONER, "m", "d" * 64)
    (listed,) = library.pending("c", [model_id])
    list_photos(library, "/a.jpg", stamp="2")
    library.save([Reading(listed.id, listed.stamp, RED)], {model_id: {RED: said("a dog")}})
    assert pending(library) == ["/a.jpg"]


def test_a_photo_that_vanishes_while_it_is_captioned_stays_gone(library):
    list_photos(library, "/a.jpg")
    model_id = library.model_id(Station.CAPTIONER, "m", "d" * 64)
    (listed,) = library.pending("c", [model_id])
    library.merge("c", "folder", [], ["/a.jpg"])
    library.save([Reading(listed.id, listed.stamp, RED)], {model_id: {RED: said("a dog")}})
    assert state(library, "/a.jpg") is PhotoState.GONE


def test_a_failed_photo_is_tried_again_when_it_is_listed_again(library):
    list_photos(library, "/a.jpg")
    fail(library, "/a.jpg")
    assert library.photo(photo_id("c", "/a.jpg")).reason == "the file is empty"
    assert pending(library) == []
    list_photos(library, "/a.jpg")
    assert pending(library) == ["/a.jpg"]
    assert library.photo(photo_id("c", "/a.jpg")).reason is None


def test_a_photo_that_is_gone_has_no_document_and_comes_back(library):
    list_photos(library, "/a.jpg", "/b.jpg")
    caption(library, "/a.jpg", RED)
    caption(library, "/b.jpg", BLUE)
    assert library.merge("c", "folder", [], ["/a.jpg"]).n_gone == 1
    assert [document.photo_id for document in library.documents("c")] == [photo_id("c", "/b.jpg")]
    assert [photo.source_key for photo in library.photos("c")] == ["/b.jpg"]
    list_photos(library, "/a.jpg")
    assert pending(library) == ["/a.jpg"]


def test_two_photos_with_the_same_sentence_are_two_documents(library):
    list_photos(library, "/a.jpg", "/b.jpg")
    caption(library, "/a.jpg", RED)
    caption(library, "/b.jpg", BLUE)
    assert len(library.documents("c")) == 2


def test_each_station_has_its_own_findings_and_the_latest_model_of_each_counts(library):
    list_photos(library, "/a.jpg")
    caption(library, "/a.jpg", RED, "a dog")
    reading = Reading(photo_id("c", "/a.jpg"), "1", RED)
    dog = Detection("dog", 0.75, (0.1, 0.2, 0.3, 0.4))
    told = {
        Station.DETECTOR: Findings(objects=(dog, dog)),
        Station.CLASSIFIER: Findings(labels=(Prediction("Border collie", 0.5), Prediction("collie", 0.25))),
        Station.CONCEPTS: Findings(concepts=(Prediction("dog", 0.9), Prediction("grass", 0.3))),
    }
    found = {library.model_id(station, "m", station[0] * 64): {RED: part} for station, part in told.items()}
    library.save([reading], found)
    assert library.documents("c") == [
        Document(
            photo_id("c", "/a.jpg"),
            captions=("a dog",),
            objects=(("dog", 0.75), ("dog", 0.75)),
            labels={"Border collie": 0.5, "collie": 0.25},
            concepts={"dog": 0.9, "grass": 0.3},
        )
    ]
    photo = library.photo(photo_id("c", "/a.jpg"))
    assert library.detailed_photos([photo.id, "no such photo"]) == [photo]
    assert (photo.objects, photo.labels, photo.concepts) == (
        (dog, dog),
        told[Station.CLASSIFIER].labels,
        told[Station.CONCEPTS].concepts,
    )
    again = library.model_id(Station.DETECTOR, "other", "o" * 64)
    library.save([reading], {again: {RED: Findings()}})
    assert library.photos("c")[0].objects == ()


def test_the_latest_captioners_sentences_come_first_and_earlier_ones_stay(library):
    list_photos(library, "/a.jpg")
    caption(library, "/a.jpg", RED, "a dog")
    reading = Reading(photo_id("c", "/a.jpg"), "1", RED)
    first = library.model_id(Station.CAPTIONER, "m", "d" * 64)
    second = library.model_id(Station.CAPTIONER, "better", "b" * 64)
    library.save([reading], {second: {RED: said("a wolf", "a grey wolf", model="better")}})
    assert [c.text for c in library.photos("c")[0].captions] == ["a wolf", "a dog"], "what is shown of each"
    photo = library.photo(photo_id("c", "/a.jpg"))
    assert [c.text for c in photo.captions] == ["a wolf", "a grey wolf", "a dog"]
    assert [c.model for c in photo.captions] == ["better", "better", "m"]
    assert library.documents("c")[0].captions == ("a wolf", "a grey wolf")
    library.save([reading], {first: {RED: said("a hound")}})
    assert library.photos("c")[0].caption == "a hound"
    assert library.documents("c")[0].captions == ("a hound",)


def test_a_photo_that_one_of_two_models_has_not_analysed_is_pending(library):
    list_photos(library, "/a.jpg")
    caption(library, "/a.jpg", RED)
    captioner = library.model_id(Station.CAPTIONER, "m", "d" * 64)
    detector = library.model_id(Station.DETECTOR, "m", "d" * 64)
    assert library.pending("c", [captioner]) == []
    assert len(library.pending("c", [captioner, detector])) == 1


def test_the_message_about_an_unknown_collection_lists_those_that_exist(library):
    list_photos(library, "/a.jpg")
    with pytest.raises(CollectionNotFound, match=r'"d" was not found. There are: c\.'):
        library.photos("d")
    with pytest.raises(PhotoNotFound, match="0000"):
        library.photo("0000")


def test_a_name_that_is_no_unicode_is_not_found(library):
    with pytest.raises(CollectionNotFound):
        library.generation("\udcff")


# Pictures in several collections, thumbnails


def test_a_picture_in_two_collections_loses_its_thumbnail_with_the_last(library):
    for name in ("c", "other"):
        list_photos(library, "/a.jpg", collection=name)
        caption(library, "/a.jpg", RED, collection=name)
    library.files.keep_thumbnail(RED, jpeg())
    library.remove_collection("c")
    assert (library.folder / thumbnail_name(RED)).is_file()
    library.remove_collection("other")
    assert not (library.folder / thumbnail_name(RED)).exists()


def test_models_have_seen_nothing_until_one_of_them_has(library):
    list_photos(library, "/red.jpg")
    ids = [library.model_id(Station.CAPTIONER, "m", digit * 64) for digit in "de"]
    assert library.known.is_new_to(ids)
    assert library.known.is_new_to([])
    caption(library, "/red.jpg", RED)
    assert not library.known.is_new_to(ids)
    assert library.known.is_new_to(ids[1:])


def test_the_same_thumbnail_may_be_written_by_two_threads_at_once(library, monkeypatch):
    barrier, errors, write = threading.Barrier(2, timeout=10), [], Path.write_bytes

    def write_and_wait(path: Path, data: bytes) -> int:
        n_written = write(path, data)
        barrier.wait()
        return n_written

    def keep() -> None:
        try:
            library.files.keep_thumbnail(RED, jpeg())
        except LibraryError as error:
            errors.append(error)

    monkeypatch.setattr(Path, "write_bytes", write_and_wait)
    threads = [threading.Thread(target=keep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [path.name for path in (library.folder / thumbnail_name(RED)).parent.iterdir()] == [f"{RED}.jpg"]
