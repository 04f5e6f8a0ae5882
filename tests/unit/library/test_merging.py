"""Photos' details are saved, updated and searched; and photos that move keep their corrections."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select

from photosearch.library import Library, Reading, photo_id
from photosearch.library import schema as t
from photosearch.records import Details, Detection, Document, Facts, Listing, PhotoState, Station, TextKind

URL = "https://example.com/1.jpg"
POST = Details(
    permalink="https://example.com/p/1/",
    taken_at=datetime(2024, 5, 6),
    place="Lisbon",
    latitude=38.7,
    longitude=-9.1,
    area="Alfama, Lisbon, Portugal",
    n_likes=12,
    n_comments=3,
    texts=((TextKind.OWNER, "a day at the sea #sea"), (TextKind.HASHTAG, "sea"), (TextKind.ACCESSIBILITY, "a boat")),
)


INSTAGRAM_TEXTS = (TextKind.OWNER, TextKind.HASHTAG, TextKind.MENTION, TextKind.ACCESSIBILITY)


def merge(library: Library, *listings: Listing, source: str = "url") -> None:
    library.merge("c", source, listings, complete_texts=INSTAGRAM_TEXTS if source == "instagram" else ())


def read(library: Library, key: str, sha256: str = "a" * 64, **facts: object) -> None:
    library.save([Reading(photo_id("c", key), "", sha256, 64, 48, "0" * 16, **facts)], {})


def test_details_give_their_texts_by_kind() -> None:
    assert POST.texts_of(TextKind.HASHTAG) == ["sea"]


def test_details_are_kept_and_searched_before_the_photo_is_read(library: Library) -> None:
    merge(library, Listing(URL, "", details=POST))
    (photo,) = library.photos("c")
    assert photo.details == POST
    assert (photo.state, photo.owner_text) == (PhotoState.NEW, "a day at the sea #sea")
    owner = ("a day at the sea #sea", "sea", "a boat")
    facts = Facts(**POST.known)
    assert library.documents("c") == [Document(photo.id, owner=owner, hashtags=("sea",), facts=facts)]


def test_new_details_replace_the_old_ones_and_raise_the_generation(library: Library) -> None:
    merge(library, Listing(URL, "", details=POST), source="instagram")
    before = library.generation("c")
    again = Details(n_likes=99, texts=((TextKind.OWNER, "another text"),))
    merge(library, Listing(URL, "", details=again), source="instagram")
    (photo,) = library.photos("c")
    assert photo.details.texts == ((TextKind.OWNER, "another text"),)
    assert (photo.details.n_likes, photo.details.place) == (99, "Lisbon")
    assert library.generation("c") > before


def test_a_list_replaces_only_the_kinds_of_text_that_it_holds(library: Library) -> None:
    imported = ((TextKind.IMPORTED, "a boat"), (TextKind.OBJECT, "boat"))
    merge(library, Listing(URL, "", details=Details(texts=imported)))
    merge(library, Listing(URL, "", details=Details(texts=((TextKind.IMPORTED, "a ball"),))))
    merge(library, Listing(URL, "", details=Details(n_likes=5)))
    merge(library, Listing(URL, "", details=Details(texts=((TextKind.OWNER, "at the sea"),))))
    texts = {(TextKind.IMPORTED, "a ball"), (TextKind.OBJECT, "boat"), (TextKind.OWNER, "at the sea")}
    assert set(library.photos("c")[0].details.texts) == texts


def test_a_profile_whose_post_lost_its_text_loses_it_here_but_no_imported_caption(library: Library) -> None:
    merge(library, Listing(URL, "", details=POST), source="instagram")
    merge(library, Listing(URL, "", details=Details(texts=((TextKind.IMPORTED, "a ball"),))))
    merge(library, Listing(URL, "", details=Details()), source="instagram")
    assert library.photos("c")[0].details.texts == ((TextKind.IMPORTED, "a ball"),)


def test_a_source_without_details_leaves_those_in_the_library(library: Library) -> None:
    merge(library, Listing(URL, "", details=POST))
    merge(library, Listing(URL, ""))
    assert library.photos("c")[0].details == POST


def test_a_new_address_alone_is_no_change(library: Library) -> None:
    merge(library, Listing("code/1", "", address="https://cdn.example.com/old"))
    read(library, "code/1")
    merged = library.merge("c", "url", [Listing("code/1", "", address="https://cdn.example.com/new")])
    assert (merged.n_changed, merged.n_unchanged) == (0, 1)
    (pending,) = library.pending("c", [library.model_id(Station.CAPTIONER, "m", "d")])
    assert pending.address == "https://cdn.example.com/new"
    assert library.photos("c")[0].state is PhotoState.READY


def test_an_imported_caption_is_shown_until_a_model_writes_one(library: Library) -> None:
    texts = ((TextKind.IMPORTED, "a boat on the sea"), (TextKind.OBJECT, "boat"), (TextKind.OBJECT, "boat"))
    merge(library, Listing(URL, "", details=Details(texts=texts)))
    (photo,) = library.photos("c")
    assert (photo.caption, photo.captions[0].model, photo.captions[0].edited) == (
        "a boat on the sea",
        "imported",
        False,
    )
    assert photo.objects == 2 * (Detection("boat", 1.0, (0.0, 0.0, 1.0, 1.0)),)
    document = Document(photo.id, captions=("a boat on the sea",), objects=(("boat", 1.0), ("boat", 1.0)))
    assert library.documents("c") == [document]


def test_the_cameras_time_and_place_are_used_where_the_source_gives_none(library: Library) -> None:
    noted = Details(taken_at=datetime(2020, 1, 1), latitude=1.0, longitude=2.0)
    merge(library, Listing("a.jpg", ""), Listing(URL, "", details=POST))
    read(library, "a.jpg", details=noted)
    read(library, URL, details=noted)
    of = {photo.source_key: photo.details for photo in library.photos("c")}
    assert (of["a.jpg"].taken_at, of["a.jpg"].latitude) == (datetime(2020, 1, 1), 1.0)
    assert (of[URL].taken_at, of[URL].latitude) == (datetime(2024, 5, 6), 38.7)


def correct(library: Library, key: str, text: str) -> None:
    values = {"photo_id": photo_id("c", key), "kind": TextKind.HUMAN, "text": text, "at": datetime(2024, 1, 1)}
    with library.writing() as connection:
        connection.execute(insert(t.photo_text).values(values))


def test_a_moved_file_keeps_its_corrections(library: Library) -> None:
    merge(library, Listing("old/a.jpg", ""), source="folder")
    read(library, "old/a.jpg")
    correct(library, "old/a.jpg", "my dog")
    library.merge("c", "folder", [Listing("new/a.jpg", "")], ["old/a.jpg"])
    read(library, "new/a.jpg")
    (photo,) = library.photos("c")
    (left,) = library.photos("c", PhotoState.GONE)
    assert (photo.source_key, photo.caption, left.caption, left.sha256) == ("new/a.jpg", "my dog", "", None)
    with library.reading() as connection:
        assert connection.execute(select(t.photo_text.c.photo_id)).scalars().all() == [photo.id]


def test_a_copy_takes_nothing_from_a_photo_that_is_still_there(library: Library) -> None:
    merge(library, Listing("a.jpg", ""), Listing("copy.jpg", ""), source="folder")
    read(library, "a.jpg")
    correct(library, "a.jpg", "my dog")
    read(library, "copy.jpg")
    assert {photo.source_key: photo.caption for photo in library.photos("c")} == {"a.jpg": "my dog", "copy.jpg": ""}


def test_new_details_leave_corrections_in_place(library: Library) -> None:
    merge(library, Listing(URL, "", details=POST))
    correct(library, URL, "my boat")
    merge(library, Listing(URL, "", details=Details(texts=((TextKind.OWNER, "another"),))))
    (photo,) = library.photos("c")
    assert (photo.caption, photo.owner_text) == ("my boat", "another")


def test_one_key_listed_twice_in_one_go_is_one_photo(library: Library) -> None:
    merge(library, *(Listing(f"{i}.jpg", "") for i in range(1200)))
    merge(library, *(Listing(f"{i}.jpg", "") for i in range(1200)), Listing("0.jpg", ""))
    assert len(library.photos("c")) == 1200


def test_what_the_file_says_hangs_on_its_bytes(library: Library) -> None:
    merge(library, Listing("a.jpg", "", details=Details(place="Lisbon", texts=((TextKind.OWNER, "a tram"),))))
    of_file = Details(place="Porto", camera="Canon", texts=((TextKind.OWNER, "a tram"), (TextKind.HASHTAG, "yellow")))
    read(library, "a.jpg", details=of_file)
    (photo,), (document,) = library.photos("c"), library.documents("c")
    assert (photo.details.place, photo.details.camera) == ("Lisbon", "Canon")
    assert document.facts == Facts(place="Lisbon", camera="Canon")
    assert photo.details.texts == ((TextKind.OWNER, "a tram"), (TextKind.HASHTAG, "yellow"))
    assert (document.owner, document.hashtags) == (("a tram", "yellow"), ("yellow",))
    read(library, "a.jpg", sha256="b" * 64, details=Details())
    (photo,), (document,) = library.photos("c"), library.documents("c")
    assert (photo.details.camera, photo.details.texts) == (None, ((TextKind.OWNER, "a tram"),))
    assert (document.facts.camera, document.owner) == (None, ("a tram",))


def test_a_listing_that_says_nothing_new_changes_no_photo(library: Library) -> None:
    merge(library, Listing(URL, "", details=POST))
    before = library.version("c")
    merge(library, Listing(URL, "", details=POST))
    documents, changed = library.changes("c", before)
    assert (list(documents), changed) == ([], [])
