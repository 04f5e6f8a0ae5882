"""The filters of the Search page, the order of hits, and the fields searched; the address holds all but a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import get_args

import streamlit as st

from photosearch.search import fields
from photosearch.search.fields import ALL, BY, Field
from photosearch.search.index import SearchIndex
from photosearch.search.query import NO_REFINEMENT, Refine, Sort, Worded
from photosearch.ui.grid import Columns
from photosearch.ui.paging import first_page
from photosearch.ui.search_input import choose_picture, new_question
from photosearch.ui.text import plain
from photosearch.ui.uploaded_picture import UploadedPicture

N_OBJECTS = 10
CUTOFF_PERCENT = 25
PER_PAGE = (24, 48, 100)  # four rows on a usual screen; a page of 100 takes a browser half as long again to draw
COLUMNS: tuple[Columns, ...] = ("auto", 2, 3, 4, 5, 6, 8)
GROUPS = {group.title: group.fields for group in fields.GROUPS}
SORTS = {"best first": Sort.SCORE, "newest first": Sort.NEWEST, "oldest first": Sort.OLDEST}
WORDED = {"with a caption": Worded.CAPTIONED, "corrected by a person": Worded.CORRECTED}
HINTS = f"""
- `dog beach`: photos with any of these words; more words and rarer words score higher
- `-people`: without this word · `"black dog"`: these words next to each other
- `dog | cat`: either of the two · `(black dog) | cat -indoors`: with a group · `sun*`: words that begin so
- `object:dog`: only photos in which a dog was detected · `#sunset`: only photos with this hashtag
- `camera:canon`, `lens:50mm`, `place:lisbon`: taken with it, or there · `folder:lisbon`, `file:tram`: called so
- `rating:>3`: with more than three stars
- `june 2021`, `last summer`, `on:2021-06`, `before:2023-06`, `after:2022`: by date
- `by:caption`: only in captions (also: {", ".join(list(BY)[1:])})
"""
EARLIEST, LATEST = date(1826, 1, 1), date(2199, 12, 31)  # the first photograph, and long enough
_CLEARED: Mapping[str, object] = {
    "with": [],
    "worded": None,
    "from": None,
    "to": None,
    "sort": "best first",
    "cutoff": CUTOFF_PERCENT,
}


@dataclass(frozen=True)
class SearchOptions:
    """All that a visitor may choose besides the query."""

    refine: Refine = NO_REFINEMENT
    fields: frozenset[Field] = ALL
    expand: bool = True
    group: bool = True
    dates: bool = True  # whether "june 2021" in the query means a date
    columns: Columns = "auto"
    per_page: int = PER_PAGE[0]
    picture: UploadedPicture | None = None  # photos like this one are wanted


def clear_filters() -> None:
    """Reset all filters."""
    for key, value in _CLEARED.items():
        if key in st.session_state:
            st.session_state[key] = value
    new_question()


def take_dates_as_words() -> None:
    """Search for the words that were understood as dates."""
    st.session_state["dates"] = False
    new_question()


def choose_options(index: SearchIndex) -> SearchOptions:
    """Show the filters that a collection's index allows; return what was chosen."""
    with st.container(key="filters", horizontal=True, vertical_alignment="center"):
        with st.popover("Search tips", type="tertiary"):
            st.markdown(HINTS)
        with st.popover("Filters"):
            since, until = _choose_dates(index)
            worded = st.pills("Captions", list(WORDED), key="worded", bind="query-params", on_change=new_question)
            cutoff = st.slider(
                "Leave out photos that score less than this share of the best score",
                0,
                90,
                CUTOFF_PERCENT,
                5,
                format="%d %%",
                key="cutoff",
                bind="query-params",
                on_change=new_question,
            )
            fields, expand, group = _choose_fields()
            dates = st.toggle(
                "Understand dates (june 2021, last summer)",
                True,
                key="dates",
                bind="query-params",
                on_change=new_question,
            )
            left, middle, right = st.columns(3)
            sort = left.selectbox("Order", list(SORTS), key="sort", bind="query-params", on_change=new_question)
            columns = middle.selectbox("Columns", COLUMNS, key="columns", bind="query-params")
            per_page = right.selectbox("Photos a page", PER_PAGE, key="per", bind="query-params", on_change=first_page)
        picture = choose_picture()
        objects = _choose_objects(index)
    worded_filter = WORDED[worded] if worded else None
    refine = Refine(since, until, frozenset(objects), worded_filter, SORTS[sort], cutoff / 100)
    columns = columns if columns in COLUMNS else get_args(Columns)[0]
    return SearchOptions(refine, fields, expand, group, dates, columns, per_page, picture)


def _choose_objects(index: SearchIndex) -> list[str]:
    labels = index.filters.common_objects(N_OBJECTS)
    if not labels:
        return []
    st.html("Only photos that show", width="content")
    return st.pills(
        "Only photos that show",
        labels,
        selection_mode="multi",
        label_visibility="collapsed",
        format_func=plain,
        key="with",
        bind="query-params",
        on_change=new_question,
    )


def _choose_dates(index: SearchIndex) -> tuple[date | None, date | None]:
    if not index.filters.has_dates():
        st.caption("No date of these photos is known.")
        return None, None
    left, right = st.columns(2)
    with left:
        since = _choose_date("Taken from", "from")
    with right:
        until = _choose_date("Taken until", "to")
    return since, until


def _choose_date(label: str, key: str) -> date | None:
    return st.date_input(
        label,
        None,
        EARLIEST,
        LATEST,
        format="YYYY-MM-DD",
        key=key,
        bind="query-params",
        on_change=new_question,
        help="A photo's day is that on its camera's clock; a post's, where no camera's time is known, is that in UTC.",
    )


def _choose_fields() -> tuple[frozenset[Field], bool, bool]:
    groups = st.pills(
        "Search in",
        list(GROUPS),
        selection_mode="multi",
        default=list(GROUPS),
        key="by",
        bind="query-params",
        on_change=new_question,
    )
    expand = st.toggle(
        "Also find related words (kid finds child)", True, key="related", bind="query-params", on_change=new_question
    )
    group = st.toggle("Show near-duplicates once", True, key="alike", bind="query-params", on_change=new_question)
    return frozenset(field for chosen in groups or GROUPS for field in GROUPS[chosen]), expand, group
