"""Removal of a collection, within the caller's transactions, together with the files that belong to it alone."""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists, select

from photosearch.library import schema as t
from photosearch.library.files import UPLOAD, thumbnail_name


def remove_photos(connection: Connection, collection_id: int, limit: int | None = None) -> list[str]:
    """Remove photos of a collection, and the pictures that no other one has; return the names of the files to delete.

    Args:
        connection: of the caller's transaction.
        collection_id: the collection's number.
        limit: at most so many photos; None: all, and the collection itself.
    """
    of_collection = t.photo.c.collection_id == collection_id
    some = select(t.photo.c.id).where(of_collection).order_by(t.photo.c.id).limit(limit)
    doomed = of_collection if limit is None else of_collection & t.photo.c.id.in_(some)
    is_upload = t.photo.c.source == UPLOAD
    uploaded = set(connection.execute(select(t.photo.c.address).where(doomed, is_upload)).scalars())
    if limit is None:
        connection.execute(delete(t.collection).where(t.collection.c.id == collection_id))
    else:
        connection.execute(delete(t.photo).where(doomed))
    uploaded -= set(connection.execute(select(t.photo.c.address).where(is_upload)).scalars())
    is_unused = ~exists().where(t.photo.c.sha256 == t.image.c.sha256)
    delete_unused = delete(t.image).where(is_unused).returning(t.image.c.sha256, t.image.c.kept_path)
    deleted = connection.execute(delete_unused).all()
    kept = [name for name in (*(image.kept_path for image in deleted), *uploaded) if name]
    return [*(thumbnail_name(image.sha256) for image in deleted), *kept]
