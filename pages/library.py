"""Library: what there is, and the ways to bring one's own photos."""

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.ui import state
from photosearch.ui.progress import show_run
from photosearch.ui.text import plain
from photosearch.ui.visitor import caption_a_picture

workspace = state.workspace()


@st.dialog("Remove this collection?")
def confirm_removal(name: str) -> None:
    """Ask a second time before a collection is forgotten."""
    st.markdown(f"Captions and thumbnails of **{plain(name)}** are deleted. The photos themselves stay where they are.")
    if st.button("Remove", type="primary"):
        try:
            workspace.remove(name)
        except PhotosearchError as error:
            st.error(plain(str(error)))
            return
        st.rerun()


def add_folder() -> None:
    """A folder of this machine, by its path."""
    st.subheader("Add a folder of photos", anchor=False)
    with st.form("add-folder", border=False):
        folder = st.text_input("Folder on this machine", placeholder="/home/you/Pictures/2024", max_chars=4000)
        collection = st.text_input("Name of the collection", placeholder="the folder's own name", max_chars=100)
        submitted = st.form_submit_button("Add and caption", type="primary")
    st.caption("The folder is only read. Adding it again takes in what is new, changed or gone.")
    if submitted:
        try:
            workspace.check_source(folder)
        except PhotosearchError as error:
            st.error(plain(str(error)))
            return
        if state.start_adding(folder.strip(), collection.strip() or None):
            st.rerun()
        st.warning("Another run is at work. Wait for it, or stop it, and try again.")


def list_collections() -> None:
    """Each collection with its counts, what failed, and what can be done with it."""
    st.subheader("Collections", anchor=False)
    for info in workspace.collections():
        with st.container(border=True):
            st.markdown(f"**{plain(info.name)}**")
            st.caption(
                f"{info.n_photos:,} photos, {info.n_ready:,} captioned, {info.n_new:,} to do, {info.n_failed:,} failed"
            )
            if info.n_failed and not workspace.settings.demo:  # paths are the owner's affair
                with st.expander("What failed, and why"):
                    failures = workspace.failures(info.name)
                    st.dataframe([{"photo": f.source_key, "reason": f.reason} for f in failures], hide_index=True)
            if workspace.settings.demo:
                continue
            with st.container(horizontal=True):
                if info.n_new and st.button("Caption the rest", key=f"caption-{info.name}"):
                    if state.start_captioning(info.name):
                        st.rerun()
                    st.warning("Another run is at work. Wait for it, or stop it, and try again.")
                if st.button("Remove", key=f"remove-{info.name}"):
                    confirm_removal(info.name)


st.title("Your photos", anchor=False)
show_run()
if workspace.settings.demo:
    st.info(
        "This is the public demo: its collection stays as it is, and nothing can be added, changed or removed."
        " To search your own photos, run photosearch on your own machine: they never leave it."
    )
    caption_a_picture()
else:
    add_folder()
    with st.expander("From the command line"):
        st.code(
            'python -m photosearch add FOLDER --collection NAME\npython -m photosearch search "two dogs on a beach"'
        )
list_collections()
