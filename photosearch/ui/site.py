"""The script behind every page: settings, navigation, footer. Streamlit runs it for `app.py`; nothing imports it."""

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.ui import PAGES, state
from photosearch.ui.frame import show_footer, show_style
from photosearch.ui.text import plain

st.set_page_config(page_title="photosearch", page_icon="🔎", layout="wide")
show_style()
page = st.navigation(
    [
        st.Page(PAGES / "search.py", title="Search", default=True),
        st.Page(PAGES / "inspect.py", title="Inspect"),
        st.Page(PAGES / "library.py", title="Library"),
        st.Page(PAGES / "quality.py", title="Quality"),
    ],
    position="top",
)
try:
    state.workspace()
    page.run()
except PhotosearchError as error:
    st.error(plain(state.message(error)))
show_footer(can_log_out=state.has_lock())
