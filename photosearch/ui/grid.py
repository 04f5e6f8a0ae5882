"""A grid of photos with a text and a button under each; the whole grid is one element of the page.

With Streamlit's own elements, three for each photo, the browser would need most of a second to draw a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from photosearch.records import Hit, Photo
from photosearch.ui.cards import card, describe_hit
from photosearch.ui.details import open_details
from photosearch.ui.pictures import picture_html

Columns = Literal["auto"] | int

_HTML = '<ul class="photos" role="list"></ul>'
_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".photos");
  const cards = data.cards.join("");
  if (root.shown !== cards) {
    root.shown = cards;
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
    """Show hits as a grid with their scores, captions and objects; open the one that is clicked."""
    chosen = choose_from([(hit.photo, describe_hit(hit, query)) for hit in hits], "Details", columns)
    if chosen is not None:
        open_details(chosen)


def choose_from(photos: Sequence[tuple[Photo, str]], action: str, columns: Columns = "auto") -> str | None:
    """Show photos as a grid with a button under each; return the id of the photo that was just clicked.

    Args:
        photos: in order, each with the text under it as HTML.
        action: the buttons' label.
        columns: how many; "auto": as many as there is room for.
    """
    cards = [card(photo, picture_html(photo), text, action) for photo, text in photos]
    grid = _grid(key=f"grid-{action}", data={"columns": columns, "cards": cards}, on_chosen_change=lambda: None)
    chosen: str | None = grid.chosen
    return chosen
