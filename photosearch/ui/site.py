"""The script behind every page: settings, navigation, the foot. Run by `app.py`, never imported."""

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.ui import PAGES, state
from photosearch.ui.frame import foot, style
from photosearch.ui.text import plain

st.set_page_config(page_title="photosearch", page_icon="🔎", layout="wide")
style()
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
    st.error(plain(str(error)))
foot()
