"""Photos in a grid, each with what is known of it and a button; the whole grid is one element of the page.

A page of photos made of Streamlit's own elements, three a photo, takes the browser most of a second to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from photosearch.records import Hit, Photo
from photosearch.ui.cards import card, known_of
from photosearch.ui.details import open_details
from photosearch.ui.pictures import picture_html

Columns = Literal["auto"] | int

_HTML = '<ul class="photos" role="list"></ul>'
_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".photos");
  const cards = data.cards.join("");
  if (root.held !== cards) {
    root.held = cards;
    root.innerHTML = cards;
  }
  root.style.gridTemplateColumns = data.columns === "auto" ? "" : `repeat(${Number(data.columns)}, minmax(0, 1fr))`;
  root.onclick = (event) => {
    const button = event.target.closest("li")?.querySelector("button");
    if (button && event.target.closest("button, img")) setTriggerValue("chosen", button.dataset.photo);
  };
}
"""

_grid = st.components.v2.component("photosearch_grid", html=_HTML, js=_JS, isolate_styles=False)


def show_hits(hits: Sequence[Hit], query: str, columns: Columns = "auto") -> None:
    """A grid of hits: picture, score, the words that made it, caption, objects, what else was seen."""
    chosen = choose_from([(hit.photo, known_of(hit, query)) for hit in hits], "Details", columns)
    if chosen is not None:
        open_details(chosen)


def choose_from(photos: Sequence[tuple[Photo, str]], action: str, columns: Columns = "auto") -> str | None:
    """A grid with a button under each photo; gives the id of the one whose button or picture was clicked just now.

    Args:
        photos: in order, each with what stands under it as HTML.
        action: what the buttons say.
        columns: how many, or as many as there is room for.
    """
    cards = [card(photo, picture_html(photo), known, action) for photo, known in photos]
    told = _grid(key=f"grid-{action}", data={"columns": columns, "cards": cards}, on_chosen_change=lambda: None)
    chosen: str | None = told.chosen
    return chosen
