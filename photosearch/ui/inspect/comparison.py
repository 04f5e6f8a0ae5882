"""The sentences of two captioners for one picture, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.records import Caption
from photosearch.ui import state
from photosearch.ui.inspect.sentences import model_label
from photosearch.ui.inspect.subject import Subject
from photosearch.ui.text import plain
from photosearch.vision.registry import NO_DETECTOR, ModelChoice

_STORED = "stored: "  # put before the name of a model that is not installed, but whose sentences are stored


@st.fragment
def compare_captioners(subject: Subject) -> None:
    """Show the sentences of two captioners: installed ones write them now, of others the stored ones are shown."""
    models = _models(subject)
    if len(models) < 2:
        st.caption(
            "Only one captioner is available. Import another with `python -m photosearch import-checkpoint`, or caption"
            " with a Hugging Face model, to compare the two."
        )
        return
    for i, column in enumerate(st.columns(2, gap="large")):
        with column:
            model = str(st.selectbox(f"Captioner {i + 1}", models, i, _label, key=f"compared-{i}-{subject.key}"))
            try:
                with st.spinner("Writing sentences"):
                    _show_sentences(_sentences(subject, model))
            except PhotosearchError as error:
                st.error(plain(state.message(error)))


def _models(subject: Subject) -> list[str]:
    models = state.workspace().models
    installed = models.captioners()
    names = {models.choose(ModelChoice(captioner=name, detector=NO_DETECTOR))[0].name for name in installed}
    authors = dict.fromkeys(caption.model for caption in subject.findings.captions if caption.model)
    return [*(installed if subject.picture else ()), *(f"{_STORED}{name}" for name in authors if name not in names)]


def _label(model: str) -> str:
    return plain(model.removeprefix(_STORED)) if model.startswith(_STORED) else model_label(model)


def _sentences(subject: Subject, model: str) -> Sequence[Caption]:
    if model.startswith(_STORED):
        return [caption for caption in subject.findings.captions if caption.model == model.removeprefix(_STORED)]
    return subject.inspector(model).write()


def _show_sentences(captions: Sequence[Caption]) -> None:
    if not captions:
        st.caption("This captioner wrote no sentence.")
    for i, caption in enumerate(captions):
        st.markdown(f"**{plain(caption.text)}**" if i == 0 else plain(caption.text))
        if caption.log_prob is not None:
            st.caption(f"log-probability {caption.log_prob:.2f} per word")
