"""What all pages, routes and visitors share: one workspace, and its runs in the background."""

from __future__ import annotations

import streamlit as st

from photosearch.access.publication import AnyPhoto, public_message, published
from photosearch.errors import PhotosearchError, SettingsError
from photosearch.pipeline.background import Runs
from photosearch.pipeline.tasks import TaskFile
from photosearch.settings import read_settings
from photosearch.ui import openid
from photosearch.workspace import Workspace


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """Return the workspace of this server."""
    return Workspace(read_settings())


@st.cache_resource(show_spinner=False)
def runs() -> Runs:
    """Return the background runs of this server."""
    return Runs(TaskFile(workspace().library.folder), workspace().perform)


def is_public() -> bool:
    """Return whether this is the public demo; where the settings cannot be read, only this machine sees pages."""
    try:
        return read_settings().demo
    except SettingsError:
        return False


def has_lock() -> bool:
    """Return whether visitors had to log in."""
    try:
        return bool(read_settings().password) or openid.is_set_up()
    except SettingsError:
        return False


def shown(photo: AnyPhoto) -> AnyPhoto:
    """Return a photo as pages may show it: in the public demo without what only its owner may know."""
    return published(photo) if is_public() else photo


def message(error: PhotosearchError) -> str:
    """Return what a page says of an error: in the public demo nothing that names a file of this machine."""
    return public_message(error) if is_public() else str(error)
