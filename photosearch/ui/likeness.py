"""The photos most like one: like one of the library, or like a picture that a visitor brings."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from photosearch.drawing import as_jpeg
from photosearch.errors import PhotoNotFound
from photosearch.images import THUMBNAIL_SIDE_PX
from photosearch.records import Results
from photosearch.ui import state
from photosearch.ui.grid import show_hits
from photosearch.ui.narrowing import Choice, new_question
from photosearch.ui.own_picture import OwnPicture
from photosearch.ui.paging import choose_page
from photosearch.ui.pictures import show_picture
from photosearch.ui.text import plain

SAMPLE_PX = 160


def show_like_photo(photo_id: str, choice: Choice) -> None:
    """The photos most like one of the library."""
    workspace = state.workspace()
    _offer_way_back()
    try:
        photo = workspace.library.photo(photo_id)
        with st.container(width=SAMPLE_PX):
            show_picture(photo, THUMBNAIL_SIDE_PX)
        _show(lambda top, offset: workspace.similar(photo_id, top=top, offset=offset), "that one", choice)
    except PhotoNotFound as error:
        st.warning(plain(str(error)))


def show_like_picture(own: OwnPicture, collection: str, choice: Choice) -> None:
    """The photos of a collection that are most like a visitor's picture."""
    _offer_way_back()
    st.image(as_jpeg(own.picture.rgb, THUMBNAIL_SIDE_PX), alt=own.name, width=SAMPLE_PX)
    workspace = state.workspace()
    _show(
        lambda top, offset: workspace.like(own.findings, collection, top=top, offset=offset),
        f"“{plain(own.name)}”",
        choice,
    )


def _offer_way_back() -> None:
    st.button("Back to the search", on_click=new_question)


def _show(ask: Callable[[int, int], Results], which: str, choice: Choice) -> None:
    said, body, foot = st.container(), st.container(), st.container()
    n_found = ask(0, 0).n_listed
    with foot:
        number = choose_page(n_found, choice.per_page)
    results = ask(choice.per_page, (number - 1) * choice.per_page)
    if results.notes:
        said.info("  \n".join(map(plain, results.notes)))
    if not results.hits:
        said.info(f"No photo here has anything in common with {which}.")
        return
    said.caption(f"{n_found:,} photos, the most like {which} first, by what was seen in both and said of both.")
    with body:
        show_hits(results.hits, "", choice.columns)
