"""Inspect: see how a model wrote the caption of one photo, and correct it."""

import streamlit as st

from photosearch.errors import PhotoNotFound
from photosearch.records import PhotoState
from photosearch.ui import state
from photosearch.ui.inspect.comparison import compare_captioners
from photosearch.ui.inspect.correction_form import correct_caption
from photosearch.ui.inspect.findings import show_facts, show_findings, show_texts
from photosearch.ui.inspect.photo_picker import choose_photo
from photosearch.ui.inspect.subject import Subject, subject_of_photo, subject_of_upload
from photosearch.ui.inspect.words import show_words
from photosearch.ui.text import plain
from photosearch.ui.uploaded_picture import upload_picture

workspace = state.workspace()
photo_id = st.query_params.get("photo")


def go_back(collection: str) -> None:
    """Return to the photos of a collection."""
    st.query_params.clear()
    st.session_state["name"] = collection


def show(subject: Subject) -> None:
    """Show all about one picture."""
    show_facts(subject)
    if subject.caption is not None:
        st.markdown(f"#### {plain(subject.caption.text)}")
    elif subject.photo is not None and subject.photo.is_corrected:
        st.info("A person cleared this caption because no sentence fits. The model's own sentences are below.")
    elif subject.photo is not None and subject.photo.state is PhotoState.NEW:
        st.info("This photo is not captioned yet. The model's sentences are below.")
    if subject.picture is not None:
        show_words(subject)
    show_texts(subject)
    if subject.photo is not None and not workspace.settings.demo:
        correct_caption(subject.photo)
    st.subheader("Two captioners side by side", anchor=False)
    compare_captioners(subject)
    show_findings(subject)


st.title("Look inside a caption", anchor=False)
if photo_id:
    button_place = st.empty()
    try:
        photo = workspace.library.photo(photo_id)
    except PhotoNotFound as error:
        button_place.button("Choose a photo", key="another", on_click=st.query_params.clear)
        st.error(plain(f"{error} It may have been removed. Choose another photo."))
        st.stop()
    button_place.button("Another photo", key="another", on_click=go_back, args=(photo.collection,))
    show(subject_of_photo(state.shown(photo)))
else:
    own = upload_picture("Upload any picture", "own-upload")
    if own is not None:
        show(subject_of_upload(own))
    else:
        choose_photo()
