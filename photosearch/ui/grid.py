"""Photos in a grid, with what is known of each under it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import streamlit as st

from photosearch.analyzer import WORD, term_of, terms, words
from photosearch.api import image_address
from photosearch.records import Hit, Photo, Share

MIN_CARD_PX = 165  # two columns on a phone of 400 px


def show_hits(hits: Sequence[Hit], query: str) -> None:
    """A grid of hits: picture, score, the words that made it, caption."""
    said = {term_of(word): word for word in reversed(words(query))}
    with st.container(key="results"):
        grid = st.grid(min_column_width=MIN_CARD_PX)
        for hit in hits:
            with grid.cell():
                _picture(hit.photo)
                st.html(_card(hit.photo.caption, hit.score, hit.shares, said))


def show_photos(photos: Iterable[Photo]) -> None:
    """A grid of photos that nothing was asked of: picture and caption."""
    with st.container(key="all"):
        grid = st.grid(min_column_width=MIN_CARD_PX)
        for photo in photos:
            with grid.cell():
                _picture(photo)
                st.html(_card(photo.caption, None, (), {}))


def _picture(photo: Photo) -> None:
    if photo.sha256 is None:
        return
    st.image(_origin() + image_address(photo.id, photo.sha256), alt=photo.caption or photo.name, width="stretch")


def _origin() -> str:
    """Scheme, host and port as the browser knows them; a relative address does not work in `st.image`."""
    parts = urlsplit(st.context.url or "http://localhost:8501")
    return f"{parts.scheme}://{parts.netloc}"


def _card(caption: str, score: float | None, shares: Sequence[Share], said: dict[str | None, str]) -> str:
    """The text under a picture as HTML, everything from outside escaped."""
    lines = []
    if score is not None:
        why = " + ".join(f"{said.get(term, term)} {share:.2f}" for term, share in _rounded(score, shares))
        lines.append(f'<span class="score">{score:.2f}</span> <span class="why">= {html.escape(why)}</span>')
    matched = {share.term for share in shares}
    lines.append(f'<span class="caption">{_marked(caption, matched)}</span>')
    return f'<div class="photo">{"".join(lines)}</div>'


def _rounded(score: float, shares: Sequence[Share]) -> list[tuple[str, float]]:
    """The shares in hundredths; the first takes what rounding leaves, so that what is shown adds up, too."""
    parts = [(share.term, round(share.share, 2)) for share in shares]
    rest = round(score, 2) - sum(share for _, share in parts)
    return [(term, share + rest if i == 0 else share) for i, (term, share) in enumerate(parts)]


def _marked(text: str, matched: set[str]) -> str:
    """A text as HTML, the words of the given terms marked."""
    parts, end = [], 0
    for word in WORD.finditer(text):
        if not matched.isdisjoint(terms(word.group())):
            parts += [html.escape(text[end : word.start()]), f"<mark>{html.escape(word.group())}</mark>"]
            end = word.end()
    return "".join([*parts, html.escape(text[end:])])
