"""Photos like a photo of the library, or like a picture that the visitor uploads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from photosearch.errors import PhotoNotFound
from photosearch.pictures.images import THUMBNAIL_SIDE_PX
from photosearch.records import Hit, Results
from photosearch.ui import state
from photosearch.ui.drawing import as_jpeg
from photosearch.ui.pictures import show_picture
from photosearch.ui.search.filters import SearchOptions
from photosearch.ui.search.results import count_shown, show_notes, show_pages
from photosearch.ui.search_input import new_question
from photosearch.ui.text import plain
from photosearch.ui.uploaded_picture import UploadedPicture

SAMPLE_PX = 160


def show_similar_to_photo(photo_id: str, options: SearchOptions) -> Sequence[Hit]:
    """Show the photos most like one of the library, page by page; return the hits on the page shown."""
    workspace = state.workspace()
    _offer_way_back()
    try:
        photo = workspace.library.photo(photo_id)
        with st.container(width=SAMPLE_PX):
            show_picture(photo, THUMBNAIL_SIDE_PX)
        return _show(
            lambda offset: workspace.searcher.similar(photo_id, top=options.per_page, offset=offset),
            "this photo",
            options,
        )
    except PhotoNotFound as error:
        st.warning(plain(state.message(error)))
        return ()


def show_similar_to_picture(own: UploadedPicture, collection: str, options: SearchOptions) -> Sequence[Hit]:
    """Show the photos of a collection most like an uploaded picture; return the hits on the page shown."""
    workspace = state.workspace()
    _offer_way_back()
    st.image(as_jpeg(own.picture.rgb, THUMBNAIL_SIDE_PX), alt=own.name, width=SAMPLE_PX)
    return _show(
        lambda offset: workspace.searcher.like(own.findings, collection, top=options.per_page, offset=offset),
        f"“{plain(own.name)}”",
        options,
    )


def _offer_way_back() -> None:
    st.button("Back to the search", on_click=new_question)


def _show(search: Callable[[int], Results], sample: str, options: SearchOptions) -> Sequence[Hit]:
    first = search(0)
    show_notes(first)
    if not first.hits:
        st.info(f"No photo of this collection has anything in common with {sample}.")
        return ()
    return show_pages(
        first,
        search,
        lambda results: (
            f"{count_shown(results)}, the most like {sample} first. What was seen in both and written about both is"
            " compared. Filters are not applied."
        ),
        options,
    )
