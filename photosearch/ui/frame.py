"""What surrounds every page: its style and its foot."""

import html

import streamlit as st

_STYLE = """<style>
.st-key-results img, .st-key-all img { aspect-ratio: 4 / 3; object-fit: cover; border-radius: 0.5rem; }
.photo { margin: -0.4rem 0 0.6rem; line-height: 1.35; overflow-wrap: anywhere; }
.photo .score { font-variant-numeric: tabular-nums; font-weight: 650; }
.photo .why { opacity: 0.7; font-size: 0.82rem; }
.photo .alike { font-size: 0.78rem; padding: 0 0.4rem; border-radius: 1rem; background: rgba(128, 128, 128, 0.2); }
.unseen { display: grid; place-items: center; aspect-ratio: 4 / 3; padding: 0.5rem; border-radius: 0.5rem; }
.unseen { background: rgba(128, 128, 128, 0.12); font-size: 0.82rem; opacity: 0.8; overflow-wrap: anywhere; }
.photo .caption { display: block; }
.photo .chips { display: flex; flex-wrap: wrap; gap: 0.25rem; margin-top: 0.2rem; }
.photo .chip { font-size: 0.78rem; padding: 0 0.45rem; border-radius: 1rem; }
.photo .chip { border: 1px solid rgba(128, 128, 128, 0.4); }
.photo .also { display: block; opacity: 0.7; font-size: 0.82rem; }
.photo mark { background: rgba(224, 112, 48, 0.28); color: inherit; border-radius: 0.2rem; }
.foot { margin-top: 3rem; padding-top: 0.7rem; border-top: 1px solid rgba(128, 128, 128, 0.3); }
.foot { font-size: 0.8rem; opacity: 0.75; }
</style>"""

_FOOT = (
    "photosearch. Code: Apache License 2.0 (LICENSE). Weights: EfficientNet-Lite (Apache-2.0), trained on Flickr8k,"
    " offered for research and education; objects by YOLOv3-tiny (Darknet); WordNet 3.0 (models/LICENSE)."
    " It recognises no faces and reads no text in pictures. Captions are English, and often wrong."
)


def style() -> None:
    """The pages' own style."""
    st.html(_STYLE)


def foot() -> None:
    """The foot of every page: licences and limits."""
    st.html(f'<div class="foot">{html.escape(_FOOT)}</div>')
