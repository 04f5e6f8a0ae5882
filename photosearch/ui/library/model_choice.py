"""The choice of the models that caption."""

from __future__ import annotations

import streamlit as st

from photosearch.ui import state
from photosearch.vision.registry import ALEXNET, CAPTIONER, CLASSIFIER, DETECTOR, NO_DETECTOR, ModelChoice

_CLASSIFIERS = {
    CLASSIFIER: "built-in",
    ALEXNET: "AlexNet (240 MB are downloaded the first time)",
}


def choose_models() -> ModelChoice:
    """Let the visitor choose the models that caption from now on."""
    captioners = state.workspace().models.captioners()
    built_in = captioners.index(CAPTIONER) if CAPTIONER in captioners else 0
    with st.expander("Models"):
        captioner = st.selectbox(
            "Captioner",
            captioners,
            index=built_in,
            format_func=lambda name: "built-in" if name == CAPTIONER else name,
            key="captioner",
            help="Captioners imported with `python -m photosearch import-checkpoint` are listed too.",
        )
        classifier = st.selectbox(
            "Classifier (labels)", list(_CLASSIFIERS), format_func=lambda name: _CLASSIFIERS[name], key="classifier"
        )
        objects = st.toggle("Detect objects", value=True, key="objects")
        st.caption("Without objects, captioning is a third faster. Objects can be added later.")
        detector = _choose_detector() if objects else NO_DETECTOR
    return ModelChoice(captioner or CAPTIONER, classifier or CLASSIFIER, detector)


def _choose_detector() -> str:
    """Return the detector; where there are several, the visitor chooses."""
    detectors = state.workspace().models.detectors()
    if len(detectors) < 2:
        return DETECTOR
    built_in = detectors.index(DETECTOR) if DETECTOR in detectors else 0
    return st.selectbox("Detector (objects)", detectors, index=built_in, key="detector") or DETECTOR
