"""The answer to a query, page by page: totals, near-duplicates, notes, corrections, photos like one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from photosearch.errors import CollectionNotFound, PhotoNotFound
from photosearch.library import Library, Reading
from photosearch.library.corrections import correct_caption
from photosearch.records import Details, Document, Listing, TextKind
from photosearch.search.index import Index, Tables
from photosearch.search.query import Refine, Sort
from photosearch.search.question import Question
from photosearch.search.searcher import Searcher
from photosearch.settings import Settings
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse


@pytest.fixture
def walks(library: Library) -> Library:
    """Twelve described photos that were taken one a day, photo 0 first; the first three have a hashtag.

    Their hashtag makes photos 0 and 2, which show a beach as well, weaker hits than the other four.
    """
    listings = [
        Listing(
            f"photo-{day:02}.jpg",
            "",
            details=Details(
                taken_at=datetime(2023, 6, day + 1, 12),
                texts=(
                    (TextKind.IMPORTED, "a red dog" if day % 2 else "a red dog on a beach at sunrise"),
                    *(((TextKind.HASHTAG, "Walk"),) if day < 3 else ()),
                ),
            ),
        )
        for day in range(12)
    ]
    library.merge("walks", "older system", listings)
    return library


@pytest.fixture(params=["files", "milvus"])
def searcher(walks: Library, request: pytest.FixtureRequest) -> Iterator[Searcher]:
    """Over the index in files, and over that in Milvus."""
    address = request.getfixturevalue("milvus") if request.param == "milvus" else None
    searcher = Searcher(walks, Tables(), address)
    yield searcher
    searcher.close()


@pytest.fixture
def in_files(walks: Library) -> Searcher:
    return Searcher(walks, Tables())


def names(searcher: Searcher, query: str, **options: object) -> list[str]:
    results = searcher.search(Question(query, "walks", top=100, **options))  # type: ignore[arg-type]
    return [hit.photo.source_key for hit in results.hits]


def test_pages_put_together_are_the_whole_answer(searcher: Searcher) -> None:
    whole = searcher.search(Question("a dog on the beach", "walks", top=100))
    assert (whole.total, whole.n_listed, whole.n_weak, len(whole.hits)) == (12, 12, 0, 12)
    offsets = (0, 5, 10, 15)
    pages = [searcher.search(Question("a dog on the beach", "walks", top=5, offset=offset)) for offset in offsets]
    assert [len(page.hits) for page in pages] == [5, 5, 2, 0]
    assert tuple(hit for page in pages for hit in page.hits) == whole.hits
    assert {(page.total, page.n_listed) for page in pages} == {(12, 12)}
    assert pages[3].suggestions == ()


def test_the_cutoff_leaves_weak_hits_out_and_says_how_many(searcher: Searcher) -> None:
    results = searcher.search(Question("dog beach", "walks", top=100, refine=Refine(cutoff=0.8)))
    assert (results.total, results.n_listed, results.n_weak) == (12, 4, 8)
    assert all("beach" in hit.photo.caption for hit in results.hits)


def test_dates_and_hashtags_come_from_the_library(searcher: Searcher) -> None:
    assert names(searcher, "before:2023-06-03") == ["photo-01.jpg", "photo-00.jpg"]
    assert names(searcher, "#walk after:2023-06-02", refine=Refine(sort=Sort.OLDEST)) == [
        "photo-01.jpg",
        "photo-02.jpg",
    ]
    assert len(names(searcher, "dog -#walk")) == 9


def test_signs_mean_nothing_in_a_literal_query(searcher: Searcher) -> None:
    assert len(names(searcher, "-dog before:2023-06-03", literal=True)) == 12
    assert searcher.search(Question('"', "walks", top=5, literal=True)).corrected is None


def test_notes_and_corrections_come_with_the_answer(searcher: Searcher) -> None:
    results = searcher.search(Question('beahc "dog', "walks", top=3))
    assert results.corrected == 'beach "dog'
    assert results.notes == ("A quotation mark has no partner; it was left out.",)
    results = searcher.search(Question("#nowhere", "walks", top=3))
    assert (results.total, results.hits) == (0, ())
    assert "#nowhere" in results.notes[0]
    assert "dog" in results.suggestions


def test_negative_numbers_are_refused(searcher: Searcher) -> None:
    for top, offset in ((-1, 0), (1, -1)):
        with pytest.raises(ValueError, match="-1"):
            searcher.search(Question("dog", "walks", top=top, offset=offset))


def test_photos_like_one(searcher: Searcher) -> None:
    first = searcher.search(Question("beach", "walks", top=1)).hits[0].photo
    results = searcher.similar(first.id, top=100)
    assert results.collection == "walks"
    assert first.id not in {hit.photo.id for hit in results.hits}
    assert [hit.rank for hit in results.hits] == list(range(1, 12))
    assert all("beach" in hit.photo.caption for hit in results.hits[:3])
    assert [hit.score for hit in results.hits] == sorted((hit.score for hit in results.hits), reverse=True)
    assert len(searcher.similar(first.id, top=3).hits) == 3
    with pytest.raises(PhotoNotFound):
        searcher.similar("nobody", top=3)


def test_an_unknown_collection_is_an_error(searcher: Searcher) -> None:
    with pytest.raises(CollectionNotFound):
        searcher.search(Question("dog", "cats", top=3))


def test_near_duplicates_are_listed_once_on_all_pages(
    tmp_path: Path, tiny_models: Path, make_photos: Callable[..., Path]
) -> None:
    workspace = Workspace(Settings(tmp_path / "library", models_dir=tiny_models))
    root = make_photos("red.jpg", folder="bursts")
    for name in ("china", "flower"):
        picture = Image.fromarray(load_sample_image(f"{name}.jpg"))
        for quality in (95, 70, 40):
            picture.save(root / f"{name}-{quality}.jpg", quality=quality)
    workspace.add(str(root))
    analyse(workspace.library, ColourStation())
    results = workspace.searcher.search(Question("picture", "bursts", top=2, one_of_near_duplicates=True))
    assert (results.total, results.n_listed) == (7, 3)
    rest = workspace.searcher.search(Question("picture", "bursts", top=2, offset=2, one_of_near_duplicates=True))
    assert sorted(hit.n_near_duplicates for hit in (*results.hits, *rest.hits)) == [0, 2, 2]
    assert workspace.searcher.search(Question("picture", "bursts", top=2)).n_listed == 7
    assert len(workspace.searcher.similar(results.hits[0].photo.id, top=9).hits) == 6


def test_near_duplicates_follow_changes_without_reading_all_hashes_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(name: str, phash: str) -> None:
        library.merge("bursts", "folder", [Listing(f"/{name}.jpg", "")])
        (photo,) = library.pending("bursts", [])
        library.save([Reading(photo.id, "", f"{name:0>64}", 640, 480, phash, b"\0", details=Details())], {})

    def groups(searcher: Searcher) -> set[frozenset[str]]:
        found: dict[int, set[str]] = {}
        for photo_id, group in searcher.near_duplicates("bursts").items():
            found.setdefault(group, set()).add(library.photo(photo_id).name)
        return {frozenset(members) for members in found.values()}

    add("a", "5a5ac3c30f0f9696")
    add("b", "1234567890abcdef")
    searcher = Searcher(library, Tables())
    assert groups(searcher) == set()
    monkeypatch.setattr(Library, "hashes", None)
    add("c", "5a5ac3c30f0f9697")
    assert groups(searcher) == {frozenset({"a.jpg", "c.jpg"})}
    library.merge("bursts", "folder", [], ["/a.jpg"])
    assert groups(searcher) == set()
    monkeypatch.undo()
    assert groups(Searcher(library, Tables())) == set()


# The index beside the library


def kept(in_files: Searcher) -> list[Path]:
    return sorted((in_files.library.folder / "index").glob("*/index.json"))


def test_the_index_is_kept_for_the_next_process(in_files: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    before = in_files.search(Question("a dog on the beach", "walks", top=100)).hits
    assert len(kept(in_files)) == 1
    later = Searcher(in_files.library, Tables())
    monkeypatch.setattr(Library, "each_document", None)  # nothing is read again
    monkeypatch.setattr(Library, "changes", None)
    results = later.search(Question("a dog on the beach", "walks", top=100))
    assert (results.hits, results.notes) == (before, ())


def test_an_index_takes_in_what_changed_only(in_files: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    in_files.search(Question("dog", "walks", top=1))
    library = in_files.library
    first, second, *_ = [photo.id for photo in library.photos("walks")]
    correct_caption(library, first, "a unicorn", "me")
    library.merge("walks", "older system", [], ["photo-01.jpg"])
    library.merge("walks", "older system", [Listing("new.jpg", "", details=told("a zebra"))])
    monkeypatch.setattr(Library, "each_document", None)
    assert names(in_files, "unicorn") == ["photo-00.jpg"]
    assert names(in_files, "zebra") == ["new.jpg"]
    assert in_files.index_in_files("walks").state.row(second) is None
    again = Searcher(library, Tables())
    assert names(again, "unicorn zebra") == names(in_files, "unicorn zebra")
    monkeypatch.undo()
    fresh = Index(library.documents("walks"))
    assert [m.photo_id for m in fresh.search("red dog", top=99)[1]] == [
        hit.photo.id for hit in in_files.search(Question("red dog", "walks", top=99)).hits
    ]


def test_a_moved_photo_is_found_once(workspace: Workspace, make_photos: Callable[..., Path]) -> None:
    folder = make_photos("red.jpg", "blue.jpg")
    workspace.add(str(folder))
    analyse(workspace.library, ColourStation())
    assert workspace.searcher.search(Question("red", "photos")).total == 1
    photo = next(photo for photo in workspace.library.photos("photos") if photo.name == "red.jpg")
    workspace.correct(photo.id, "my unicorn", "me")
    assert len(workspace.searcher.search(Question("unicorn", "photos")).hits) == 1
    (folder / "red.jpg").rename(folder / "other.jpg")
    workspace.add(str(folder))
    analyse(workspace.library, ColourStation())
    assert [hit.photo.name for hit in workspace.searcher.search(Question("unicorn", "photos")).hits] == ["other.jpg"]
    assert workspace.searcher.search(Question("unicorn", "photos")).total == 1


def test_a_damaged_index_is_made_anew_and_said_so_once(in_files: Searcher) -> None:
    expected = names(in_files, "dog")
    (path,) = kept(in_files)
    path.write_bytes(path.read_bytes()[:-3])
    later = Searcher(in_files.library, Tables())
    results = later.search(Question("dog", "walks", top=100))
    assert [hit.photo.source_key for hit in results.hits] == expected
    assert results.notes == ('The index of "walks" could not be used (index.json is damaged); it was made anew.',)
    assert later.search(Question("dog", "walks", top=1)).notes == ()
    assert Searcher(in_files.library, Tables()).search(Question("dog", "walks", top=1)).notes == ()


def test_an_index_that_knows_more_than_the_library_is_made_anew(in_files: Searcher) -> None:
    library = in_files.library
    backup = {path: path.read_bytes() for path in library.folder.glob("library.sqlite*")}
    assert backup
    library.merge("walks", "older system", [Listing("new.jpg", "", details=told("a zebra"))])
    assert names(in_files, "zebra") == ["new.jpg"]
    library.close()
    for path in library.folder.glob("library.sqlite*"):
        path.unlink()
    for path, content in backup.items():
        path.write_bytes(content)
    restored = Searcher(Library(library.folder), Tables())
    results = restored.search(Question("zebra", "walks", top=9))
    assert (results.total, len(results.notes)) == (0, 1)


def test_a_copy_of_the_library_that_comes_to_the_same_generation_is_told_from_it(in_files: Searcher) -> None:
    library = in_files.library
    backup = {path: path.read_bytes() for path in library.folder.glob("library.sqlite*")}
    first, second, *_ = [photo.id for photo in library.photos("walks")]
    in_files.search(Question("dog", "walks", top=1))
    correct_caption(library, first, "a submarine", "me")
    assert names(in_files, "submarine") == ["photo-00.jpg"]
    before = library.generation("walks")
    library.close()
    for path in library.folder.glob("library.sqlite*"):
        path.unlink()
    for path, content in backup.items():
        path.write_bytes(content)
    restored = Library(library.folder)
    correct_caption(restored, second, "a tree", "me")
    assert restored.generation("walks") == before
    for other in (Searcher(restored, Tables()), in_files):
        other.library = restored
        assert names(other, "submarine tree") == ["photo-01.jpg"]


def test_collections_do_not_wait_for_each_other(in_files: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    in_files.library.merge("other", "older system", [Listing("new.jpg", "", details=told("a zebra"))])
    assert names(in_files, "dog")
    real = Library.each_document

    def slow(library: Library, collection: str) -> Iterator[Document]:
        assert names(in_files, "dog"), "while another collection's index is being built"
        return real(library, collection)

    monkeypatch.setattr(Library, "each_document", slow)
    assert in_files.search(Question("zebra", "other", top=1)).total == 1


def test_an_older_index_does_not_replace_a_newer_one(in_files: Searcher) -> None:
    behind = Searcher(in_files.library, Tables())
    behind.search(Question("dog", "walks", top=1))
    (path,) = kept(in_files)
    in_files.library.merge("walks", "older system", [Listing("new.jpg", "", details=told("a zebra"))])
    assert names(in_files, "zebra") == ["new.jpg"]
    saved = path.read_bytes()
    assert names(behind, "zebra") == ["new.jpg"], "taken from what the other one saved"
    assert path.read_bytes() == saved


def test_a_collection_made_anew_has_nothing_of_the_old_one(in_files: Searcher) -> None:
    library = in_files.library
    in_files.search(Question("dog", "walks", top=1))
    library.remove_collection("walks")
    assert kept(in_files) == []
    library.merge("walks", "older system", [Listing("new.jpg", "", details=told("a zebra"))])
    assert names(in_files, "dog zebra") == ["new.jpg"], "though this process has not been told of the removal"


def test_an_index_that_cannot_be_kept_still_answers(in_files: Searcher) -> None:
    (in_files.library.folder / "index").write_text("in the way")
    assert len(names(in_files, "dog")) == 12


def told(text: str) -> Details:
    return Details(texts=((TextKind.IMPORTED, text),))
