"""What all pages share: their style and their footer."""

import html

import streamlit as st

from photosearch.access.login import LOGOUT

_STYLE = """<style>
.stMainBlockContainer { padding-top: 4.5rem; }
.st-key-completion { display: none; }
.photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(165px, 1fr)); gap: 1.4rem 1rem; }
.photos { list-style: none; margin: 0; padding: 0; }
.photos li { margin: 0; padding: 0; min-width: 0; }
.photos img { display: block; width: 100%; aspect-ratio: 4 / 3; object-fit: cover; border-radius: 0.5rem; }
.photos img { cursor: pointer; background: rgba(128, 128, 128, 0.12); }
.photos button { border: 0; padding: 0.1rem 0; background: none; color: inherit; font: inherit; font-size: 0.86rem; }
.photos button { cursor: pointer; opacity: 0.85; border-radius: 0.2rem; }
.photos button:hover { color: var(--st-primary-color); opacity: 1; }
a:focus-visible, .photos button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.photo { margin: 0.35rem 0 0.1rem; line-height: 1.35; overflow-wrap: anywhere; }
.photo .score { font-variant-numeric: tabular-nums; font-weight: 650; }
.photo .why { opacity: 0.7; font-size: 0.82rem; }
.photo .near-duplicates { font-size: 0.78rem; padding: 0 0.4rem; border-radius: 1rem; }
.photo .near-duplicates { background: rgba(128, 128, 128, 0.2); }
.unseen { display: grid; place-items: center; aspect-ratio: 4 / 3; padding: 0.5rem; border-radius: 0.5rem; }
.unseen { background: rgba(128, 128, 128, 0.12); font-size: 0.82rem; opacity: 0.8; overflow-wrap: anywhere; }
.photo .caption { display: block; }
.unsure { opacity: 0.7; font-style: italic; cursor: help; }
.photo .chips { display: flex; flex-wrap: wrap; gap: 0.25rem; margin-top: 0.2rem; }
.photo .chip { font-size: 0.78rem; padding: 0 0.45rem; border-radius: 1rem; }
.photo .chip { border: 1px solid rgba(128, 128, 128, 0.4); }
.photo .also { display: block; opacity: 0.7; font-size: 0.82rem; }
.photo mark { background: rgba(224, 112, 48, 0.28); color: inherit; border-radius: 0.2rem; }
.bars { width: 100%; border-collapse: collapse; font-size: 0.86rem; }
.bars th, .bars td { border: 0; padding: 0.1rem 0.4rem 0.1rem 0; text-align: left; font-weight: 400; }
.bars th { width: 38%; overflow-wrap: anywhere; }
.bars td:last-child { width: 4.5em; text-align: right; font-variant-numeric: tabular-nums; opacity: 0.8; }
.bars .bar { height: 0.6rem; min-width: 2px; border-radius: 0.3rem; background: rgba(224, 112, 48, 0.75); }
@media (max-width: 640px) {
  .photos { grid-template-columns: repeat(2, minmax(0, 1fr)) !important; }
}
.st-key-large-picture img { max-height: 75vh; object-fit: contain; object-position: top; border-radius: 0.5rem; }
.why-found h4 { margin: 0 !important; padding: 0 0 0.5rem !important; font-size: 1rem !important; }
.why-found p { margin: 0 !important; font-size: 0.8rem !important; opacity: 0.7; }
.photo-alone { font-size: 1.1rem; line-height: 1.4; overflow-wrap: anywhere; }
.photo-alone mark { background: rgba(224, 112, 48, 0.28); color: inherit; border-radius: 0.2rem; }
.photo-alone .chips { display: flex; flex-wrap: wrap; gap: 0.25rem; margin-top: 0.3rem; }
.photo-alone .chip { font-size: 0.78rem; padding: 0 0.45rem; border-radius: 1rem; }
.photo-alone .chip { border: 1px solid rgba(128, 128, 128, 0.4); }
.reasons { display: grid; grid-template-columns: max-content 3em minmax(4rem, 1fr); gap: 0.15rem 0.6rem; }
.reasons { align-items: center; font-size: 0.9rem; }
.reasons .term { font-weight: 600; max-width: 9rem; overflow-wrap: anywhere; }
.reasons .share { font-variant-numeric: tabular-nums; opacity: 0.8; }
.reasons .bar i { display: block; height: 0.55rem; border-radius: 0.3rem; background: rgba(224, 112, 48, 0.75); }
.reasons .where { grid-column: 1 / -1; margin: -0.15rem 0 0.35rem; font-size: 0.8rem; opacity: 0.7; }
.came-with { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1rem; }
.came-with { margin: 0 !important; padding: 0 !important; }
.came-with dt { opacity: 0.7; }
.came-with dd { margin: 0 !important; white-space: pre-wrap; overflow-wrap: anywhere; }
.st-key-cards table { display: block; overflow-x: auto; }
.foot { margin-top: 3rem; padding-top: 0.7rem; border-top: 1px solid rgba(128, 128, 128, 0.3); }
.foot { font-size: 0.8rem; opacity: 0.75; }
</style>"""

_FOOTER = (
    "photosearch. Code: Apache License 2.0 (LICENSE). Models: EfficientNet-Lite (Apache-2.0), trained on Flickr8k"
    " and a part of COCO, for research and education; YOLOv3-tiny (Darknet) for objects; WordNet 3.0 (models/LICENSE)."
    " Names of places: GeoNames (CC BY 4.0)."
    " photosearch does not recognise faces or read text in pictures. Captions are in English and often wrong."
)


def show_style() -> None:
    """Add the style sheet to the page."""
    st.html(_STYLE)


def show_footer(*, can_log_out: bool = False) -> None:
    """Show the footer: licences and limits, and the way out where visitors are logged in."""
    out = f'<a href="{LOGOUT}" target="_self">Log out</a>. ' if can_log_out else ""
    st.html(f'<div class="foot">{out}{html.escape(_FOOTER)}</div>')
