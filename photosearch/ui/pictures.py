"""A photo's picture on a page, given by its URL, so that the browser caches it and the server need not hold it."""

from __future__ import annotations

import html
from urllib.parse import urlsplit

import streamlit as st

from photosearch.api import image_address
from photosearch.records import Photo
from photosearch.ui.text import shortened


def picture_url(photo: Photo, size_px: int | None = None) -> str | None:
    """Return the absolute URL of a photo's picture; None for a photo that has not been read yet.

    Args:
        photo: any photo of the library.
        size_px: the longer side, at most 1600; None: the thumbnail.
    """
    if photo.sha256 is None:
        return None
    return origin() + image_address(photo.id, photo.sha256, size_px)


def picture_html(photo: Photo) -> str:
    """Return a photo's thumbnail as HTML, its caption as `alt`; without a picture, the photo's name."""
    url = picture_url(photo)
    if url is None:
        return f'<div class="unseen">{html.escape(photo.name)}</div>'
    return f'<img src="{html.escape(url)}" alt="{html.escape(shortened(photo.caption) or photo.name)}" loading="lazy">'


def show_picture(photo: Photo, size_px: int) -> None:
    """Show a photo's picture, its caption as `alt`; without a picture, the photo's name."""
    url = picture_url(photo, size_px)
    if url is None:
        st.html(picture_html(photo))
    else:
        st.image(url, alt=shortened(photo.caption) or photo.name, width="stretch")


def origin() -> str:
    """Return scheme, host and port as the browser knows them, since `st.image` needs an absolute URL."""
    parts = urlsplit(st.context.url or "http://localhost:8501")
    return f"{parts.scheme}://{parts.netloc}"
