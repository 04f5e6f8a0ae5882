"""Quality: how well search works for a collection, its words and captions, the speed, the models."""

import streamlit as st

from photosearch.evaluation.quality import Quality
from photosearch.ui import state
from photosearch.ui.quality.captions import show_captions
from photosearch.ui.quality.known_photos import show_test
from photosearch.ui.quality.models import show_models
from photosearch.ui.quality.speed import show_speed
from photosearch.ui.quality.words import show_words

SECTIONS = ("Test", "Words", "Captions", "Speed", "Models")

workspace = state.workspace()
quality = Quality(
    workspace.library, lambda name: workspace.searcher.index_in_files(name), workspace.settings.models_dir
)


def show_collection(section: str | None) -> None:
    """Show a section about one collection, which the visitor chooses."""
    collections = {info.name: info for info in workspace.library.collections()}
    if not collections:
        st.info("There are no photos yet. Add some on the Library page.")
        return
    info = collections[st.selectbox("Collection", list(collections), key="name", bind="query-params")]
    if section == "Words":
        show_words(quality, info)
    elif section == "Captions":
        show_captions(quality, info)
    else:
        show_test(quality, info)


st.title("How well search works", anchor=False)
section = st.segmented_control(
    "Section", SECTIONS, default=SECTIONS[0], key="show", bind="query-params", label_visibility="collapsed"
)
if section == "Speed":
    show_speed(quality)
elif section == "Models":
    show_models(quality)
else:
    show_collection(section)
