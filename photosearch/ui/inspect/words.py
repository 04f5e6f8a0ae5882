"""A sentence word by word: where the model looked, how sure it was, and which other words it considered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.ui import state
from photosearch.ui.inspect import caption_viewer
from photosearch.ui.inspect.caption_viewer import percent, show_viewer
from photosearch.ui.inspect.sentences import (
    choose_decoding,
    choose_model,
    choose_sentence,
    digest,
    give_beginning,
    given_beginning,
)
from photosearch.ui.inspect.subject import Subject
from photosearch.ui.text import plain
from photosearch.vision.captioner.attention import MAX_WORDS_READ, Inspection, Inspector, Step, to_npz
from photosearch.vision.captioner.vocabulary import END, SPECIAL

NBSP = "\N{NO-BREAK SPACE}"


@st.fragment
def show_words(subject: Subject) -> None:
    """Show a sentence with the model's attention for each word, and let the visitor try other words."""
    try:
        model = choose_model(subject)
        _show(subject, subject.inspector(model), f"{subject.key}-{model}")
    except PhotosearchError as error:
        st.error(plain(state.message(error)))


def _show(subject: Subject, inspector: Inspector, key: str) -> None:
    left, right = st.columns([3, 2], gap="large")
    with right:
        word_place = st.container()  # filled last, since the word depends on the sentence below it
        sentence_place = st.container()
        decoding = choose_decoding(inspector, key)
    with sentence_place:
        sentence = choose_sentence(subject, inspector, decoding, key)
    inspection = inspector.read(sentence.text, replace(inspector.decoding, temperature=decoding.temperature))
    word_key = f"word-{key}-{digest(sentence.text)}"
    with left:
        picked = _pick_word(inspection, word_key, len(given_beginning(key)))
        show_viewer(
            inspection,
            subject,
            sentence.text or subject.name,
            picked,
            lambda index: st.session_state.update({word_key: index}),
            key=f"viewer-{key}",
        )
        _offer_attention_file(inspection, subject.name, key)
    with word_place:
        if picked is None:
            st.caption("Pick a word to see how sure the model was of it, and which other words it considered.")
        else:
            _show_word(inspection, inspector, picked, key, word_key)


def _pick_word(inspection: Inspection, word_key: str, n_given: int) -> int | None:
    """Let the visitor pick a word; return its index. At first it is the last of the `n_given` words, if any."""

    def label(index: int) -> str:
        step = inspection.steps[index]
        return plain(step.word or caption_viewer.END) + ("" if step.known else f"{NBSP}(unknown)")

    steps = inspection.steps
    first = min(n_given, len(steps)) - 1 if n_given else None
    picked = st.pills(
        "The sentence, word by word", range(len(steps)), default=first, format_func=label, key=word_key, wrap=True
    )
    if len(inspection.words) == MAX_WORDS_READ:
        st.caption(f"Only the first {MAX_WORDS_READ} words are shown.")
    if not all(step.known for step in steps):
        st.caption("Words marked “unknown” are not in the model's vocabulary. It treats them all as one unknown word.")
    return picked


def _offer_attention_file(inspection: Inspection, name: str, key: str) -> None:
    st.download_button(
        "Download attention (.npz)",
        to_npz(inspection),
        file_name=f"{PurePath(name).stem}-attention.npz",
        mime="application/octet-stream",
        on_click="ignore",
        key=f"npz-{key}",
        help="The words, their probabilities, and one row of attention per word. Read it with numpy.load.",
    )


def _show_word(inspection: Inspection, inspector: Inspector, index: int, key: str, word_key: str) -> None:
    step = inspection.steps[index]
    before = tuple(inspection.words[:index])
    word = f"“{plain(step.word)}”" if step.word else "that the sentence ends here"
    st.markdown(f"**{percent(step.prob)} sure** of {word}, given the words before.")
    _offer_alternatives(step, before, key, f"{word_key}-{index}")
    st.selectbox(
        "Or any other word of the model's vocabulary",
        inspector.vocabulary.words[len(SPECIAL) :],
        index=None,
        placeholder="Type a word",
        key=f"vocabulary-{word_key}-{index}",
        on_change=lambda: _replace_word(key, before, st.session_state[f"vocabulary-{word_key}-{index}"]),
    )


def _offer_alternatives(step: Step, before: tuple[str, ...], key: str, step_key: str) -> None:
    """Offer the most likely words at this place; the one picked replaces the word of the sentence."""
    alternatives = step.alternatives

    def pick() -> None:
        index = st.session_state[f"instead-{step_key}"]
        if index is not None:
            _replace_word(key, before, alternatives[index].term or SPECIAL[END])

    def label(index: int) -> str:
        alternative = alternatives[index]
        return f"{plain(alternative.term or caption_viewer.END)}{NBSP}{percent(alternative.prob)}"

    st.pills(
        "Use another word here",
        range(len(alternatives)),
        format_func=label,
        key=f"instead-{step_key}",
        on_change=pick,
        wrap=True,
        help="The most likely next words. Pick one, and the model writes the rest of the sentence again.",
    )


def _replace_word(key: str, before: tuple[str, ...], word: str | None) -> None:
    """Have the captioner go on after the words `before` and another word."""
    if word is not None:
        give_beginning(key, (*before, word))
