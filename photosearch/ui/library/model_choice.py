"""Which models are to caption."""

from __future__ import annotations

import streamlit as st

from photosearch.ui import state
from photosearch.vision.registry import ALEXNET, CAPTIONER, LITE0, ModelChoice

_CLASSIFIERS = {
    LITE0: "EfficientNet-Lite0 (comes with photosearch)",
    ALEXNET: "AlexNet (240 MB are downloaded the first time)",
}


def choose_models() -> ModelChoice:
    """The models for what is captioned from now on."""
    captioners = state.workspace().models().captioners()
    built_in = captioners.index(CAPTIONER) if CAPTIONER in captioners else 0
    with st.expander("Which models caption"):
        captioner = st.selectbox(
            "Sentences by",
            captioners,
            index=built_in,
            format_func=lambda name: "the built-in captioner" if name == CAPTIONER else name,
            key="captioner",
            help="Captioners taken in with `python -m photosearch import-checkpoint` are listed here, too.",
        )
        classifier = st.selectbox(
            "Labels by", list(_CLASSIFIERS), format_func=lambda name: _CLASSIFIERS[name], key="classifier"
        )
        objects = st.toggle("Name objects and where they are", value=True, key="objects")
        st.caption("Without objects it is about twice as quick; they can be added later.")
    return ModelChoice(captioner or CAPTIONER, classifier or LITE0, objects)
