"""The answer to a query, page by page: totals, near-duplicates, notes, corrections, photos like one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from photosearch.errors import CollectionNotFound, PhotoNotFound
from photosearch.expansion import Expansion
from photosearch.hypernyms import Hypernyms
from photosearch.library import Library
from photosearch.query import Refine, Sort
from photosearch.records import Details, Listing, TextKind
from photosearch.searcher import Searcher
from photosearch.settings import Settings
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse


@pytest.fixture
def searcher(library: Library) -> Searcher:
    """Over twelve described photos that were taken one a day, photo 0 first; the first three have a hashtag.

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
    return Searcher(library, Expansion(), Hypernyms({}))


def names(searcher: Searcher, query: str, **options: object) -> list[str]:
    results = searcher.search(query, "walks", top=100, **options)  # type: ignore[arg-type]
    return [hit.photo.source_key for hit in results.hits]


def test_pages_put_together_are_the_whole_answer(searcher: Searcher) -> None:
    whole = searcher.search("a dog on the beach", "walks", top=100)
    assert (whole.total, whole.n_listed, whole.n_weak, len(whole.hits)) == (12, 12, 0, 12)
    pages = [searcher.search("a dog on the beach", "walks", top=5, offset=offset) for offset in (0, 5, 10, 15)]
    assert [len(page.hits) for page in pages] == [5, 5, 2, 0]
    assert tuple(hit for page in pages for hit in page.hits) == whole.hits
    assert {(page.total, page.n_listed) for page in pages} == {(12, 12)}
    assert pages[3].suggestions == ()


def test_the_cutoff_leaves_weak_hits_out_and_says_how_many(searcher: Searcher) -> None:
    results = searcher.search("dog beach", "walks", top=100, refine=Refine(cutoff=0.8))
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
    assert searcher.search('"', "walks", top=5, literal=True).corrected is None


def test_notes_and_corrections_come_with_the_answer(searcher: Searcher) -> None:
    results = searcher.search('beahc "dog', "walks", top=3)
    assert results.corrected == 'beach "dog'
    assert results.notes == ("A quotation mark has no partner; it was left out.",)
    results = searcher.search("#nowhere", "walks", top=3)
    assert (results.total, results.hits) == (0, ())
    assert "#nowhere" in results.notes[0]
    assert "dog" in results.suggestions


def test_negative_numbers_are_refused(searcher: Searcher) -> None:
    for top, offset in ((-1, 0), (1, -1)):
        with pytest.raises(ValueError, match="-1"):
            searcher.search("dog", "walks", top=top, offset=offset)


def test_photos_like_one(searcher: Searcher) -> None:
    first = searcher.search("beach", "walks", top=1).hits[0].photo
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
        searcher.search("dog", "cats", top=3)


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
    results = workspace.search("picture", "bursts", top=2, group=True)
    assert (results.total, results.n_listed) == (7, 3)
    rest = workspace.search("picture", "bursts", top=2, offset=2, group=True)
    assert sorted(hit.n_alike for hit in (*results.hits, *rest.hits)) == [0, 2, 2]
    assert workspace.search("picture", "bursts", top=2).n_listed == 7
    assert len(workspace.similar(results.hits[0].photo.id, top=9).hits) == 6
