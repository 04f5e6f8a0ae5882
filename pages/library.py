"""Library: what there is, and the ways to bring one's own photos."""

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.ui import state
from photosearch.ui.adding import add_photos
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
    add_photos()
    with st.expander("From the command line"):
        st.code(
            'python -m photosearch add SOURCE --collection NAME\npython -m photosearch search "two dogs on a beach"'
        )
list_collections()
