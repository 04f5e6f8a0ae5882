"""The one server: pages and HTTP routes in one process. Start it with `streamlit run app.py`."""

import streamlit as st

from photosearch.ui import site_path
from photosearch.ui.server import guard, lifespan, routes

app = st.App(site_path(), lifespan=lifespan, routes=routes(), middleware=guard())
