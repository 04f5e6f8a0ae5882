"""Merges a source's listings into a collection, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from photosearch.library import schema as t
from photosearch.library.among import among_these
from photosearch.library.details import details_json, parse_details
from photosearch.library.work import Merge, photo_id
from photosearch.records import Details, Listing, PhotoState, TextKind

_AT_ONCE = 500
MAX_TEXT_CHARS = 10_000  # of a text that came with a photo; Instagram allows 2,200
MAX_TEXTS = 200  # of one photo, hashtags and mentions among them; Instagram allows 31 texts and 20 mentions
_LISTED_ANEW = (PhotoState.FAILED, PhotoState.GONE, PhotoState.NO_PICTURE)  # what is listed in full as if it was new
_FACTS = select(t.photo.c.id, t.photo.c.facts).where(among_these(t.photo.c.id))


@dataclass(frozen=True)
class Place:
    """The collection, source and generation that listings are merged into."""

    collection: str
    collection_id: int
    source: str
    generation: int
    listed_in: str | None = None  # the list that is read, where a collection may have several of this kind
    complete_texts: Sequence[TextKind] = ()  # of these kinds, a text that is not listed was deleted at the source


def merge_listings(connection: Connection, place: Place, listings: Sequence[Listing]) -> Merge:
    """Add new photos, mark changed ones to be read again, and update details, for up to some hundred listings."""
    listings = [_storable(listing) for listing in listings]
    of_row = t.photo.c
    columns = (of_row.id, of_row.stamp, of_row.state, of_row.reason, of_row.address, of_row.listed_in)
    ids = [photo_id(place.collection, listing.source_key) for listing in listings]
    existing = {row.id: row for row in connection.execute(select(*columns).where(t.photo.c.id.in_(ids)))}
    new: dict[str, dict[str, object]] = {}
    again: list[dict[str, object]] = []
    moved: list[dict[str, object]] = []
    listed: list[dict[str, object]] = []
    n_unchanged = 0
    for id_, listing in zip(ids, listings, strict=True):
        old = existing.get(id_)
        if old is None:
            new[id_] = _row(place, listing, id_)
        elif listing.no_picture and (old.state, old.reason) == (PhotoState.NO_PICTURE, listing.no_picture):
            n_unchanged += 1
        elif old.stamp != listing.stamp or old.state in _LISTED_ANEW or listing.no_picture:
            again.append({"of": id_, **{f"to_{name}": value for name, value in _fresh(listing).items()}})
        else:
            n_unchanged += 1
            if listing.address != old.address and listing.address is not None:
                moved.append({"of": id_, "to_address": listing.address})
        if old is not None and (list_of := _list_of(old, place)) != old.listed_in:
            listed.append({"of": id_, "to_list": list_of})
    if new:
        connection.execute(insert(t.photo), list(new.values()))
    the_photo = update(t.photo).where(t.photo.c.id == bindparam("of"))
    if again:
        values: dict[str, object] = {"sha256": None, "etag": None, "generation": place.generation}
        values |= {name.removeprefix("to_"): bindparam(name) for name in again[0] if name != "of"}
        connection.execute(the_photo.values(values), again)
    if moved:
        connection.execute(the_photo.values(address=bindparam("to_address")), moved)
    if listed:
        connection.execute(the_photo.values(listed_in=bindparam("to_list")), listed)
    details = {id_: listing.details for id_, listing in zip(ids, listings, strict=True) if listing.details}
    _save_details(connection, place, details, of_new=new)
    return Merge(len(new), len(again), n_unchanged)


def _list_of(old: Row, place: Place) -> str | None:
    """Return the one list that has a photo which is listed again; None for several lists, or where it is unknown."""
    return place.listed_in if old.state == PhotoState.GONE or old.listed_in == place.listed_in else None


def _storable(listing: Listing) -> Listing:
    """Return the listing with texts cut to `MAX_TEXT_CHARS`, and without NUL characters, which PostgreSQL refuses."""
    details = listing.details
    if details is not None and details.texts:
        texts = tuple((kind, text[:MAX_TEXT_CHARS].replace("\0", "")) for kind, text in details.texts[:MAX_TEXTS])
        listing = replace(listing, details=replace(details, texts=texts))
    return replace(listing, source_key=listing.source_key.replace("\0", "")) if "\0" in listing.source_key else listing


def _fresh(listing: Listing) -> dict[str, object]:
    """Return the columns of a photo that is to be read, or has no picture."""
    return {
        "stamp": listing.stamp,
        "address": listing.address,
        "state": PhotoState.NO_PICTURE if listing.no_picture else PhotoState.NEW,
        "reason": listing.no_picture,
    }


def _row(place: Place, listing: Listing, id_: str) -> dict[str, object]:
    return {
        "id": id_,
        "collection_id": place.collection_id,
        "source": place.source,
        "source_key": listing.source_key,
        "listed_in": place.listed_in,
        **_fresh(listing),
        "generation": place.generation,
        "facts": details_json(listing.details) if listing.details else None,
    }


def _save_details(
    connection: Connection, place: Place, details: Mapping[str, Details], of_new: Mapping[str, object]
) -> None:
    """Save photos' details where they differ from those in the library.

    Texts replace earlier ones of the same kind only, so corrections stay.

    Args:
        connection: of the caller's transaction.
        place: what the photos belong to.
        details: by photo id.
        of_new: has the ids of photos that were just added with their facts.
    """
    older = [*details.keys() - of_new]
    t_text = t.photo_text.c
    texts = t_text.photo_id.in_(older) & (t_text.kind != TextKind.HUMAN)
    existing: dict[tuple[str, str], dict[int, str]] = {}
    query = select(t_text.id, t_text.photo_id, t_text.kind, t_text.text).where(texts).order_by(t_text.id)
    for row in connection.execute(query):
        existing.setdefault((row.photo_id, row.kind), {})[row.id] = row.text
    now = datetime.now(UTC).replace(tzinfo=None)
    with_new_texts: set[str] = set()
    stale: list[int] = []
    rows: list[dict[str, object]] = []
    with_older_texts = {id_ for id_, _ in existing}
    for id_ in details:
        if not details[id_].texts and id_ not in with_older_texts:
            continue
        for kind in dict.fromkeys((*(kind for kind, _ in details[id_].texts), *place.complete_texts)):
            before, after = existing.get((id_, kind), {}), details[id_].texts_of(kind)
            if list(before.values()) != after:
                with_new_texts.add(id_)
                stale += before
                rows += ({"photo_id": id_, "kind": kind, "text": text, "at": now} for text in after)
    for first in range(0, len(stale), _AT_ONCE):
        connection.execute(delete(t.photo_text).where(t_text.id.in_(stale[first : first + _AT_ONCE])))
    if rows:
        connection.execute(insert(t.photo_text), rows)
    old_facts = {row.id: row.facts for row in connection.execute(_FACTS, {"these": older})}
    changed = []
    for id_, old in old_facts.items():
        facts = details_json(details[id_].completed_by(parse_details(old)))
        if facts != (old or details_json(Details())) or id_ in with_new_texts:
            changed.append({"of": id_, "to_facts": facts})
    if changed:
        values = {"facts": bindparam("to_facts"), "generation": place.generation}
        connection.execute(update(t.photo).where(t.photo.c.id == bindparam("of")).values(values), changed)


def mark_gone(connection: Connection, place: Place, keys: Sequence[str]) -> int:
    """Mark the photos with those keys as gone; return how many were not gone before."""
    n_gone = 0
    for first in range(0, len(keys), _AT_ONCE):
        ids = [photo_id(place.collection, key) for key in keys[first : first + _AT_ONCE]]
        is_present = t.photo.c.id.in_(ids) & (t.photo.c.state != PhotoState.GONE)
        values = {"state": PhotoState.GONE, "generation": place.generation}
        n_gone += connection.execute(update(t.photo).where(is_present).values(values)).rowcount
    return n_gone
