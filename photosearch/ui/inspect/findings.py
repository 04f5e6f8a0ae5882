"""What else was seen in a picture: objects in boxes, labels, concepts; what others say of it."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from photosearch.records import Prediction, TextKind
from photosearch.ui.drawing import as_jpeg, with_boxes
from photosearch.ui.inspect.caption_viewer import percent
from photosearch.ui.inspect.subject import Subject
from photosearch.ui.text import plain

N_CONCEPTS = 15  # shown at first; the rest are much less sure


def show_findings(subject: Subject) -> None:
    """Objects on the photo, labels and concepts with their probabilities."""
    left, right = st.columns([3, 2], gap="large")
    found = subject.findings
    with left:
        st.subheader("Objects", anchor=False)
        if not found.objects:
            st.caption("The detector names nothing here that it is sure of.")
        elif subject.picture is not None:
            names = ", ".join(f"{o.label} {percent(o.score)}" for o in found.objects)
            st.image(as_jpeg(with_boxes(subject.picture.rgb, found.objects)), alt=f"The photo with boxes: {names}")
        if found.objects:
            st.html(bars([Prediction(o.label, o.score) for o in found.objects]))
        st.subheader("Labels", anchor=False)
        _show_bars(found.labels, "The classifier has not seen this photo.")
    with right:
        st.subheader("Concepts", anchor=False)
        _show_bars(found.concepts[:N_CONCEPTS], "The concept model has not seen this photo.")
        if found.concepts:
            st.caption("Search terms that the photo suggests; each counts by its probability, shortened to its stem.")


def show_texts(subject: Subject) -> None:
    """Instagram's own description beside ours, and the owner's words."""
    if subject.photo is None:
        return
    said = subject.photo.details.texts_of(TextKind.ACCESSIBILITY)
    if said:
        left, right = st.columns(2, gap="large")
        with left:
            st.subheader("Our caption", anchor=False)
            st.text(subject.photo.caption or "There is none.")
        with right:
            st.subheader("Instagram's own description", anchor=False)
            for text in said:
                st.text(text)
    if subject.photo.owner_text:
        st.subheader("What its owner wrote", anchor=False)
        st.text(subject.photo.owner_text)


def show_facts(subject: Subject) -> None:
    """Where the photo is from, and whether all of it was there to be looked into."""
    if subject.photo is not None:
        taken = subject.photo.details.taken_at
        facts = [f"{subject.photo.collection}: {subject.name}", taken.strftime("%-d %B %Y") if taken else ""]
        st.caption(" · ".join(plain(fact) for fact in facts if fact))
        link = subject.photo.details.permalink or ""
        if link.startswith(("https://", "http://")):
            st.link_button("Open the post", link)
    if subject.lacking and subject.picture is not None:
        st.warning(plain(f"Only the thumbnail is looked into, so it may read otherwise: {subject.lacking}."))
    elif subject.picture is None:
        st.info(plain(f"There is no picture to look into: {subject.lacking}."))


def bars(found: Sequence[Prediction]) -> str:
    """Terms with their probabilities as bars, in HTML."""
    rows = (
        f'<tr><th scope="row">{html.escape(one.term)}</th>'
        f'<td><div class="bar" style="width: {100 * max(0.0, min(one.prob, 1.0)):.1f}%"></div></td>'
        f"<td>{percent(one.prob)}</td></tr>"
        for one in found
    )
    return f'<table class="bars">{"".join(rows)}</table>'


def _show_bars(found: Sequence[Prediction], otherwise: str) -> None:
    if found:
        st.html(bars(found))
    else:
        st.caption(otherwise)
