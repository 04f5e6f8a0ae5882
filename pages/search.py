"""Search: choose a collection, describe a photo, see what fits."""

from collections.abc import Sequence

import streamlit as st

from photosearch.records import Hit, PhotoState, Results
from photosearch.ui import state
from photosearch.ui.details import show_opened
from photosearch.ui.grid import show_hits
from photosearch.ui.paging import choose_page
from photosearch.ui.progress import show_run
from photosearch.ui.question import new_question
from photosearch.ui.search.filters import Choice, choose, clear, other_collection
from photosearch.ui.search.similar_photos import show_like_photo, show_like_picture
from photosearch.ui.search.word_completion import complete_words
from photosearch.ui.text import plain
from photosearch.workspace import DEMO

MAX_QUERY_CHARS = 1000
BOX = "Description"


def take(query: str) -> None:
    """Ask another question."""
    st.session_state["q"] = query
    new_question()


def show_answer(query: str, name: str, choice: Choice) -> Sequence[Hit]:
    """The photos that a query finds, page by page; gives those shown."""

    def ask(number: int) -> Results:
        return workspace.search(
            query,
            name,
            top=choice.per_page,
            offset=(number - 1) * choice.per_page,
            fields=choice.fields,
            expand=choice.expand,
            group=choice.group,
            refine=choice.refine,
        )

    results = ask(1)
    if results.notes:
        st.info("  \n".join(map(plain, results.notes)))
    if results.corrected is not None:
        st.button(f"Did you mean: {plain(results.corrected)}", on_click=take, args=[results.corrected], type="tertiary")
    if not results.hits:
        say_nothing_found(query, results, choice)
        return ()
    said, body, foot = st.container(), st.container(), st.container()
    with foot:
        number = choose_page(results.n_listed, choice.per_page)
    if number > 1:
        results = ask(number)
    with said:
        say_how_many(results, number, choice.per_page)
    with body:
        show_hits(results.hits, query, choice.columns)
    return results.hits


def say_how_many(results: Results, number: int, per_page: int) -> None:
    """How many photos there are, and which of them are shown."""
    if results.n_listed > per_page:
        first = (number - 1) * per_page + 1
        said = f"{results.n_listed:,} found, {first:,} to {first - 1 + len(results.hits):,} shown"
    else:
        said = f"{results.n_listed:,} found"
    if results.n_weak:
        said += f"; {results.n_weak:,} weaker left out"
    scored = any(hit.shares for hit in results.hits)
    why = ". The score is the sum of its words' shares; 1.00 is a perfect match" if scored else ""
    st.caption(f"{said}{why}.")


def say_nothing_found(query: str, results: Results, choice: Choice) -> None:
    """Why nothing is shown, and what to do."""
    if choice.refine.has_filter:
        words = f" and holds a word of “{plain(query)}”" if query.strip() else ""
        st.info(f"No photo passes all of the filters{words}.")
        st.button("Clear filters", on_click=clear)
    elif not results.notes:
        hint = (
            f" Words that do occur here: {', '.join(map(plain, results.suggestions))}." if results.suggestions else ""
        )
        st.info(f"No photo holds a word of “{plain(query)}”.{hint} Captions are in English.")


def show_all(name: str, choice: Choice) -> Sequence[Hit]:
    """All photos of a collection, page by page; gives those shown, as hits without a score."""
    n_ready, n_new = info[name].n_ready, info[name].n_new
    if not n_ready + n_new:
        st.info("There is no photo here that could be used. The Library page says why.")
        return ()
    also = f" {n_new:,} more are not captioned yet; the Library page says how far it is." if n_new else ""
    st.caption(f"All {n_ready:,} captioned photos. Describe one to find it.{also}")
    body, foot = st.container(), st.container()
    with foot:
        number = choose_page(n_ready + n_new, choice.per_page)
    shown = (PhotoState.READY, PhotoState.NEW)
    photos = workspace.photos(name, *shown, limit=choice.per_page, offset=(number - 1) * choice.per_page)
    hits = [Hit(place, 0.0, photo) for place, photo in enumerate(photos, start=1)]
    with body:
        show_hits(hits, "", choice.columns)
    return hits


workspace = state.workspace()
st.title("Find a photo by describing it", anchor=False)
show_run(ended=False)
collections = workspace.collections()
if not collections:
    running = state.runs().is_running
    st.info(
        "The first photos are on their way." if running else "There are no photos yet. Add yours on the Library page."
    )
    st.stop()

info = {collection.name: collection for collection in collections}
where, what, go = st.columns([2, 6, 1], vertical_alignment="bottom")
name = where.selectbox("Collection", list(info), key="name", bind="query-params", on_change=other_collection)
query = what.text_input(
    BOX,
    placeholder="two dogs on a beach",
    key="q",
    bind="query-params",
    max_chars=MAX_QUERY_CHARS,
    on_change=new_question,
)
go.button("Search", type="primary", width="stretch", on_click=new_question)
if list(info) == [DEMO]:
    own = "Try one of yours" if workspace.settings.demo else "Bring your own"
    st.markdown(f"These are demo photos. [{own}](/library).")

like = st.query_params.get("like")
choice = choose(workspace.index(name))
if choice.picture is not None:
    hits, words = show_like_picture(choice.picture, name, choice), ""
elif like:
    hits, words = show_like_photo(like, choice), ""
elif query.strip() or choice.refine.has_filter:
    hits, words = show_answer(query, name, choice), query
else:
    hits, words = show_all(name, choice), ""
show_opened(hits, words)
complete_words(BOX, name)
