"""What the public demo may tell: nothing of this machine, and nothing by accident."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime

import pytest

from photosearch import errors
from photosearch.access.publication import public_message, published
from photosearch.errors import PhotosearchError
from photosearch.records import Details, Listing, Photo, PhotoState, TextKind
from photosearch.search.fields import FACTS
from photosearch.search.published import PUBLISHED
from photosearch.search.question import Question
from photosearch.workspace import Workspace
from tests.unit.api.test_api import client_of

SECRET = "/home/me/private"  # noqa: S105
TOLD = {"CollectionNotFound", "PhotoNotFound", "ReadOnlyError"}
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PhotosearchError)]


@pytest.mark.parametrize("kind", KINDS)
def test_only_errors_that_name_no_file_are_told(kind: type[PhotosearchError]) -> None:
    assert (SECRET in public_message(kind(f"{SECRET} is damaged."))) is (kind.__name__ in TOLD)


def test_of_details_only_those_on_the_list_are_published() -> None:
    known = {field.name: f"secret {field.name}" for field in fields(Details)}
    photo = Photo("1", "c", "folder", f"{SECRET}/a.jpg", PhotoState.FAILED, SECRET, details=Details(**known))  # type: ignore[arg-type]
    shown = published(photo)
    assert SECRET not in repr(shown)
    assert (shown.name, shown.details.place) == ("a.jpg", "secret place")
    assert shown.details.latitude is None
    assert shown.details.longitude is None


@pytest.fixture
def demo(workspace: Workspace) -> Iterator[Workspace]:
    """Open a library as the public demo does; two photos are alike in all that is published."""
    said = ((TextKind.OWNER, "a quiet day"),)
    hidden = Details(
        camera="Canon Zweifel", lens="Nokton 58mm", rating=5, folder="trips/verona", file="tram.jpg",
        area="Ravenna, Italy", tagged="Ottilie", music="Nocturne", named_at=datetime(2019, 5, 1), texts=said,
    )  # fmt: skip
    told = Details(taken_at=datetime(2024, 5, 1), place="Kiel", texts=said)
    listings = [
        Listing("/home/me/1.jpg", "1", details=hidden),
        Listing("/home/me/2.jpg", "1", details=told),
        Listing("/home/me/3.jpg", "1", details=Details(texts=said)),
    ]
    workspace.library.merge("c", "folder", listings)
    made = Workspace(replace(workspace.settings, demo=True))
    yield made
    made.close()


@pytest.mark.parametrize(
    "query", ["camera:canon", "-camera:canon quiet", "lens:58", "rating:>3", "folder:verona", "FILE:tram", "file:*"]
)
def test_a_filter_by_a_hidden_fact_is_refused_with_a_line(demo: Workspace, query: str) -> None:
    results = demo.searcher.search(Question(f"{query} | quiet", "c"))
    key = query.lstrip("-").partition(":")[0].lower()
    assert results.notes == (f"{key}: is not answered in the public demo, which does not show it. It was left out.",)
    assert results.total == 3
    told = client_of(demo, public=True).get("/api/v1/search", params={"str": query}).json()
    assert told["total"] == (3 if "quiet" in query else 0)
    assert told["notes"] == list(results.notes)


@pytest.mark.parametrize(
    "query",
    [
        *("Zweifel", "nokton", "verona", "tram", "ravenna", "place:ravenna", "place:italy", "ottilie", "nocturne"),
        *("tra*", '"trips verona"', "on:2019", "before:2020", "may 2019"),
    ],
)
def test_words_and_dates_that_are_hidden_do_not_answer(workspace: Workspace, demo: Workspace, query: str) -> None:
    assert workspace.searcher.search(Question(query, "c")).total == 1, "its owner finds it"
    results = demo.searcher.search(Question(query, "c"))
    assert results.total == 0
    told = set(" ".join((*results.notes, *results.suggestions)).split())
    assert not {"zweifel", "verona", "ravenna", "ottilie"} & told
    assert demo.searcher.index("c").complete(query[:2]) == []


def test_what_is_published_is_found_and_so_is_what_is_added_later(demo: Workspace) -> None:
    for query, n_found in (("quiet", 3), ("kiel", 1), ("place:kiel", 1), ("on:2024", 1)):
        assert demo.searcher.search(Question(query, "c")).total == n_found, query
    more = Details(camera="Leica", texts=((TextKind.OWNER, "a quiet evening"),))
    demo.library.merge("c", "folder", [Listing("/home/me/4.jpg", "1", details=more)])
    assert demo.searcher.search(Question("quiet", "c")).total == 4
    assert demo.searcher.search(Question("leica", "c")).total == 0


def test_facts_are_published_by_name_only() -> None:
    assert {use.name for use in FACTS} & PUBLISHED == {"place"}
