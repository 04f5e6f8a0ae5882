"""Long lists, page by page; the address holds the page's number."""

import math

import streamlit as st


def choose_page(n_photos: int, per_page: int) -> int:
    """Let one go through the pages; gives the one chosen, from 1."""
    n_pages = math.ceil(n_photos / per_page)
    return st.pagination(n_pages, key="page", bind="query-params") if n_pages > 1 else 1


def first_page() -> None:
    """Another list starts at its first page."""
    st.session_state["page"] = 1  # forgotten alone, it would come back from the address
