"""A picture that a visitor uploads: analysed for this visitor only, and never stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from photosearch.errors import PhotoError, PhotosearchError
from photosearch.pictures.decoding.decoder import decode_picture
from photosearch.pictures.formats import SUFFIXES
from photosearch.pictures.images import Picture
from photosearch.records import Findings
from photosearch.ui import state
from photosearch.ui.text import plain

MAX_UPLOAD_MB = 15
_LATEST = "uploaded-picture"


@dataclass(frozen=True)
class UploadedPicture:
    """An uploaded picture with what the models found in it."""

    upload_id: str  # new for each upload, even of the same file
    name: str
    picture: Picture
    findings: Findings


def upload_picture(label: str, key: str, on_change: Callable[[], None] | None = None) -> UploadedPicture | None:
    """Show a file uploader; return the picture in it, None where there is none or it cannot be read.

    Args:
        label: the uploader's label.
        key: the uploader's key in the session.
        on_change: called when a picture is uploaded or removed.
    """
    upload = st.file_uploader(label, type=SUFFIXES, max_upload_size=MAX_UPLOAD_MB, key=key, on_change=on_change)
    st.caption("Only you see the result. The picture stays in the server's memory until you leave and is never stored.")
    if upload is None:
        st.session_state.pop(_LATEST, None)
        return None
    latest = st.session_state.get(_LATEST)
    if isinstance(latest, UploadedPicture) and latest.upload_id == upload.file_id:
        return latest
    try:
        with st.spinner("Analysing the picture"):
            picture = decode_picture(upload.getvalue())
            uploaded = UploadedPicture(upload.file_id, upload.name, picture, state.workspace().models.analyse(picture))
    except PhotoError as error:
        st.error(plain(f"This picture cannot be used: {error}."))
        return None
    except PhotosearchError as error:
        st.error(plain(state.message(error)))
        return None
    st.session_state[_LATEST] = uploaded
    return uploaded
