"""How well search works here: known queries, words, sureness, speed, models."""

import streamlit as st

from photosearch.evaluation.quality import Quality
from photosearch.ui import state
from photosearch.ui.quality.captions import show_captions, show_models, show_speed, show_words
from photosearch.ui.quality.known_photos import ask_questions

SECTIONS = ("Test", "Words", "Captions", "Speed", "Models")

workspace = state.workspace()
quality = Quality(workspace.library, workspace.index, workspace.settings.models_dir)


def show_collection(section: str | None) -> None:
    """What is asked of one collection."""
    info = {collection.name: collection for collection in workspace.collections()}
    if not info:
        st.info("There are no photos yet. Add yours on the Library page.")
        return
    chosen = info[st.selectbox("Collection", list(info), key="name", bind="query-params")]
    if section == "Words":
        show_words(quality, chosen)
    elif section == "Captions":
        show_captions(quality, chosen)
    else:
        ask_questions(quality, chosen)


st.title("How well search works here", anchor=False)
section = st.segmented_control(
    "What to look at", SECTIONS, default=SECTIONS[0], key="show", bind="query-params", label_visibility="collapsed"
)
if section == "Speed":
    show_speed(quality)
elif section == "Models":
    show_models(quality)
else:
    show_collection(section)
