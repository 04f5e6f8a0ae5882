"""The top of the Search page: the collection, the description, the button."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from photosearch.ui.search_input import new_question

LABEL = "Description"
MAX_QUERY_CHARS = 1000


def show_search_bar(collections: Sequence[str]) -> tuple[str, str]:
    """Show the search bar; return the chosen collection's name and the query as typed."""
    left, middle, right = st.columns([2, 6, 1], vertical_alignment="bottom")
    name = left.selectbox(
        "Collection", collections, key="name", bind="query-params", on_change=_start_with_another_collection
    )
    query = middle.text_input(
        LABEL,
        placeholder="two dogs on a beach",
        key="q",
        bind="query-params",
        max_chars=MAX_QUERY_CHARS,
        on_change=new_question,
    )
    right.button("Search", type="primary", width="stretch", on_click=new_question)
    return name, query


def search_for(query: str) -> None:
    """Put a query into the search bar and search for it."""
    st.session_state["q"] = query
    new_question()


def _start_with_another_collection() -> None:
    """Forget the objects chosen as filters, since another collection has other objects; start a new question."""
    st.session_state.pop("with", None)
    new_question()
