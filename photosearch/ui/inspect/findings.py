"""What models found in a picture besides the caption, and the texts that came with the photo."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from photosearch.records import Prediction, TextKind
from photosearch.ui.drawing import as_jpeg, with_boxes
from photosearch.ui.inspect.caption_viewer import percent
from photosearch.ui.inspect.subject import Subject
from photosearch.ui.text import plain, shortened
from photosearch.words.times import shown_day

N_CONCEPTS = 15  # shown; the rest are much less probable


def show_findings(subject: Subject) -> None:
    """Show objects as boxes on the photo, and objects, labels and concepts with their probabilities."""
    left, right = st.columns([3, 2], gap="large")
    findings = subject.findings
    with left:
        st.subheader("Objects", anchor=False)
        if not findings.objects:
            st.caption("The detector found no object.")
        elif subject.picture is not None:
            names = ", ".join(f"{o.label} {percent(o.score)}" for o in findings.objects)
            st.image(as_jpeg(with_boxes(subject.picture.rgb, findings.objects)), alt=f"The photo with boxes: {names}")
        if findings.objects:
            st.html(bars([Prediction(o.label, o.score) for o in findings.objects]))
        st.subheader("Labels", anchor=False)
        _show_bars(findings.labels, "The classifier has not analysed this photo.")
    with right:
        st.subheader("Concepts", anchor=False)
        _show_bars(findings.concepts[:N_CONCEPTS], "The concept model has not analysed this photo.")
        if findings.concepts:
            st.caption(
                "Word stems that a description of the photo may contain. Search weights each by its probability."
            )


def show_texts(subject: Subject) -> None:
    """Show Instagram's description beside our caption, and the text that the owner wrote."""
    if subject.photo is None:
        return
    descriptions = subject.photo.details.texts_of(TextKind.ACCESSIBILITY)
    if descriptions:
        left, right = st.columns(2, gap="large")
        with left:
            st.subheader("Our caption", anchor=False)
            st.text(shortened(subject.photo.caption) or "This photo has no caption.")
        with right:
            st.subheader("Description by Instagram", anchor=False)
            for text in descriptions:
                st.text(text)
    if subject.photo.owner_text:
        st.subheader("Owner's text", anchor=False)
        st.text(subject.photo.owner_text)


def show_facts(subject: Subject) -> None:
    """Show the photo's collection, name, date and link, and whether the photo itself could be read."""
    if subject.photo is not None:
        details = subject.photo.details
        day = shown_day(details.dated_at) if details.dated_at else ""
        facts = [
            f"{subject.photo.collection}: {subject.name}",
            f"{day}, as the file's name says" if details.is_dated_by_name else day,
        ]
        st.caption(" · ".join(plain(fact) for fact in facts if fact))
        link = subject.photo.details.permalink or ""
        if link.startswith(("https://", "http://")):
            st.link_button("Open the post", link)
    if subject.lacking and subject.picture is not None:
        st.warning(plain(f"Only the thumbnail could be read, so results may differ: {subject.lacking}."))
    elif subject.picture is None:
        st.info(plain(f"The picture could not be read: {subject.lacking}."))


def bars(predictions: Sequence[Prediction]) -> str:
    """Return terms with their probabilities as bars, in HTML."""
    rows = (
        f'<tr><th scope="row">{html.escape(prediction.term)}</th>'
        f'<td><div class="bar" style="width: {100 * max(0.0, min(prediction.prob, 1.0)):.1f}%"></div></td>'
        f"<td>{percent(prediction.prob)}</td></tr>"
        for prediction in predictions
    )
    return f'<table class="bars">{"".join(rows)}</table>'


def _show_bars(predictions: Sequence[Prediction], if_none: str) -> None:
    if predictions:
        st.html(bars(predictions))
    else:
        st.caption(if_none)
