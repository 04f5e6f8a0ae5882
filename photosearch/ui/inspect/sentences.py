"""Which sentence of which captioner is looked into, and how the captioner searches for sentences."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import streamlit as st

from photosearch.records import Caption
from photosearch.ui import state
from photosearch.ui.inspect.subject import Subject
from photosearch.ui.text import plain
from photosearch.vision.captioner.attention import Inspector
from photosearch.vision.captioner.beam import MAX_BEAM_WIDTH, Decoding
from photosearch.vision.captioner.vocabulary import END, SPECIAL
from photosearch.vision.registry import CAPTIONER

MAX_DEMO_BEAM_WIDTH = 10  # many visitors share a small machine


@dataclass(frozen=True)
class SentenceChoice:
    """A sentence that can be looked into."""

    text: str
    note: str  # who wrote it, its log-probability


def model_label(model: str) -> str:
    """Return a captioner's name as shown to people, in Markdown."""
    return "built-in" if model == CAPTIONER else plain(model)


def choose_model(subject: Subject) -> str:
    """Let the visitor choose a captioner where there are several; return its name."""
    models = state.workspace().models.captioners()
    if len(models) < 2:
        return CAPTIONER
    return str(st.selectbox("Captioner", models, format_func=model_label, key=f"model-{subject.key}"))


def choose_decoding(inspector: Inspector, key: str) -> Decoding:
    """Show sliders for the captioner's search for sentences; return the chosen settings."""
    default = inspector.decoding
    widest = MAX_DEMO_BEAM_WIDTH if state.workspace().settings.demo else MAX_BEAM_WIDTH
    with st.expander("How the model searches for sentences"):
        width = st.slider(
            "Beam width",
            1,
            widest,
            min(default.beam_width, widest),
            key=f"width-{key}",
            help="How many unfinished sentences are kept at each step. 1 always takes the most likely next word.",
        )
        exponent = st.slider(
            "Length exponent",
            0.0,
            1.5,
            default.length_exponent,
            0.1,
            key=f"exponent-{key}",
            help="Sentences are ranked by log-probability / (number of words to this power). 0 favours short ones.",
        )
        temperature = st.slider(
            "Temperature",
            0.2,
            3.0,
            default.temperature,
            0.1,
            key=f"temperature-{key}",
            help="Above 1 the model is less sure of every word, below 1 more sure.",
        )
        if default.agreement:
            st.caption("The concept model also helps to choose which sentence comes first.")
        if default.lift:
            st.caption("A rare word is likelier where the concept model finds in the photo what it names.")
    return replace(default, beam_width=width, length_exponent=exponent, temperature=temperature)


def choose_sentence(subject: Subject, inspector: Inspector, decoding: Decoding, key: str) -> SentenceChoice:
    """Let the visitor choose among the caption shown and the captioner's own sentences; return the chosen one."""
    beginning = given_beginning(key)
    if beginning:
        _show_beginning(beginning, key)
    captions = inspector.write(decoding, beginning)
    sentences = [SentenceChoice(caption.text, _log_prob(caption)) for caption in captions]
    shown = subject.caption
    if not beginning and shown is not None:
        author = "a person" if shown.edited else f"the model {plain(shown.model or '')}"
        author += ", which was unsure" if shown.is_unsure else ""
        log_prob = next((f" · {sentence.note}" for sentence in sentences if sentence.text == shown.text), "")
        others = [sentence for sentence in sentences if sentence.text != shown.text]
        sentences = [SentenceChoice(shown.text, f"the caption shown, by {author}{log_prob}"), *others]
    chosen = st.radio(
        "Sentence to look into",
        range(len(sentences)),
        format_func=lambda i: plain(sentences[i].text) or "(no word at all)",
        captions=[sentence.note for sentence in sentences],
        # Other sentences need another key, so that the first of them is chosen again.
        key=f"sentence-{key}-{digest(*(sentence.text for sentence in sentences))}",
        help="The caption shown and the model's sentences, best first, with their log-probabilities in nats.",
    )
    return sentences[chosen or 0]


def given_beginning(key: str) -> tuple[str, ...]:
    """Return the words with which the visitor wants sentences to begin; none at first."""
    beginning: tuple[str, ...] = st.session_state.get(_beginning_key(key), ())
    return beginning


def give_beginning(key: str, words: tuple[str, ...]) -> None:
    """Have the captioner complete these words; no words undo that."""
    st.session_state[_beginning_key(key)] = words


def digest(*texts: str) -> str:
    """Return a short key of texts, to name widgets that belong to them."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _show_beginning(beginning: tuple[str, ...], key: str) -> None:
    if beginning[-1] == SPECIAL[END]:
        st.info("The sentence was ended here on your choice.")
    else:
        st.info(f"You chose “{plain(beginning[-1])}” as this word; the model wrote the rest again.")
    st.button("Back to the caption", key=f"back-{key}", on_click=give_beginning, args=(key, ()))


def _log_prob(caption: Caption) -> str:
    if caption.log_prob is None:
        return ""
    total = caption.log_prob * (len(caption.text.split()) + 1)
    return f"log-probability {caption.log_prob:.2f} per word, {total:.2f} in total"


def _beginning_key(key: str) -> str:
    return f"beginning-{key}"
