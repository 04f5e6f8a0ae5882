"""Page numbers under long lists; the address holds the number of the page shown."""

import math

import streamlit as st

SEARCH = "page"


def choose_page(n_photos: int, per_page: int, key: str = SEARCH) -> int:
    """Let the visitor choose a page of a list; return its number, from 1.

    Args:
        n_photos: how many photos the whole list has.
        per_page: how many a page shows.
        key: the parameter in the address that holds the number.
    """
    n_pages = math.ceil(n_photos / per_page)
    return st.pagination(n_pages, key=key, bind="query-params") if n_pages > 1 else 1


def first_page(key: str = SEARCH) -> None:
    """Go back to the first page, for another list."""
    st.session_state[key] = 1  # only deleting it would bring it back from the address
