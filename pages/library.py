"""Library: the collections, and the ways to add photos."""

import streamlit as st

from photosearch.ui import state
from photosearch.ui.library.add_forms import add_photos
from photosearch.ui.library.collections import list_collections
from photosearch.ui.library.export import show_export
from photosearch.ui.library.model_choice import choose_models
from photosearch.ui.progress import show_run
from photosearch.vision.registry import ModelChoice

workspace = state.workspace()
st.title("Your photos", anchor=False)
show_run()
if workspace.settings.demo:
    st.info(
        "This is the public demo: its collection cannot be changed. Run photosearch on your own machine to search your"
        " own photos; they stay on that machine."
    )
    st.markdown("[Try a picture of yours](/inspect): only you see the result, and the picture is not stored.")
    st.subheader("Collections", anchor=False)
    list_collections(ModelChoice())
else:
    show_export()
    collections_place = st.container()  # filled last, since its buttons caption with the models chosen below
    st.subheader("Add photos", anchor=False)
    choice = choose_models()
    add_photos(choice)
    with st.expander("From the command line"):
        st.code(
            'python -m photosearch add SOURCE --collection NAME\npython -m photosearch search "two dogs on a beach"'
        )
    with collections_place:
        if workspace.library.collections():
            st.subheader("Collections", anchor=False)
            list_collections(choice)
        else:
            st.info("There are no photos yet. Choose below where yours are; they stay on this machine.")
