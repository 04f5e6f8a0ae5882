"""Two captioners' sentences of one picture, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.records import Caption
from photosearch.ui import state
from photosearch.ui.inspect.sentences import model_label
from photosearch.ui.inspect.subject import Subject
from photosearch.ui.text import plain
from photosearch.vision.registry import ModelChoice

_KEPT = "kept: "  # before the name of a model whose sentences are kept, and that is not here itself


@st.fragment
def compare_captioners(subject: Subject) -> None:
    """What two captioners say; those that are here write it now, of others what is kept is shown."""
    models = _models(subject)
    if len(models) < 2:
        st.caption(
            "Only one captioner has a say here. Take in another with `python -m photosearch import-checkpoint`,"
            " or caption with a Hugging Face model, to see both side by side."
        )
        return
    for i, column in enumerate(st.columns(2, gap="large")):
        with column:
            model = str(st.selectbox(f"Captioner {i + 1}", models, i, _label, key=f"compared-{i}-{subject.key}"))
            try:
                with st.spinner("Looking at it"):
                    _show_sentences(_sentences(subject, model))
            except PhotosearchError as error:
                st.error(plain(str(error)))


def _models(subject: Subject) -> list[str]:
    held = state.workspace().models()
    here = held.captioners()
    names = {held.choose(ModelChoice(captioner=name, objects=False))[0].name for name in here}
    said = dict.fromkeys(caption.model for caption in subject.findings.captions if caption.model)
    return [*(here if subject.picture else ()), *(f"{_KEPT}{name}" for name in said if name not in names)]


def _label(model: str) -> str:
    return plain(model.removeprefix(_KEPT)) if model.startswith(_KEPT) else model_label(model)


def _sentences(subject: Subject, model: str) -> Sequence[Caption]:
    if model.startswith(_KEPT):
        return [caption for caption in subject.findings.captions if caption.model == model.removeprefix(_KEPT)]
    return subject.inspector(model).write()


def _show_sentences(captions: Sequence[Caption]) -> None:
    if not captions:
        st.caption("It says nothing.")
    for i, caption in enumerate(captions):
        st.markdown(f"**{plain(caption.text)}**" if i == 0 else plain(caption.text))
        if caption.log_prob is not None:
            st.caption(f"log-probability {caption.log_prob:.2f} a word")
