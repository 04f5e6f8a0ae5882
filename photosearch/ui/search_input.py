"""What the Search page searches by: a description, a photo of the library, or an uploaded picture.

The address holds the description and the photo's id; an uploaded picture is in the visitor's session only.
"""

from __future__ import annotations

import streamlit as st

from photosearch.ui.paging import first_page
from photosearch.ui.uploaded_picture import UploadedPicture, upload_picture

_PICTURE = "search-picture"
_REPLACED = "search-picture-replaced"  # the id of an upload that is still there, but no longer searched by


def new_question() -> None:
    """Go to the first page, close the open photo, and search by the description again."""
    first_page()
    for name in ("like", "photo"):
        st.query_params.pop(name, None)
    upload = st.session_state.get(_PICTURE)
    if upload is not None:
        st.session_state[_REPLACED] = upload.file_id


def search_similar(photo_id: str) -> None:
    """Search for photos like one of the library."""
    new_question()
    st.query_params["like"] = photo_id


def choose_picture() -> UploadedPicture | None:
    """Let the visitor upload a picture to search by; return it until another question is asked."""
    with st.popover("By a picture", type="tertiary"):
        picture = upload_picture("Find photos like a picture of yours", _PICTURE, on_change=first_page)
        if picture is None or picture.upload_id != st.session_state.get(_REPLACED):
            return picture
        st.button("Search by this picture again", on_click=_search_by_upload_again)
        return None


def _search_by_upload_again() -> None:
    new_question()
    st.session_state.pop(_REPLACED, None)
