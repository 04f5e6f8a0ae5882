"""Photos in a grid, with what is known of each under it, and a button that opens all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from photosearch.records import Hit, Photo
from photosearch.ui.cards import hit_card
from photosearch.ui.details import show_details
from photosearch.ui.pictures import show_picture

MIN_CARD_PX = 165  # two columns on a phone of 400 px
Columns = Literal["auto"] | int


def show_hits(hits: Sequence[Hit], query: str, columns: Columns = "auto") -> None:
    """A grid of hits: picture, score, the words that made it, caption, objects, what else was seen."""
    _show_grid(hits, query, columns, "results")


def show_photos(photos: Sequence[Photo], columns: Columns = "auto") -> None:
    """A grid of photos that nothing was asked of: picture, caption, objects."""
    _show_grid([Hit(place, 0.0, photo) for place, photo in enumerate(photos, start=1)], "", columns, "all")


def _show_grid(hits: Sequence[Hit], query: str, columns: Columns, key: str) -> None:
    opened = None
    with st.container(key=key):
        grid = st.grid(columns, min_column_width=MIN_CARD_PX if columns == "auto" else "auto")
        for hit in hits:
            with grid.cell():
                show_picture(hit.photo)
                st.html(hit_card(hit, query))
                if st.button("Details", key=f"open-{hit.photo.id}", type="tertiary"):
                    opened = hit
    if opened is not None:
        show_details(opened, query)
