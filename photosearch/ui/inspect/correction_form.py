"""The form that corrects or clears a caption, undoes that, or has the model caption the photo again."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import datetime
from functools import partial

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.library.corrections import MAX_CAPTION_CHARS, MAX_WHO_CHARS, read_corrections
from photosearch.records import Correction, Photo
from photosearch.ui import state
from photosearch.ui.inspect.sentences import model_label
from photosearch.ui.text import plain, shortened
from photosearch.vision.registry import CAPTIONER

_WHO = "who-corrects"
_MESSAGE = "correction-message"
_CLEARED = "(cleared: no sentence fits)"


def correct_caption(photo: Photo) -> None:
    """Show the form and all earlier corrections of the photo."""
    st.subheader("Correct the caption", anchor=False)
    if message := st.session_state.pop(_MESSAGE, None):
        st.success(message)
    history = read_corrections(state.workspace().library, photo.id)
    in_force = next((correction for correction in history if correction.is_in_force), None)
    if in_force is not None and in_force.is_of_earlier_picture:
        _offer_confirmation(photo, in_force)
    elif in_force is not None:
        if in_force.text:
            st.caption(f"Corrected by {_author(in_force)}: {plain(in_force.text)}")
        else:
            st.caption(f"Cleared by {_author(in_force)}: no sentence fits.")
    _offer_form(photo, f"{photo.id}-{len(history)}-{in_force.at if in_force else ''}")
    _show_actions(photo, in_force)
    _show_history(photo, history)


def _offer_confirmation(photo: Photo, correction: Correction) -> None:
    said = f"“{plain(correction.text)}”" if correction.text else "that no sentence fits"
    st.warning(
        f"{_author(correction)} wrote of an earlier picture {said}. Another picture was saved over it since, so the"
        " correction is neither shown nor searched."
    )
    if st.button("It fits this picture, too", key=f"confirm-{photo.id}"):
        _change(lambda: state.workspace().confirm_correction(photo.id), "Confirmed. Search finds the caption again.")


def _offer_form(photo: Photo, key: str) -> None:
    with st.form(f"correct-{key}"):
        text = st.text_area(
            "What the photo shows", shortened(photo.caption), max_chars=MAX_CAPTION_CHARS, key=f"text-{key}"
        )
        who = st.text_input("Your name", _name(), max_chars=MAX_WHO_CHARS, key=f"who-{key}")
        with st.container(horizontal=True):
            is_saving = st.form_submit_button("Save", type="primary")
            is_clearing = st.form_submit_button(
                "Clear",
                help="Leave the photo without a caption, because no sentence fits.",
            )
        st.caption("Your caption replaces the model's. Captioning the collection again does not change it.")
    workspace = state.workspace()
    if is_saving:
        st.session_state[_WHO] = who
        _change(lambda: workspace.correct(photo.id, text, who), "Saved. Search finds the new caption at once.")
    if is_clearing:
        st.session_state[_WHO] = who
        _change(
            lambda: workspace.clear_caption(photo.id, who),
            "The caption is cleared. Search ignores it now.",
        )


def _show_actions(photo: Photo, in_force: Correction | None) -> None:
    workspace = state.workspace()
    models = workspace.models.captioners()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if in_force is not None and st.button("Undo", key=f"undo-{photo.id}", help="Use the previous caption again."):
            _change(lambda: workspace.undo_correction(photo.id), "The correction is undone.")
        if photo.sha256 is None:
            return
        model = CAPTIONER
        if len(models) > 1:
            model = st.selectbox("Captioner", models, format_func=model_label, key=f"asked-{photo.id}") or CAPTIONER
        if st.button(
            "Caption again",
            key=f"ask-{photo.id}",
            help="The model captions this photo again, and its sentence is used. Corrections stay in the history.",
        ):
            with st.spinner("Captioning"):
                _change(lambda: workspace.ask_again(photo.id, model), "The model has captioned this photo again.")


def _show_history(photo: Photo, history: list[Correction]) -> None:
    if not history:
        return
    with st.expander(f"History of corrections ({len(history)})"):
        for i, past in enumerate(history):
            with st.container(border=True):
                st.text(past.text or _CLEARED)
                st.caption(f"{_author(past)}, {_times(past)}")
                if past.text and not past.is_in_force and st.button("Use this again", key=f"again-{photo.id}-{i}"):
                    _change(partial(_repeat, photo, past.text), "Saved. Search finds the new caption at once.")


def _times(past: Correction) -> str:
    """Return since when a correction was used, and until when; one of an earlier picture is kept, but not used."""
    if past.superseded_at is not None:
        of = ", of an earlier picture" if past.is_of_earlier_picture else ""
        return f"{_when(past.at)} until {_when(past.superseded_at)} (UTC){of}"
    return f"{_when(past.at)} (UTC), {'of an earlier picture' if past.is_of_earlier_picture else 'in use'}"


def _repeat(photo: Photo, text: str) -> None:
    state.workspace().correct(photo.id, text, _name())


def _change(change: Callable[[], None], message: str) -> None:
    """Call `change`, then draw the page again with `message` on it; show the error where that fails."""
    try:
        change()
    except PhotosearchError as error:
        st.error(plain(state.message(error)))
        return
    st.session_state[_MESSAGE] = message
    st.rerun()


def _name() -> str:
    """Return the name of who corrects: as typed last, else the account's name."""
    try:
        return str(st.session_state.get(_WHO) or getpass.getuser())
    except (OSError, KeyError):  # the account has no name
        return "owner"


def _author(correction: Correction) -> str:
    return plain(correction.who or "somebody")


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
