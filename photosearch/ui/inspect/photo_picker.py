"""The list from which a photo of the library is chosen."""

from __future__ import annotations

import streamlit as st

from photosearch.records import Hit, PhotoState
from photosearch.ui import state
from photosearch.ui.cards import describe_hit
from photosearch.ui.grid import choose_from
from photosearch.ui.paging import choose_page, first_page

PER_PAGE = 24
PAGE = "shown"


def choose_photo() -> None:
    """Show the photos of a collection, page by page; open the one that is clicked."""
    workspace = state.workspace()
    collections = {info.name: info for info in workspace.library.collections()}
    if not collections:
        st.info("There are no photos in the library yet. Upload a picture above, or add photos on the Library page.")
        return
    st.subheader("Or choose a photo", anchor=False)
    name = st.selectbox(
        "Collection", list(collections), key="name", bind="query-params", on_change=first_page, args=(PAGE,)
    )
    n_photos = collections[name].n_ready + collections[name].n_new
    if not n_photos:
        st.info("No photo of this collection could be read. The Library page lists the reasons.")
        return
    number = choose_page(n_photos, PER_PAGE, PAGE)
    photos = workspace.library.photos(
        name, PhotoState.READY, PhotoState.NEW, limit=PER_PAGE, offset=(number - 1) * PER_PAGE
    )
    chosen = choose_from([(photo, describe_hit(Hit(0, 0.0, photo), "")) for photo in photos], "Look inside")
    if chosen is not None:
        st.query_params.from_dict({"photo": chosen})
        st.rerun()
