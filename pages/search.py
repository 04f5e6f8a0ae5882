"""Search: choose a collection, describe a photo, see what fits."""

import streamlit as st

from photosearch.sources.demo import NAME as DEMO
from photosearch.ui import state
from photosearch.ui.details import show_opened
from photosearch.ui.progress import show_run
from photosearch.ui.search.filters import choose_options
from photosearch.ui.search.results import show_all, show_found
from photosearch.ui.search.search_bar import LABEL, show_search_bar
from photosearch.ui.search.similar_photos import show_similar_to_photo, show_similar_to_picture
from photosearch.ui.search.word_completion import complete_words

workspace = state.workspace()
st.title("Find a photo by describing it", anchor=False)
show_run(ended=False)
collections = {info.name: info for info in workspace.library.collections()}
if not collections:
    is_running = state.runs().is_running
    st.info(
        "The first photos are being added." if is_running else "There are no photos yet. Add some on the Library page."
    )
    st.stop()

name, query = show_search_bar(list(collections))
if list(collections) == [DEMO]:
    action = "Try one of yours" if workspace.settings.demo else "Add your own"
    st.markdown(f"These are demo photos. [{action}](/library).")
options = choose_options(workspace.searcher.index(name))
photo_id = st.query_params.get("like")
if options.picture is not None:
    hits, matched_query = show_similar_to_picture(options.picture, name, options), ""
elif photo_id:
    hits, matched_query = show_similar_to_photo(photo_id, options), ""
elif query.strip() or options.refine.has_filter:
    hits, matched_query = show_found(query, name, options), query
else:
    hits, matched_query = show_all(collections[name], options), ""
show_opened(hits, matched_query)
complete_words(LABEL, name)
