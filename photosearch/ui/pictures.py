"""A photo's picture on a page: by its address, so that the browser keeps it and the server does not."""

from __future__ import annotations

import html
from urllib.parse import urlsplit

import streamlit as st

from photosearch.api import image_address
from photosearch.records import Photo


def picture_url(photo: Photo, size_px: int | None = None) -> str | None:
    """Where a photo's picture is served, as a whole address; None for a photo that is listed only.

    Args:
        photo: any photo of the library.
        size_px: the longer side wanted, at most 1600; None: the thumbnail.
    """
    if photo.sha256 is None:
        return None
    return origin() + image_address(photo.id, photo.sha256, size_px)


def picture_html(photo: Photo) -> str:
    """A photo's thumbnail, its caption as `alt`; the name of one that has no picture yet."""
    url = picture_url(photo)
    if url is None:
        return f'<div class="unseen">{html.escape(photo.name)}</div>'
    return f'<img src="{html.escape(url)}" alt="{html.escape(photo.caption or photo.name)}" loading="lazy">'


def show_picture(photo: Photo, size_px: int) -> None:
    """A photo's picture, its caption as `alt`; the name of one that has no picture yet."""
    url = picture_url(photo, size_px)
    if url is None:
        st.html(picture_html(photo))
    else:
        st.image(url, alt=photo.caption or photo.name, width="stretch")


def origin() -> str:
    """Scheme, host and port as the browser knows them; a relative address does not work in `st.image`."""
    parts = urlsplit(st.context.url or "http://localhost:8501")
    return f"{parts.scheme}://{parts.netloc}"
