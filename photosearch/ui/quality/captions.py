"""Figures of a collection and of the library: its words, its captions, its runs, its models."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import streamlit as st

from photosearch.evaluation.quality import Quality, WordCount, bins_of
from photosearch.library.measures import SureCaption
from photosearch.pipeline.speed import READING, SAVING, RunSpeed
from photosearch.records import CollectionInfo
from photosearch.ui import INSPECT, state
from photosearch.ui.cards import sure_caption
from photosearch.ui.grid import choose_from
from photosearch.ui.text import plain

N_WORDS = 20
N_LEAST_SURE = 12  # a page

BAR_COLOUR = "#e07030"  # seen well on light and on dark
_STEPS = {READING: "reading (waited for)", SAVING: "keeping the results"}


# Kept for each collection, generation and library; Streamlit leaves `_quality` out of the key.
@st.cache_data(show_spinner="Counting words", max_entries=4)
def _words(_quality: Quality, collection: str, generation: int, folder: str) -> list[WordCount]:  # noqa: ARG001
    return _quality.words(collection)


@st.cache_data(show_spinner="Reading captions", max_entries=4)
def _captions(_quality: Quality, collection: str, generation: int, folder: str) -> list[SureCaption]:  # noqa: ARG001
    return _quality.confidence(collection)


def _folder() -> str:
    return str(state.workspace().library.folder)


def show_words(quality: Quality, info: CollectionInfo) -> None:
    """The words that tell photos apart least and most."""
    words = _words(quality, info.name, info.generation, _folder())
    if not words:
        st.info("There are no captions in this collection yet. The Library page says how far it is.")
        return
    n_single = sum(word.n_photos == 1 for word in words)
    st.markdown(
        "A word that stands in many photos tells them apart least, and counts least in a score; a rare one counts"
        f" most. Here are {len(words):,} words of captions, corrections and owners' texts; {n_single:,} of them stand"
        " in one photo only."
    )
    least, most = st.columns(2)
    with least:
        st.markdown("**Least distinctive**")
        _word_table(words[:N_WORDS], info.n_ready)
    with most:
        st.markdown("**Most distinctive**")
        _word_table(sorted(words, key=lambda word: (word.n_photos, word.word))[:N_WORDS], info.n_ready)


def _word_table(words: Sequence[WordCount], n_photos: int) -> None:
    st.dataframe(
        [
            {
                "word": word.word,
                "photos": word.n_photos,
                "share": f"{word.n_photos / max(n_photos, word.n_photos):.1%}",
                "weight (idf)": round(word.idf, 2),
            }
            for word in words
        ],
        hide_index=True,
        height="content",
    )


def show_captions(quality: Quality, info: CollectionInfo) -> None:
    """How sure captions are, and those that are least sure."""
    captions = _captions(quality, info.name, info.generation, _folder())
    if not captions:
        st.info("No model has captioned a photo of this collection yet, or people have corrected every caption.")
        return
    median = statistics.median(caption.log_prob for caption in captions)
    st.markdown(
        f"How sure the captioner was of its own words, on average over a sentence: 0 is certain, each step of −1 less"
        f" likely by a factor of 2.7. The median of {len(captions):,} captions is **{median:.2f}**"
        f" ({math.exp(median):.0%} a word). Being sure is not being right, but the least sure are the first to look at."
        " Captions that people corrected are left out."
    )
    bins = bins_of([caption.log_prob for caption in captions])
    st.vega_lite_chart(
        [{"low": one.low, "high": one.high, "captions": one.n} for one in bins],
        {
            "mark": {"type": "bar", "tooltip": True, "color": BAR_COLOUR},
            "height": 220,
            "encoding": {
                "x": {"field": "low", "bin": {"binned": True}, "title": "log-probability a word"},
                "x2": {"field": "high"},
                "y": {"field": "captions", "type": "quantitative", "title": "captions"},
            },
        },
        width="stretch",
    )
    _least_sure(captions)


def _least_sure(captions: Sequence[SureCaption]) -> None:
    public = state.workspace().settings.demo
    st.markdown("**The least sure first**" if public else "**The least sure first**, to correct")
    n_pages = math.ceil(len(captions) / N_LEAST_SURE)
    number = st.pagination(n_pages, key="least-sure") if n_pages > 1 else 1
    some = captions[(number - 1) * N_LEAST_SURE : number * N_LEAST_SURE]
    photos = state.workspace().library.photos_by_id([caption.photo_id for caption in some])
    chosen = choose_from(
        [
            (photos[caption.photo_id], sure_caption(caption.log_prob, caption.text))
            for caption in some
            if caption.photo_id in photos
        ],
        "Look inside" if public else "Look inside, correct",
    )
    if chosen is not None:
        st.switch_page(INSPECT, query_params={"photo": chosen})


def show_speed(quality: Quality) -> None:
    """Photos a second by station, in the last run and in those before."""
    runs = quality.speeds()
    if not runs:
        st.info("No run has been measured in this library yet. Figures stand here after the next photos are captioned.")
        return
    last = runs[-1]
    st.markdown(f"**The last run**: {_summary(last)}.")
    st.dataframe(
        [
            {
                "station": _STEPS.get(one.station, one.station),
                "photos a second": round(one.photos_per_s, 1),
                "seconds": round(one.seconds, 1),
                "photos": one.n_photos,
                "model": one.model,
            }
            for one in last.stations
        ],
        hide_index=True,
    )
    st.caption(
        "Stations work one after the other on a batch; the next batch is read meanwhile. What one model computes for"
        " others, too, counts with the first that needs it: so the classifier and concepts seem to take no time when"
        " the captioner has asked for them. Loading the models is not counted."
    )
    if runs[:-1]:
        with st.expander(f"Earlier runs ({len(runs) - 1})"):
            st.markdown("\n".join(f"- {_summary(run)}" for run in reversed(runs[:-1])))


def _summary(run: RunSpeed) -> str:
    return (
        f"{run.n_photos:,} {'photo' if run.n_photos == 1 else 'photos'} in {run.seconds:,.0f} s,"
        f" {run.photos_per_s:.1f} a second, ended {run.ended_at:%Y-%m-%d %H:%M} UTC"
    )


def show_models(quality: Quality) -> None:
    """The models with their cards."""
    st.markdown("What looks at your photos. Each card says what the model was made from, how good it is and what not.")
    with st.container(key="cards"):
        for card in quality.cards():
            with st.expander(f"{plain(card.name)}, {card.n_bytes / 1_000_000:.1f} MB"):
                if card.text:
                    st.markdown(card.text)
                else:
                    st.text("This model was taken in from elsewhere; it has no card here.")
