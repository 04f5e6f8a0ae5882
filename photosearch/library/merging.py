"""What a source lists, merged into a collection, within the transaction of the one who calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from photosearch.library import schema as t
from photosearch.library.work import Merge, photo_id
from photosearch.records import Details, Listing, PhotoState, TextKind

_FACTS = ("permalink", "taken_at", "place", "latitude", "longitude", "n_likes", "n_comments")
_AT_ONCE = 500
# The kinds of text that a kind of source knows all of; of other kinds, and elsewhere, silence says nothing.
_POSTED = (TextKind.OWNER, TextKind.HASHTAG, TextKind.MENTION)
_KNOWS: Mapping[str, tuple[TextKind, ...]] = {"instagram": (*_POSTED, TextKind.ACCESSIBILITY), "export": _POSTED}


@dataclass(frozen=True)
class Place:
    """Where listings are merged to."""

    collection: str
    collection_id: int
    source: str
    generation: int
    listed_in: str | None = None  # the list that is read, where another may hold other photos of the kind


def merge_listings(connection: Connection, place: Place, listings: Sequence[Listing]) -> Merge:
    """Take in up to some hundred listings: new ones, changed ones, and what is told anew of known ones."""
    listings = [_without_nul(listing) for listing in listings]
    columns = (t.photo.c.id, t.photo.c.stamp, t.photo.c.state, t.photo.c.address, t.photo.c.listed_in)
    ids = [photo_id(place.collection, listing.source_key) for listing in listings]
    known = {row.id: row for row in connection.execute(select(*columns).where(t.photo.c.id.in_(ids)))}
    new: dict[str, dict[str, object]] = {}
    again: list[dict[str, object]] = []
    moved: list[dict[str, object]] = []
    listed: list[dict[str, object]] = []
    n_unchanged = 0
    for of, listing in zip(ids, listings, strict=True):
        old = known.get(of)
        if old is None:
            new[of] = _row(place, listing, of)
        elif old.stamp != listing.stamp or old.state in (PhotoState.FAILED, PhotoState.GONE):
            again.append({"of": of, "to_stamp": listing.stamp, "to_address": listing.address})
        else:
            n_unchanged += 1
            if listing.address != old.address and listing.address is not None:
                moved.append({"of": of, "to_address": listing.address})
        if old is not None and (list_of := _list_of(old, place)) != old.listed_in:
            listed.append({"of": of, "to_list": list_of})
    if new:
        connection.execute(insert(t.photo), list(new.values()))
    the_photo = update(t.photo).where(t.photo.c.id == bindparam("of"))
    if again:
        fresh = {"state": PhotoState.NEW, "reason": None, "sha256": None, "etag": None, "generation": place.generation}
        values: dict[str, object] = {**fresh, "stamp": bindparam("to_stamp"), "address": bindparam("to_address")}
        connection.execute(the_photo.values(values), again)
    if moved:
        connection.execute(the_photo.values(address=bindparam("to_address")), moved)
    if listed:
        connection.execute(the_photo.values(listed_in=bindparam("to_list")), listed)
    told = {of: listing.details for of, listing in zip(ids, listings, strict=True) if listing.details}
    _save_details(connection, place, told, of_new=new)
    return Merge(len(new), len(again), n_unchanged)


def _list_of(old: Row, place: Place) -> str | None:
    """The one list that a known photo stands in; None for several, and for those of which it was never known."""
    return place.listed_in if old.state == PhotoState.GONE or old.listed_in == place.listed_in else None


def _without_nul(listing: Listing) -> Listing:
    """The listing without NUL characters, which PostgreSQL keeps in no text, so that both databases keep the same."""
    details = listing.details
    if details is not None:
        texts = tuple((kind, text.replace("\0", "")) for kind, text in details.texts)
        details = replace(details, texts=texts, place=details.place and details.place.replace("\0", ""))
    return replace(listing, source_key=listing.source_key.replace("\0", ""), details=details)


def _row(place: Place, listing: Listing, of: str) -> dict[str, object]:
    return {
        "id": of,
        "collection_id": place.collection_id,
        "source": place.source,
        "source_key": listing.source_key,
        "stamp": listing.stamp,
        "address": listing.address,
        "listed_in": place.listed_in,
        "state": PhotoState.NEW,
        "generation": place.generation,
        **{name: getattr(listing.details, name, None) for name in _FACTS},
    }


def _save_details(
    connection: Connection, place: Place, told: Mapping[str, Details], of_new: Mapping[str, object]
) -> None:
    """Keep what came with the photos, where it differs from what is known.

    Texts of a kind give way to those of the same kind only; what people said here stays.
    """
    ids = list(told)
    t_text = t.photo_text.c
    texts = t_text.photo_id.in_(ids) & (t_text.kind != TextKind.HUMAN)
    known: dict[tuple[str, str], dict[int, str]] = {}
    query = select(t_text.id, t_text.photo_id, t_text.kind, t_text.text).where(texts).order_by(t_text.id)
    for row in connection.execute(query):
        known.setdefault((row.photo_id, row.kind), {})[row.id] = row.text
    now = datetime.now(UTC).replace(tzinfo=None)
    retold: set[str] = set()
    stale: list[int] = []
    rows: list[dict[str, object]] = []
    for of in ids:
        for kind in dict.fromkeys((*(kind for kind, _ in told[of].texts), *_KNOWS.get(place.source, ()))):
            before, now_said = known.get((of, kind), {}), told[of].texts_of(kind)
            if list(before.values()) != now_said:
                retold.add(of)
                stale += before
                rows += ({"photo_id": of, "kind": kind, "text": text, "at": now} for text in now_said)
    for first in range(0, len(stale), _AT_ONCE):
        connection.execute(delete(t.photo_text).where(t_text.id.in_(stale[first : first + _AT_ONCE])))
    if rows:
        connection.execute(insert(t.photo_text), rows)
    for of in ids:
        facts = {name: value for name in _FACTS if (value := getattr(told[of], name)) is not None}
        if of not in of_new and (facts or of in retold):
            values = {**facts, "generation": place.generation}
            connection.execute(update(t.photo).where(t.photo.c.id == of).values(values))


def mark_gone(connection: Connection, place: Place, keys: Sequence[str]) -> int:
    """Mark photos that are no longer where they came from; returns how many were there until now."""
    n_gone = 0
    for first in range(0, len(keys), _AT_ONCE):
        ids = [photo_id(place.collection, key) for key in keys[first : first + _AT_ONCE]]
        was_there = t.photo.c.id.in_(ids) & (t.photo.c.state != PhotoState.GONE)
        values = {"state": PhotoState.GONE, "generation": place.generation}
        n_gone += connection.execute(update(t.photo).where(was_there).values(values)).rowcount
    return n_gone
