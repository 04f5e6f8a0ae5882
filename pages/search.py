"""Search: choose a collection, describe a photo, see what fits."""

import math

import streamlit as st

from photosearch.fields import Field
from photosearch.records import PhotoState
from photosearch.ui import state
from photosearch.ui.grid import show_hits, show_photos
from photosearch.ui.progress import show_run
from photosearch.ui.text import plain
from photosearch.workspace import DEMO, PAGE_TOP

GROUPS = {
    "captions": (Field.HUMAN, Field.CAPTION, Field.SENTENCES),
    "concepts": (Field.CONCEPTS,),
    "objects": (Field.OBJECTS,),
    "labels": (Field.LABELS,),
    "owner's words": (Field.OWNER,),
}


def first_page() -> None:
    """Another question starts at its first page."""
    st.session_state.pop("page", None)


def choose_fields() -> tuple[frozenset[Field], bool, bool]:
    """What is searched, whether related words count, and whether near-duplicates are shown as one."""
    with st.expander("What is searched"):
        groups = st.pills(
            "Where the words may stand",
            list(GROUPS),
            selection_mode="multi",
            default=list(GROUPS),
            key="by",
            bind="query-params",
        )
        expand = st.toggle("Related words count, too (kid finds child)", value=True, key="related", bind="query-params")
        group = st.toggle("Show near-duplicates as one", value=True, key="alike", bind="query-params")
    return frozenset(field for chosen in groups or GROUPS for field in GROUPS[chosen]), expand, group


workspace = state.workspace()
st.title("Find a photo by describing it", anchor=False)
show_run()
collections = workspace.collections()
if not collections:
    running = state.runs().is_running
    st.info(
        "The first photos are on their way." if running else "There are no photos yet. Add yours on the Library page."
    )
    st.stop()

info = {collection.name: collection for collection in collections}
where, what, go = st.columns([2, 6, 1], vertical_alignment="bottom")
name = where.selectbox(
    "Collection",
    list(info),
    key="name",
    bind="query-params",
    on_change=first_page,
)
query = what.text_input(
    "Description",
    placeholder="two dogs on a beach",
    key="q",
    bind="query-params",
    max_chars=1000,
    on_change=first_page,
)
go.button("Search", type="primary", width="stretch")
if list(info) == [DEMO]:
    own = "Try one of yours" if workspace.settings.demo else "Bring your own"
    st.markdown(f"These are demo photos. [{own}](/library).")

if query.strip():
    fields, expand, group = choose_fields()
    results = workspace.search(query, name, top=PAGE_TOP, fields=fields, expand=expand, group=group)
    if results.hits:
        best = f", the best {PAGE_TOP} shown" if results.total > PAGE_TOP else ""
        st.caption(
            f"{results.total:,} found{best}. The score is the sum of its words' shares; 1.00 is a perfect match."
        )
        show_hits(results.hits, query)
    else:
        hint = (
            f" Words that do occur here: {', '.join(map(plain, results.suggestions))}." if results.suggestions else ""
        )
        st.info(f"No photo holds a word of “{plain(query)}”.{hint}")
else:
    n_ready, n_new = info[name].n_ready, info[name].n_new
    if n_ready + n_new:
        n_pages = math.ceil((n_ready + n_new) / PAGE_TOP)
        also = f" {n_new:,} more are not captioned yet; the Library page says how far it is." if n_new else ""
        st.caption(f"All {n_ready:,} captioned photos. Describe one to find it.{also}")
        number = st.pagination(n_pages, key="page", bind="query-params") if n_pages > 1 else 1
        shown = (PhotoState.READY, PhotoState.NEW)
        show_photos(workspace.photos(name, *shown, limit=PAGE_TOP, offset=(number - 1) * PAGE_TOP))
    else:
        st.info("There is no photo here that could be used. The Library page says why.")
