"""Library: what there is, and the ways to bring one's own photos."""

import streamlit as st

from photosearch.ui import state
from photosearch.ui.library.add_forms import add_photos
from photosearch.ui.library.collections import list_collections, show_export
from photosearch.ui.library.model_choice import choose_models
from photosearch.ui.progress import show_run
from photosearch.vision.registry import ModelChoice

workspace = state.workspace()
st.title("Your photos", anchor=False)
show_run()
if workspace.settings.demo:
    st.info(
        "This is the public demo: its collection stays as it is, and nothing can be added, changed or removed."
        " To search your own photos, run photosearch on your own machine: they never leave it."
    )
    st.markdown("[Try a picture of yours](/inspect): it is looked at for you alone, and kept nowhere.")
    st.subheader("Collections", anchor=False)
    list_collections(ModelChoice())
else:
    show_export()
    there = st.container()  # filled last: it wants to know which models are chosen below
    st.subheader("Add photos", anchor=False)
    choice = choose_models()
    add_photos(choice)
    with st.expander("From the command line"):
        st.code(
            'python -m photosearch add SOURCE --collection NAME\npython -m photosearch search "two dogs on a beach"'
        )
    with there:
        if workspace.collections():
            st.subheader("Collections", anchor=False)
            list_collections(choice)
        else:
            st.info("There are no photos here yet. Choose below where yours are; they stay on this machine.")
