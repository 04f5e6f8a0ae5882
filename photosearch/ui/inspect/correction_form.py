"""A person's word against the model's: correct the caption, clear it, take that back, ask the model again."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import datetime
from functools import partial

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.library.corrections import MAX_CAPTION_CHARS, MAX_WHO_CHARS
from photosearch.records import Correction, Photo
from photosearch.ui import state
from photosearch.ui.inspect.sentences import model_label
from photosearch.ui.text import plain
from photosearch.vision.registry import CAPTIONER

_WHO = "who-corrects"
_DONE = "corrected"
_NOTHING = "(no sentence fits)"


def correct_caption(photo: Photo) -> None:
    """The form, and all that people said of the photo before."""
    st.subheader("Correct the caption", anchor=False)
    if done := st.session_state.pop(_DONE, None):
        st.success(done)
    history = state.workspace().caption_history(photo.id)
    in_force = next((said for said in history if said.is_in_force), None)
    if in_force is not None:
        words = plain(in_force.text) or "No sentence fits."
        st.caption(f"Now said by {_by(in_force)}: {words}")
    _offer_form(photo, f"{photo.id}-{len(history)}-{in_force.at if in_force else ''}")
    _offer_ways_back(photo, in_force)
    _show_history(photo, history)


def _offer_form(photo: Photo, key: str) -> None:
    with st.form(f"correct-{key}"):
        text = st.text_area("What the photo shows", photo.caption, max_chars=MAX_CAPTION_CHARS, key=f"text-{key}")
        who = st.text_input("Your name", _name(), max_chars=MAX_WHO_CHARS, key=f"who-{key}")
        with st.container(horizontal=True):
            is_saving = st.form_submit_button("Save", type="primary")
            is_clearing = st.form_submit_button("Clear", help="No sentence fits: none is shown or searched.")
        st.caption("Your words count instead of the model's, are found at once, and no later run changes them.")
    workspace = state.workspace()
    if is_saving:
        st.session_state[_WHO] = who
        _do(lambda: workspace.correct(photo.id, text, who), "Saved. The search knows it already.")
    if is_clearing:
        st.session_state[_WHO] = who
        _do(lambda: workspace.clear_caption(photo.id, who), "Cleared. The model's sentence no longer counts.")


def _offer_ways_back(photo: Photo, in_force: Correction | None) -> None:
    workspace = state.workspace()
    models = workspace.models().captioners()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if in_force is not None and st.button(
            "Undo", key=f"undo-{photo.id}", help="What was said before counts again."
        ):
            _do(lambda: workspace.undo_correction(photo.id), "Taken back.")
        if photo.sha256 is None:
            return
        model = CAPTIONER
        if len(models) > 1:
            model = st.selectbox("Captioner", models, format_func=model_label, key=f"asked-{photo.id}") or CAPTIONER
        if st.button(
            "Ask the model again",
            key=f"ask-{photo.id}",
            help="The model looks anew, and its sentence counts. What people said stays in the history.",
        ):
            with st.spinner("Looking at it"):
                _do(lambda: workspace.ask_again(photo.id, model), "The model has looked again.")


def _show_history(photo: Photo, history: list[Correction]) -> None:
    if not history:
        return
    with st.expander(f"What people said before ({len(history)})"):
        for i, said in enumerate(history):
            with st.container(border=True):
                st.text(said.text or _NOTHING)
                until = "in force" if said.superseded_at is None else f"until {_when(said.superseded_at)}"
                st.caption(f"{_by(said)}, {_when(said.at)}, {until} (UTC)")
                if said.text and not said.is_in_force and st.button("Say this again", key=f"again-{photo.id}-{i}"):
                    _do(partial(_repeat, photo, said.text), "Saved. The search knows it already.")


def _repeat(photo: Photo, text: str) -> None:
    state.workspace().correct(photo.id, text, _name())


def _do(change: Callable[[], None], done: str) -> None:
    """Change something, and draw the page anew; what cannot be is said where it was asked for."""
    try:
        change()
    except PhotosearchError as error:
        st.error(plain(str(error)))
        return
    st.session_state[_DONE] = done
    st.rerun()


def _name() -> str:
    """Who corrects: as typed last, else the account's name."""
    try:
        return str(st.session_state.get(_WHO) or getpass.getuser())
    except (OSError, KeyError):  # an account without a name
        return "owner"


def _by(said: Correction) -> str:
    return plain(said.who or "somebody")


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
