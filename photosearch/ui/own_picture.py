"""A picture that a visitor brings: looked at for this visitor alone, and kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from photosearch import images
from photosearch.errors import PhotosearchError
from photosearch.stations import Findings
from photosearch.ui import state
from photosearch.ui.text import plain

MAX_UPLOAD_MB = 15
TYPES = ["jpg", "jpeg", "png", "webp", "heic", "heif", "avif", "gif", "bmp", "tif", "tiff"]
_LATEST = "own-picture"


@dataclass(frozen=True)
class OwnPicture:
    """A visitor's picture with what the models tell of it."""

    name: str
    picture: images.Picture
    findings: Findings


def bring_picture(label: str, key: str) -> OwnPicture | None:
    """A place to drop a picture in; gives the one that is there.

    Args:
        label: what the place is called.
        key: tells it from others; a new one is empty.
    """
    upload = st.file_uploader(label, type=TYPES, max_upload_size=MAX_UPLOAD_MB, key=key)
    st.caption("It is looked at in the server's memory for you alone, kept nowhere, and gone when you leave.")
    if upload is None:
        return None
    try:
        with st.spinner("Looking at it"):
            return _look(upload.getvalue(), upload.name)
    except PhotosearchError as error:
        st.error(plain(f"This picture cannot be used: {error}."))
        return None


def _look(data: bytes, name: str) -> OwnPicture:
    """The latest one stays in the visitor's session until the next, so that it is looked at once."""
    picture = images.decode(data)
    known = st.session_state.get(_LATEST)
    if isinstance(known, OwnPicture) and known.picture.sha256 == picture.sha256:
        return known
    own = OwnPicture(name, picture, state.workspace().look(picture))
    st.session_state[_LATEST] = own
    return own
