"""What the search page answers: the text box, or instead of it likeness to a photo or to a picture of one's own.

The address holds a photo's id; a visitor's own picture is in the visitor's session only.
"""

from __future__ import annotations

import streamlit as st

from photosearch.ui.own_picture import OwnPicture, bring_picture
from photosearch.ui.paging import first_page

_PICTURE = "search-picture"
_PUT_ASIDE = "search-picture-put-aside"  # the number of the upload that another question took the place of


def new_question() -> None:
    """Another question starts at its first page, opens no photo and asks for no likeness."""
    first_page()
    for name in ("like", "photo"):
        st.query_params.pop(name, None)
    upload = st.session_state.get(_PICTURE)
    if upload is not None:
        st.session_state[_PUT_ASIDE] = upload.file_id


def ask_for_likes(photo_id: str) -> None:
    """Ask for the photos like one of the library."""
    new_question()
    st.query_params["like"] = photo_id


def picture_to_search_by() -> OwnPicture | None:
    """A picture that a visitor brings in place of a description, until the next question."""
    with st.popover("By a picture", type="tertiary"):
        own = bring_picture("Find photos like one of yours", _PICTURE, on_change=first_page)
        if own is None or own.upload_id != st.session_state.get(_PUT_ASIDE):
            return own
        st.button("Search by it again", on_click=_take_up)
        return None


def _take_up() -> None:
    new_question()
    st.session_state.pop(_PUT_ASIDE, None)
