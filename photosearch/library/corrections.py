"""Corrections: people's sentences in place of a model's caption, with their history.

The latest correction replaces the model's caption, which is then neither shown nor searched; an empty one says that no
sentence fits. Earlier corrections stay, marked with the time at which they were replaced; undoing the latest one
restores the one before it. A correction belongs to the picture that it was made for: where another picture is saved
over it, the correction stays in the history, but is neither shown nor searched until somebody confirms it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, false, func, insert, select, update

from photosearch.errors import PhotoNotFound, PhotosearchError
from photosearch.library import schema as t
from photosearch.library.generations import raise_generation
from photosearch.library.library import Library
from photosearch.records import Correction, TextKind

MAX_CAPTION_CHARS = 1000
MAX_WHO_CHARS = 100
_CONTROLS = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of surrogate pairs, line separators
_DIRECTIONS = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")  # change the direction of writing
_GAPS = re.compile(r"[ \t\r\n]+")


def correct_caption(library: Library, photo_id: str, text: str, who: str) -> None:
    """Replace a photo's caption by a person's sentence.

    Raises:
        PhotosearchError: the sentence or the name is empty, too long, or has characters that cannot be shown.
        PhotoNotFound: there is no such photo.
    """
    text = _checked(text, "A caption", MAX_CAPTION_CHARS)
    _save(library, photo_id, text, _checked(who, "A name", MAX_WHO_CHARS))


def clear_caption(library: Library, photo_id: str, who: str) -> None:
    """Remove a photo's caption, since no sentence fits; raises as `correct_caption` does."""
    _save(library, photo_id, "", _checked(who, "A name", MAX_WHO_CHARS))


def undo_correction(library: Library, photo_id: str) -> None:
    """Undo the latest correction; the one that it replaced holds again.

    Raises:
        PhotosearchError: the photo has no correction.
        PhotoNotFound: there is no such photo.
    """
    with library.writing() as connection:
        _mark_changed(connection, photo_id)
        last = connection.execute(select(t.photo_text).where(_in_force(photo_id))).first()
        if last is None:
            raise PhotosearchError(f'There is no correction of photo "{photo_id}" to undo.')
        replaced = _is_correction(photo_id) & (t.photo_text.c.superseded_at == last.at)
        connection.execute(update(t.photo_text).where(_in_force(photo_id)).values(superseded_at=_later(last.at)))
        connection.execute(update(t.photo_text).where(replaced).values(superseded_at=None))


def confirm_correction(library: Library, photo_id: str) -> None:
    """Let a correction of an earlier picture hold for the photo's present one, too.

    Raises:
        PhotosearchError: the photo has no correction.
        PhotoNotFound: there is no such photo.
    """
    with library.writing() as connection:
        _mark_changed(connection, photo_id)
        values = {"sha256": _sha256_of(connection, photo_id)}
        if connection.execute(update(t.photo_text).where(_in_force(photo_id)).values(values)).rowcount == 0:
            raise PhotosearchError(f'There is no correction of photo "{photo_id}" to confirm.')


def forget_corrections(library: Library, photo_id: str) -> None:
    """Restore the model's caption; corrections stay in the history. Raises `PhotoNotFound`."""
    with library.writing() as connection:
        _mark_changed(connection, photo_id)
        connection.execute(update(t.photo_text).where(_in_force(photo_id)).values(superseded_at=_now()))


def read_corrections(library: Library, photo_id: str) -> list[Correction]:
    """Return all corrections of a photo, the latest first; raises `PhotoNotFound`."""
    text, sha256 = t.photo_text.c, t.photo_text.c.sha256
    with library.reading() as connection:
        of_present = _sha256_of(connection, photo_id)
        is_of_earlier = sha256.is_not(None) if of_present is None else func.coalesce(sha256 != of_present, false())
        columns = (text.text, text.who, text.at, text.superseded_at, is_of_earlier)
        query = select(*columns).where(_is_correction(photo_id)).order_by(text.id.desc())
        return [Correction(*row) for row in connection.execute(query)]


def _save(library: Library, photo_id: str, text: str, who: str) -> None:
    with library.writing() as connection:
        _mark_changed(connection, photo_id)
        last = connection.execute(select(t.photo_text).where(_in_force(photo_id))).first()
        sha256 = _sha256_of(connection, photo_id)
        if last is not None and last.text == text and last.sha256 in (None, sha256):
            return
        now = _later(last.at) if last else _now()
        connection.execute(update(t.photo_text).where(_in_force(photo_id)).values(superseded_at=now))
        values = {"photo_id": photo_id, "kind": TextKind.HUMAN, "text": text, "who": who, "at": now, "sha256": sha256}
        connection.execute(insert(t.photo_text).values(values))


def _is_correction(photo_id: str) -> ColumnElement[bool]:
    return (t.photo_text.c.photo_id == photo_id) & (t.photo_text.c.kind == TextKind.HUMAN)


def _in_force(photo_id: str) -> ColumnElement[bool]:
    return _is_correction(photo_id) & t.photo_text.c.superseded_at.is_(None)


def _collection_of(connection: Connection, photo_id: str) -> int:
    query = select(t.photo.c.collection_id).where(t.photo.c.id == photo_id)
    collection_id = connection.execute(query).scalar_one_or_none()
    if collection_id is None:
        raise PhotoNotFound(f'Photo "{photo_id}" was not found.')
    return int(collection_id)


def _sha256_of(connection: Connection, photo_id: str) -> str | None:
    """Return the SHA-256 of the photo's present picture, None where it was not read; raises `PhotoNotFound`."""
    row = connection.execute(select(t.photo.c.sha256).where(t.photo.c.id == photo_id)).one_or_none()
    if row is None:
        raise PhotoNotFound(f'Photo "{photo_id}" was not found.')
    return row.sha256


def _mark_changed(connection: Connection, photo_id: str) -> None:
    """Mark the photo as changed, so that indexes take it in."""
    generation = raise_generation(connection, _collection_of(connection, photo_id))
    connection.execute(update(t.photo).where(t.photo.c.id == photo_id).values(generation=generation))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _later(than: datetime) -> datetime:
    """Return the time now, but always later than `than`, even where the clock was set back.

    The times say which correction replaced which.
    """
    return max(_now(), than + datetime.resolution)


def _checked(text: str, what: str, max_chars: int) -> str:
    """Return the text on one line; raises `PhotosearchError` where it cannot be used."""
    text = _GAPS.sub(" ", text).strip()
    if not any(unicodedata.category(char)[0] in "LNPS" for char in text):
        raise PhotosearchError(f"{what} cannot be empty. Write it, or leave things as they are.")
    if len(text) > max_chars:
        raise PhotosearchError(f"{what} has at most {max_chars:,} characters; this one has {len(text):,}. Shorten it.")
    odd = [c for c in text if unicodedata.category(c) in _CONTROLS or unicodedata.bidirectional(c) in _DIRECTIONS]
    if odd:
        raise PhotosearchError(
            f"{what} cannot hold the control character U+{ord(odd[0]):04X}. Delete it, or type the text anew."
        )
    return text
