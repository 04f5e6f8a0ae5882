"""What people say of a photo: their sentences with who and when, each kept, the last one in force.

A person's sentence stands in for the model's. An empty one says that no sentence fits: the model's is neither shown
nor searched. A sentence that another one replaced stays as it was, marked with the time; undoing the last one puts
the one that it replaced in force again.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, insert, select, update

from photosearch.errors import PhotoNotFound, PhotosearchError
from photosearch.library import schema as t
from photosearch.library.generations import raise_generation
from photosearch.library.library import Library
from photosearch.records import Correction, TextKind

MAX_CAPTION_CHARS = 1000
MAX_WHO_CHARS = 100
_CONTROLS = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of surrogate pairs, line separators
_TURNS = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")  # signs that turn the direction of writing
_GAPS = re.compile(r"[ \t\r\n]+")


def correct_caption(library: Library, photo_id: str, text: str, who: str) -> None:
    """Put a person's sentence in force.

    Raises:
        PhotosearchError: the sentence or the name is empty, too long, or holds characters that cannot be shown.
        PhotoNotFound: there is no such photo.
    """
    text = _checked(text, "A caption", MAX_CAPTION_CHARS)
    _say(library, photo_id, text, _checked(who, "A name", MAX_WHO_CHARS))


def clear_caption(library: Library, photo_id: str, who: str) -> None:
    """Say that no sentence fits; raises as `correct_caption` does."""
    _say(library, photo_id, "", _checked(who, "A name", MAX_WHO_CHARS))


def undo_correction(library: Library, photo_id: str) -> None:
    """Take back what was said last; what it replaced is in force again.

    Raises:
        PhotosearchError: nobody's sentence is in force.
        PhotoNotFound: there is no such photo.
    """
    with library.writing() as connection:
        _stamp(connection, photo_id)
        last = connection.execute(select(t.photo_text).where(_in_force(photo_id))).first()
        if last is None:
            raise PhotosearchError(f'There is no correction of photo "{photo_id}" to take back.')
        replaced = _said_of(photo_id) & (t.photo_text.c.superseded_at == last.at)
        connection.execute(update(t.photo_text).where(_in_force(photo_id)).values(superseded_at=_later(last.at)))
        connection.execute(update(t.photo_text).where(replaced).values(superseded_at=None))


def forget_corrections(library: Library, photo_id: str) -> None:
    """Let the model's sentence count again; what was said stays in the history. Raises `PhotoNotFound`."""
    with library.writing() as connection:
        _stamp(connection, photo_id)
        connection.execute(update(t.photo_text).where(_in_force(photo_id)).values(superseded_at=_now()))


def read_corrections(library: Library, photo_id: str) -> list[Correction]:
    """All that people said of a photo, the latest first; raises `PhotoNotFound`."""
    columns = (t.photo_text.c.text, t.photo_text.c.who, t.photo_text.c.at, t.photo_text.c.superseded_at)
    with library.reading() as connection:
        _collection_of(connection, photo_id)
        query = select(*columns).where(_said_of(photo_id)).order_by(t.photo_text.c.id.desc())
        return [Correction(*row) for row in connection.execute(query)]


def _say(library: Library, photo_id: str, text: str, who: str) -> None:
    with library.writing() as connection:
        _stamp(connection, photo_id)
        last = connection.execute(select(t.photo_text).where(_in_force(photo_id))).first()
        if last is not None and last.text == text:
            return
        now = _later(last.at) if last else _now()
        connection.execute(update(t.photo_text).where(_in_force(photo_id)).values(superseded_at=now))
        values = {"photo_id": photo_id, "kind": TextKind.HUMAN, "text": text, "who": who, "at": now}
        connection.execute(insert(t.photo_text).values(values))


def _said_of(photo_id: str) -> ColumnElement[bool]:
    return (t.photo_text.c.photo_id == photo_id) & (t.photo_text.c.kind == TextKind.HUMAN)


def _in_force(photo_id: str) -> ColumnElement[bool]:
    return _said_of(photo_id) & t.photo_text.c.superseded_at.is_(None)


def _collection_of(connection: Connection, photo_id: str) -> int:
    query = select(t.photo.c.collection_id).where(t.photo.c.id == photo_id)
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise PhotoNotFound(f'Photo "{photo_id}" was not found.')
    return int(found)


def _stamp(connection: Connection, photo_id: str) -> None:
    """Have searchers notice that the photo has changed."""
    generation = raise_generation(connection, _collection_of(connection, photo_id))
    connection.execute(update(t.photo).where(t.photo.c.id == photo_id).values(generation=generation))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _later(than: datetime) -> datetime:
    """Now, or right after a moment that a clock set back has yet to reach: times tell what replaced what."""
    return max(_now(), than + datetime.resolution)


def _checked(text: str, what: str, max_chars: int) -> str:
    """A text on one line."""
    text = _GAPS.sub(" ", text).strip()
    if not any(unicodedata.category(char)[0] in "LNPS" for char in text):
        raise PhotosearchError(f"{what} cannot be empty. Write it, or leave things as they are.")
    if len(text) > max_chars:
        raise PhotosearchError(f"{what} has at most {max_chars:,} characters; this one has {len(text):,}. Shorten it.")
    odd = [c for c in text if unicodedata.category(c) in _CONTROLS or unicodedata.bidirectional(c) in _TURNS]
    if odd:
        raise PhotosearchError(
            f"{what} cannot hold the control character U+{ord(odd[0]):04X}. Delete it, or type the text anew."
        )
    return text
