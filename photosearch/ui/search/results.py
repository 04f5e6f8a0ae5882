"""What a search found, page by page, or all photos of a collection when nothing was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from photosearch.records import CollectionInfo, Hit, PhotoState, Results
from photosearch.search.question import Question
from photosearch.ui import state
from photosearch.ui.grid import show_hits
from photosearch.ui.paging import choose_page
from photosearch.ui.search.filters import SearchOptions, clear_filters, take_dates_as_words
from photosearch.ui.search.search_bar import search_for
from photosearch.ui.text import plain


def show_found(query: str, collection: str, options: SearchOptions) -> Sequence[Hit]:
    """Search and show the photos found, page by page; return the hits on the page shown."""
    workspace = state.workspace()

    def search(offset: int) -> Results:
        question = Question(
            query,
            collection,
            top=options.per_page,
            offset=offset,
            fields=options.fields,
            expand=options.expand,
            one_of_near_duplicates=options.group,
            dates=options.dates,
            refine=options.refine,
        )
        return workspace.searcher.search(question)

    first = search(0)
    _show_dates(first)
    show_notes(first)
    if first.corrected is not None:
        st.button(
            f"Did you mean: {plain(first.corrected)}", on_click=search_for, args=[first.corrected], type="tertiary"
        )
    if not first.hits:
        _explain_no_hits(query, first, options)
        return ()
    return show_pages(first, search, _summarize, options, query)


def _show_dates(results: Results) -> None:
    """Show which words were understood as dates, and offer to search for the words."""
    if results.dates:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("  \n".join(map(plain, results.dates)))
            st.button("Search for the words instead", on_click=take_dates_as_words, type="tertiary")


def show_notes(results: Results) -> None:
    """Show which parts of the query could not be used."""
    if results.notes:
        st.info("  \n".join(map(plain, results.notes)))


def show_pages(
    first: Results,
    search: Callable[[int], Results],
    summarize: Callable[[Results], str],
    options: SearchOptions,
    query: str = "",
) -> Sequence[Hit]:
    """Show a summary, the hits of one page, and the page numbers; return the hits shown.

    Args:
        first: the first page, which holds at least one hit.
        search: returns a later page; it takes the number of hits before that page.
        summarize: describes the page shown, in Markdown.
        options: hits a page, and columns.
        query: what was searched for; its words are marked in the captions.
    """
    summary, body, foot = st.container(), st.container(), st.container()
    with foot:
        number = choose_page(first.n_listed, options.per_page)
    results = search((number - 1) * options.per_page) if number > 1 else first
    summary.caption(summarize(results))
    with body:
        show_hits(results.hits, query, options.columns)
    return results.hits


def count_shown(results: Results) -> str:
    """Return how many photos were found, and which of them are shown when there are several pages."""
    count = f"{results.n_listed:,} {'photo' if results.n_listed == 1 else 'photos'} found"
    if results.has_more and not results.n_weak:  # else all that are not weak are listed
        count = f"more than {results.n_listed:,} photos found, the best of them listed"
    if results.hits and results.n_listed > len(results.hits):
        count += f", {results.hits[0].rank:,} to {results.hits[-1].rank:,} shown"
    return count


def _summarize(results: Results) -> str:
    summary = count_shown(results)
    if results.n_weak:
        summary += f"; {results.n_weak:,} with a low score left out"
    if any(hit.shares for hit in results.hits):
        summary += ". A score is the sum of what each word adds; 1.00 is a perfect match"
    return f"{summary}."


def _explain_no_hits(query: str, results: Results, options: SearchOptions) -> None:
    """Say why no photo was found, and what to do next."""
    if options.refine.has_filter:
        words = f" and contains a word of “{plain(query)}”" if query.strip() else ""
        st.info(f"No photo passes all filters{words}.")
        st.button("Clear filters", on_click=clear_filters)
    elif not results.notes:
        words = ", ".join(map(plain, results.suggestions))
        hint = f" Words that occur in this collection: {words}." if words else ""
        st.info(f"No photo matches a word of “{plain(query)}”.{hint} Captions are in English.")


def show_all(info: CollectionInfo, options: SearchOptions) -> Sequence[Hit]:
    """Show all photos of a collection, page by page; return those on the page shown, as hits without a score."""
    n_photos = info.n_ready + info.n_new
    if not n_photos:
        st.info(
            f"{info.n_without_picture:,} posts have no picture here. Search finds them by their texts."
            if info.n_without_picture
            else "No photo of this collection could be read. The Library page lists the reasons."
        )
        return ()
    more = f" {info.n_new:,} more are not captioned yet; see the Library page." if info.n_new else ""
    more += f" {info.n_without_picture:,} have no picture; search finds them." if info.n_without_picture else ""
    st.caption(f"All {info.n_ready:,} captioned photos. Describe a photo to find it.{more}")
    body, foot = st.container(), st.container()
    with foot:
        offset = (choose_page(n_photos, options.per_page) - 1) * options.per_page
    photos = state.workspace().library.photos(
        info.name, PhotoState.READY, PhotoState.NEW, limit=options.per_page, offset=offset
    )
    hits = [Hit(rank, 0.0, photo) for rank, photo in enumerate(photos, start=offset + 1)]
    with body:
        show_hits(hits, "", options.columns)
    return hits
