"""The words of a collection, with how many photos each is in and what it weighs in a score."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from photosearch.evaluation.quality import Quality, WordCount
from photosearch.records import CollectionInfo
from photosearch.ui import state

N_WORDS = 20


# Cached for each collection, generation and library; Streamlit leaves `_quality` out of the key.
@st.cache_data(show_spinner="Counting words", max_entries=4)
def _words(_quality: Quality, collection: str, generation: int, folder: str) -> list[WordCount]:  # noqa: ARG001
    return _quality.words(collection)


def show_words(quality: Quality, info: CollectionInfo) -> None:
    """Show the words that tell photos apart least and most."""
    words = _words(quality, info.name, info.generation, str(state.workspace().library.folder))
    if not words:
        st.info("No photo of this collection has a caption yet. The Library page shows the progress.")
        return
    n_single = sum(word.n_photos == 1 for word in words)
    st.markdown(
        "A word that many photos have adds little to a score; a rare word adds much. Captions, corrections and owners'"
        f" texts hold {len(words):,} different words; {n_single:,} of them occur in one photo only."
    )
    least, most = st.columns(2)
    with least:
        st.markdown("**Least distinctive**")
        _show_table(words[:N_WORDS], info.n_ready)
    with most:
        st.markdown("**Most distinctive**")
        _show_table(sorted(words, key=lambda word: (word.n_photos, word.word))[:N_WORDS], info.n_ready)


def _show_table(words: Sequence[WordCount], n_photos: int) -> None:
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
