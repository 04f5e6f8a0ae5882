"""Which picture to look into: one of the library's, or any that a visitor brings."""

from __future__ import annotations

import math

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.records import PhotoState
from photosearch.ui import state
from photosearch.ui.pictures import show_picture
from photosearch.ui.subject import Subject, of_upload
from photosearch.ui.text import plain

MAX_UPLOAD_MB = 15
N_OFFERED = 24  # photos at once
MIN_CELL_PX = 150
TYPES = ["jpg", "jpeg", "png", "webp", "heic", "heif", "avif", "gif", "bmp", "tif", "tiff"]


def bring_picture() -> Subject | None:
    """A picture that is dropped in: looked at for this visitor alone, and kept nowhere."""
    upload = st.file_uploader("Drop any picture in", type=TYPES, max_upload_size=MAX_UPLOAD_MB, key="own-upload")
    st.caption("It is looked at in the server's memory for you alone, kept nowhere, and gone when you leave.")
    if upload is None:
        return None
    try:
        with st.spinner("Looking at it"):
            return of_upload(upload.getvalue(), upload.name)
    except PhotosearchError as error:
        st.error(plain(f"This picture cannot be used: {error}."))
        return None


def choose_photo() -> None:
    """The photos of a collection, each with a way in."""
    workspace = state.workspace()
    infos = {info.name: info for info in workspace.collections()}
    if not infos:
        st.info("There are no photos in the library yet. Drop a picture in above, or add photos on the Library page.")
        return
    st.subheader("Or choose a photo", anchor=False)
    name = st.selectbox("Collection", list(infos), key="name", bind="query-params", on_change=_first_page)
    shown = (PhotoState.READY, PhotoState.NEW)
    n_photos = infos[name].n_ready + infos[name].n_new
    if not n_photos:
        st.info("There is no photo here that could be used. The Library page says why.")
        return
    n_pages = math.ceil(n_photos / N_OFFERED)
    number = st.pagination(n_pages, key="page", bind="query-params") if n_pages > 1 else 1
    with st.container(key="all"):
        grid = st.grid(min_column_width=MIN_CELL_PX)
        for photo in workspace.photos(name, *shown, limit=N_OFFERED, offset=(number - 1) * N_OFFERED):
            with grid.cell():
                show_picture(photo)
                st.button(
                    "Look inside",
                    key=f"inspect-{photo.id}",
                    help=plain(photo.caption or photo.name),
                    on_click=_open,
                    args=(photo.id,),
                    width="stretch",
                )


def _first_page() -> None:
    st.session_state.pop("page", None)


def _open(photo_id: str) -> None:
    st.query_params.from_dict({"photo": photo_id})
