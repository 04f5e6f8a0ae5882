"""A caption word by word: where the model looked, how sure it was, what else it might have said."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import PurePath

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.records import Caption
from photosearch.ui import state
from photosearch.ui.inspect import caption_viewer
from photosearch.ui.inspect.caption_viewer import percent, show_viewer
from photosearch.ui.inspect.subject import Subject
from photosearch.ui.text import plain
from photosearch.vision.captioner.attention import MAX_WORDS_READ, Inspection, Inspector, Step, to_npz
from photosearch.vision.captioner.beam import MAX_BEAM_WIDTH, Decoding
from photosearch.vision.captioner.vocabulary import END, SPECIAL
from photosearch.vision.registry import CAPTIONER

MAX_DEMO_BEAM_WIDTH = 10  # many visitors share a small machine
NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class _Sentence:
    """A sentence that can be looked into."""

    text: str
    note: str


@st.fragment
def look_inside(subject: Subject) -> None:
    """The sentence, its words with the attention over the picture, and what else might have been said."""
    try:
        model = _choose_model(subject)
        _show(subject, subject.inspector(model), f"{subject.key}-{model}")
    except PhotosearchError as error:
        st.error(plain(str(error)))


def model_label(model: str) -> str:
    """A captioner's name for people."""
    return "built in" if model == CAPTIONER else plain(model)


def _choose_model(subject: Subject) -> str:
    models = state.workspace().models().captioners()
    if len(models) < 2:
        return CAPTIONER
    return str(st.selectbox("Captioner that looks", models, format_func=model_label, key=f"model-{subject.key}"))


def _show(subject: Subject, inspector: Inspector, key: str) -> None:
    left, right = st.columns([3, 2], gap="large")
    with right:
        of_word = st.container()
        of_sentence = st.container()
        decoding = _choose_decoding(inspector, key)
    with of_sentence:
        sentence = _choose_sentence(subject, inspector, decoding, key)
    inspection = inspector.read(sentence.text, replace(inspector.decoding, temperature=decoding.temperature))
    word_key = f"word-{key}-{_digest(sentence.text)}"
    with left:
        picked = _pick_word(inspection, word_key, len(st.session_state.get(_beginning_key(key), ())))
        show_viewer(
            inspection,
            subject,
            sentence.text or subject.name,
            picked,
            lambda index: st.session_state.update({word_key: index}),
            key=f"viewer-{key}",
        )
        _offer_numbers(inspection, subject.name, key)
    with of_word:
        if picked is None:
            st.caption("Pick a word to see how sure the model was, and what it would have written instead.")
        else:
            _show_word(inspection, inspector, picked, key, word_key)


def _pick_word(inspection: Inspection, word_key: str, n_given: int) -> int | None:
    """The word that is looked into: at first the last one of a given beginning, where there is one."""

    def label(index: int) -> str:
        step = inspection.steps[index]
        return plain(step.word or caption_viewer.END) + ("" if step.known else f"{NBSP}(unknown)")

    steps = inspection.steps
    first = min(n_given, len(steps)) - 1 if n_given else None
    picked = st.pills(
        "The sentence, word by word", range(len(steps)), default=first, format_func=label, key=word_key, wrap=True
    )
    if len(inspection.words) == MAX_WORDS_READ:
        st.caption(f"Only the first {MAX_WORDS_READ} words are read.")
    if not all(step.known for step in steps):
        st.caption("The model does not know the words marked unknown: it reads each as “some other word”.")
    return picked


def _offer_numbers(inspection: Inspection, name: str, key: str) -> None:
    st.download_button(
        "Attention as .npz",
        to_npz(inspection),
        file_name=f"{PurePath(name).stem}-attention.npz",
        mime="application/octet-stream",
        on_click="ignore",
        key=f"npz-{key}",
        help="Words, their probabilities, and one row of attention a word; read it with numpy.load.",
    )


def _choose_decoding(inspector: Inspector, key: str) -> Decoding:
    own = inspector.decoding
    widest = MAX_DEMO_BEAM_WIDTH if state.workspace().settings.demo else MAX_BEAM_WIDTH
    with st.expander("How sentences are searched for"):
        width = st.slider(
            "Beam width",
            1,
            widest,
            min(own.beam_width, widest),
            key=f"width-{key}",
            help="Sentences followed at once; 1 always takes the likeliest next word.",
        )
        exponent = st.slider(
            "Length exponent",
            0.0,
            1.5,
            own.length_exponent,
            0.1,
            key=f"exponent-{key}",
            help="Sentences are compared by log-probability / words to this power: 0 favours short ones.",
        )
        temperature = st.slider(
            "Temperature",
            0.2,
            3.0,
            own.temperature,
            0.1,
            key=f"temperature-{key}",
            help="Above 1 the model is less sure of everything, below 1 surer.",
        )
        if own.agreement:
            st.caption("The concept model also has a say in which of the sentences comes first.")
    return replace(own, beam_width=width, length_exponent=exponent, temperature=temperature)


def _choose_sentence(subject: Subject, inspector: Inspector, decoding: Decoding, key: str) -> _Sentence:
    beginning: tuple[str, ...] = st.session_state.get(_beginning_key(key), ())
    written = inspector.write(decoding, beginning)
    if beginning:
        said = "the end" if beginning[-1] == SPECIAL[END] else f"“{plain(beginning[-1])}”"
        st.info(f"What if it had said {said} here? The rest was written anew.")
        st.button(
            "Back to the caption",
            key=f"back-{key}",
            on_click=lambda: st.session_state.pop(_beginning_key(key), None),
        )
    sentences = [_Sentence(caption.text, _log_prob(caption)) for caption in written]
    shown = subject.caption
    if not beginning and shown is not None:
        by = "a person" if shown.edited else f"the model {plain(shown.model or '')}"
        same = next((f" · {s.note}" for s in sentences if s.text == shown.text), "")
        others = [s for s in sentences if s.text != shown.text]
        sentences = [_Sentence(shown.text, f"the caption shown, by {by}{same}"), *others]
    chosen = st.radio(
        "Sentence to look into",
        range(len(sentences)),
        format_func=lambda i: plain(sentences[i].text) or "(no word at all)",
        captions=[sentence.note for sentence in sentences],
        key=f"sentence-{key}-{_digest(*(sentence.text for sentence in sentences))}",  # others are another choice
        help="The caption shown, and the beam's sentences, best first, with their log-probabilities in nats.",
    )
    return sentences[chosen or 0]


def _log_prob(caption: Caption) -> str:
    if caption.log_prob is None:
        return ""
    total = caption.log_prob * (len(caption.text.split()) + 1)
    return f"log-probability {caption.log_prob:.2f} a word, {total:.2f} in all"


def _show_word(inspection: Inspection, inspector: Inspector, index: int, key: str, word_key: str) -> None:
    step = inspection.steps[index]
    before = tuple(inspection.words[:index])
    word = f"“{plain(step.word)}”" if step.word else "that the sentence ends here"
    st.markdown(f"**{percent(step.prob)} sure** of {word}, given the words before.")
    _offer_alternatives(step, before, key, f"{word_key}-{index}")
    st.selectbox(
        "Or another word that it knows",
        inspector.vocabulary.words[len(SPECIAL) :],
        index=None,
        placeholder="Type a word",
        key=f"vocabulary-{word_key}-{index}",
        on_change=lambda: _say_instead(key, before, st.session_state[f"vocabulary-{word_key}-{index}"]),
    )


def _offer_alternatives(step: Step, before: tuple[str, ...], key: str, own_key: str) -> None:
    others = step.alternatives

    def pick() -> None:
        chosen = st.session_state[f"instead-{own_key}"]
        if chosen is not None:
            _say_instead(key, before, others[chosen].term or SPECIAL[END])

    st.pills(
        "What if it had said … here?",
        range(len(others)),
        format_func=lambda i: f"{plain(others[i].term or caption_viewer.END)}{NBSP}{percent(others[i].prob)}",
        key=f"instead-{own_key}",
        on_change=pick,
        wrap=True,
        help="The likeliest next words. Choose one, and the rest is written anew.",
    )


def _say_instead(key: str, before: tuple[str, ...], word: str | None) -> None:
    if word is not None:
        st.session_state[_beginning_key(key)] = (*before, word)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _beginning_key(key: str) -> str:
    return f"beginning-{key}"
