"""Long lists, page by page; the address holds the page's number."""

import math

import streamlit as st

SEARCH = "page"


def choose_page(n_photos: int, per_page: int, key: str = SEARCH) -> int:
    """Let one go through the pages; gives the one chosen, from 1.

    Args:
        n_photos: in the whole list.
        per_page: shown at once.
        key: names the list in the address; lists of one name share the page's number.
    """
    n_pages = math.ceil(n_photos / per_page)
    return st.pagination(n_pages, key=key, bind="query-params") if n_pages > 1 else 1


def first_page(key: str = SEARCH) -> None:
    """Another list starts at its first page."""
    st.session_state[key] = 1  # forgotten alone, it would come back from the address
