"""The models with their cards."""

from __future__ import annotations

import streamlit as st

from photosearch.evaluation.quality import Quality
from photosearch.ui.text import plain


def show_models(quality: Quality) -> None:
    """Show each model with its size and its card."""
    st.markdown(
        "These models analyse your photos. Each card says what a model was trained on, how good it is, and its limits."
    )
    with st.container(key="cards"):
        for card in quality.cards():
            with st.expander(f"{plain(card.name)}, {card.n_bytes / 1_000_000:.1f} MB"):
                if card.text:
                    st.markdown(card.text)
                else:
                    st.text("This model was imported; it has no card.")
