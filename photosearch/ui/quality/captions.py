"""How sure the captioner was of a collection's captions, and the photos where it was least sure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import streamlit as st

from photosearch.evaluation.quality import Quality, bins_of
from photosearch.library.measures import SureCaption
from photosearch.records import CollectionInfo
from photosearch.ui import INSPECT, state
from photosearch.ui.cards import caption_with_log_prob
from photosearch.ui.grid import choose_from

N_LEAST_SURE = 12  # a page
BAR_COLOUR = "#e07030"  # stands out on a light and on a dark page


# Cached for each collection, generation and library; Streamlit leaves `_quality` out of the key.
@st.cache_data(show_spinner="Reading captions", max_entries=4)
def _captions(_quality: Quality, collection: str, generation: int, folder: str) -> list[SureCaption]:  # noqa: ARG001
    return _quality.confidence(collection)


def show_captions(quality: Quality, info: CollectionInfo) -> None:
    """Show how sure the captioner was, as a histogram, and the least sure captions."""
    captions = _captions(quality, info.name, info.generation, str(state.workspace().library.folder))
    if not captions:
        st.info(
            "This collection has no captions written by a model: its photos are not captioned yet, or people corrected"
            " every caption."
        )
        return
    median = statistics.median(caption.log_prob for caption in captions)
    st.markdown(
        "How sure the captioner was of its words, on average over a sentence. 0 is certain; each step of −1 is less"
        f" likely by a factor of 2.7. The median of {len(captions):,} captions is **{median:.2f}**"
        f" ({math.exp(median):.0%} per word). A sure caption can still be wrong, but the least sure ones are worth"
        " checking first. Captions that people corrected are left out."
    )
    _show_histogram(captions)
    _show_least_sure(captions)


def _show_histogram(captions: Sequence[SureCaption]) -> None:
    bins = bins_of([caption.log_prob for caption in captions])
    st.vega_lite_chart(
        [{"low": bar.low, "high": bar.high, "captions": bar.n} for bar in bins],
        {
            "mark": {"type": "bar", "tooltip": True, "color": BAR_COLOUR},
            "height": 220,
            "encoding": {
                "x": {"field": "low", "bin": {"binned": True}, "title": "log-probability per word"},
                "x2": {"field": "high"},
                "y": {"field": "captions", "type": "quantitative", "title": "captions"},
            },
        },
        width="stretch",
    )


def _show_least_sure(captions: Sequence[SureCaption]) -> None:
    is_demo = state.workspace().settings.demo
    st.markdown("**Least sure first**" if is_demo else "**Least sure first**, to correct")
    n_pages = math.ceil(len(captions) / N_LEAST_SURE)
    number = st.pagination(n_pages, key="least-sure") if n_pages > 1 else 1
    on_page = captions[(number - 1) * N_LEAST_SURE : number * N_LEAST_SURE]
    photos = state.workspace().library.photos_by_id([caption.photo_id for caption in on_page])
    photo_id = choose_from(
        [
            (photos[caption.photo_id], caption_with_log_prob(caption.log_prob, caption.text))
            for caption in on_page
            if caption.photo_id in photos  # it may have been removed meanwhile
        ],
        "Look inside" if is_demo else "Look inside, correct",
    )
    if photo_id is not None:
        st.switch_page(INSPECT, query_params={"photo": photo_id})
