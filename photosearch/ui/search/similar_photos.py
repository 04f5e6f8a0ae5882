"""The photos most like one: like one of the library, or like a picture that a visitor brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from photosearch.errors import PhotoNotFound
from photosearch.images import THUMBNAIL_SIDE_PX
from photosearch.records import Hit, Results
from photosearch.ui import state
from photosearch.ui.drawing import as_jpeg
from photosearch.ui.grid import show_hits
from photosearch.ui.own_picture import OwnPicture
from photosearch.ui.paging import choose_page
from photosearch.ui.pictures import show_picture
from photosearch.ui.question import new_question
from photosearch.ui.search.filters import Choice
from photosearch.ui.text import plain

SAMPLE_PX = 160


def show_like_photo(photo_id: str, choice: Choice) -> Sequence[Hit]:
    """The photos most like one of the library; gives those shown."""
    workspace = state.workspace()
    _offer_way_back()
    try:
        photo = workspace.library.photo(photo_id)
        with st.container(width=SAMPLE_PX):
            show_picture(photo, THUMBNAIL_SIDE_PX)
        return _show(lambda top, offset: workspace.similar(photo_id, top=top, offset=offset), "that one", choice)
    except PhotoNotFound as error:
        st.warning(plain(str(error)))
        return ()


def show_like_picture(own: OwnPicture, collection: str, choice: Choice) -> Sequence[Hit]:
    """The photos of a collection that are most like a visitor's picture; gives those shown."""
    _offer_way_back()
    st.image(as_jpeg(own.picture.rgb, THUMBNAIL_SIDE_PX), alt=own.name, width=SAMPLE_PX)
    workspace = state.workspace()
    return _show(
        lambda top, offset: workspace.like(own.findings, collection, top=top, offset=offset),
        f"“{plain(own.name)}”",
        choice,
    )


def _offer_way_back() -> None:
    st.button("Back to the search", on_click=new_question)


def _show(ask: Callable[[int, int], Results], which: str, choice: Choice) -> Sequence[Hit]:
    results = ask(choice.per_page, 0)
    if results.notes:
        st.info("  \n".join(map(plain, results.notes)))
    if not results.hits:
        st.info(f"No photo here has anything in common with {which}.")
        return ()
    said, body, foot = st.container(), st.container(), st.container()
    with foot:
        number = choose_page(results.n_listed, choice.per_page)
    if number > 1:
        results = ask(choice.per_page, (number - 1) * choice.per_page)
    first, last = results.hits[0].rank, results.hits[-1].rank
    said.caption(
        f"{results.n_listed:,} in all, {first:,} to {last:,} shown, the most like {which} first: by what was seen in"
        " both and said of both. Filters do not count here."
    )
    with body:
        show_hits(results.hits, "", choice.columns)
    return results.hits
