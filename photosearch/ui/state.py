"""What all pages, routes and visitors share: one workspace, and its runs in the background."""

from __future__ import annotations

import streamlit as st

from photosearch.pipeline.background import Runs
from photosearch.pipeline.tasks import TaskFile
from photosearch.settings import read_settings
from photosearch.workspace import Workspace


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """Return the workspace of this server."""
    return Workspace(read_settings())


@st.cache_resource(show_spinner=False)
def runs() -> Runs:
    """Return the background runs of this server."""
    return Runs(TaskFile(workspace().library.folder), workspace().perform)
