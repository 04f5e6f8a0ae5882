"""Which photo of the library to look into."""

from __future__ import annotations

import streamlit as st

from photosearch.records import Hit, PhotoState
from photosearch.ui import state
from photosearch.ui.cards import known_of
from photosearch.ui.grid import choose_from
from photosearch.ui.paging import choose_page, first_page

N_OFFERED = 24  # photos at once
PAGE = "shown"


def choose_photo() -> None:
    """The photos of a collection, each with a way in."""
    workspace = state.workspace()
    infos = {info.name: info for info in workspace.collections()}
    if not infos:
        st.info("There are no photos in the library yet. Drop a picture in above, or add photos on the Library page.")
        return
    st.subheader("Or choose a photo", anchor=False)
    name = st.selectbox("Collection", list(infos), key="name", bind="query-params", on_change=first_page, args=(PAGE,))
    shown = (PhotoState.READY, PhotoState.NEW)
    n_photos = infos[name].n_ready + infos[name].n_new
    if not n_photos:
        st.info("There is no photo here that could be used. The Library page says why.")
        return
    number = choose_page(n_photos, N_OFFERED, PAGE)
    photos = workspace.photos(name, *shown, limit=N_OFFERED, offset=(number - 1) * N_OFFERED)
    chosen = choose_from([(photo, known_of(Hit(0, 0.0, photo), "")) for photo in photos], "Look inside")
    if chosen is not None:
        st.query_params.from_dict({"photo": chosen})
        st.rerun()
