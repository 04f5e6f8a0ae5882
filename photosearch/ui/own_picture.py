"""A picture that a visitor brings: looked at for this visitor alone, and kept nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from photosearch import images
from photosearch.errors import PhotoError, PhotosearchError
from photosearch.picture_formats import SUFFIXES
from photosearch.records import Findings
from photosearch.ui import state
from photosearch.ui.text import plain

MAX_UPLOAD_MB = 15
_LATEST = "own-picture"


@dataclass(frozen=True)
class OwnPicture:
    """A visitor's picture with what the models tell of it."""

    upload_id: str  # another one for each time that something is dropped in
    name: str
    picture: images.Picture
    findings: Findings


def bring_picture(label: str, key: str, on_change: Callable[[], None] | None = None) -> OwnPicture | None:
    """A place to drop a picture in; gives the one that is there.

    Args:
        label: what the place is called.
        key: tells it from others.
        on_change: called when there is another picture, or none any more.
    """
    upload = st.file_uploader(label, type=SUFFIXES, max_upload_size=MAX_UPLOAD_MB, key=key, on_change=on_change)
    st.caption("It is looked at in the server's memory for you alone, kept nowhere, and gone when you leave.")
    if upload is None:
        st.session_state.pop(_LATEST, None)
        return None
    known = st.session_state.get(_LATEST)
    if isinstance(known, OwnPicture) and known.upload_id == upload.file_id:
        return known
    try:
        with st.spinner("Looking at it"):
            picture = images.decode(upload.getvalue())
            own = OwnPicture(upload.file_id, upload.name, picture, state.workspace().analyse(picture))
    except PhotoError as error:
        st.error(plain(f"This picture cannot be used: {error}."))
        return None
    except PhotosearchError as error:
        st.error(plain(str(error)))
        return None
    st.session_state[_LATEST] = own
    return own
