"""Photos in a grid, with what is known of each under it."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

import streamlit as st

from photosearch.analyzer import WORD, term_of, terms, words
from photosearch.api import image_address
from photosearch.records import Hit, Photo

MIN_CARD_PX = 165  # two columns on a phone of 400 px
MAX_ALSO_SEEN = 4


def show_hits(hits: Sequence[Hit], query: str) -> None:
    """A grid of hits: picture, score, the words that made it, caption, objects, what else was seen."""
    said = {term_of(word): word for word in reversed(words(query))}
    with st.container(key="results"):
        grid = st.grid(min_column_width=MIN_CARD_PX)
        for hit in hits:
            with grid.cell():
                _picture(hit.photo)
                st.html(_hit_card(hit, said))


def show_photos(photos: Iterable[Photo]) -> None:
    """A grid of photos that nothing was asked of: picture and caption."""
    with st.container(key="all"):
        grid = st.grid(min_column_width=MIN_CARD_PX)
        for photo in photos:
            with grid.cell():
                _picture(photo)
                st.html(_card(_caption(photo, set()), _objects(photo, set())))


def _picture(photo: Photo) -> None:
    if photo.sha256 is None:  # listed only
        st.html(f'<div class="unseen">{html.escape(photo.name)}</div>')
        return
    st.image(_origin() + image_address(photo.id, photo.sha256), alt=photo.caption or photo.name, width="stretch")


def _origin() -> str:
    """Scheme, host and port as the browser knows them; a relative address does not work in `st.image`."""
    parts = urlsplit(st.context.url or "http://localhost:8501")
    return f"{parts.scheme}://{parts.netloc}"


def _card(*lines: str) -> str:
    """What stands under a picture: lines of HTML, in which everything from outside is escaped."""
    return f'<div class="photo">{"".join(lines)}</div>'


def _hit_card(hit: Hit, said: Mapping[str | None, str]) -> str:
    why = " + ".join(f"{said.get(term, term)} {share:.2f}" for term, share in _rounded(hit))
    matched = {share.term for share in hit.shares}
    alike = f' <span class="alike">+ {hit.n_alike} alike</span>' if hit.n_alike else ""
    return _card(
        f'<span class="score">{hit.score:.2f}</span> <span class="why">= {html.escape(why)}</span>{alike}',
        _caption(hit.photo, matched),
        _objects(hit.photo, matched),
        _also_seen(hit, said),
    )


def _rounded(hit: Hit) -> list[tuple[str, float]]:
    """What each of the query's words brought, in hundredths; the first takes what is left, so that it adds up."""
    added: dict[str, float] = {}
    for share in hit.shares:
        added[share.word] = added.get(share.word, 0.0) + share.share
    parts = sorted(((word, round(share, 2)) for word, share in added.items()), key=lambda part: -part[1])
    parts = [(word, share) for word, share in parts if share > 0] or parts[:1]
    rest = round(hit.score, 2) - sum(share for _, share in parts)
    return [(word, share + rest if i == 0 else share) for i, (word, share) in enumerate(parts)]


def _caption(photo: Photo, matched: set[str]) -> str:
    return f'<span class="caption">{_marked(photo.caption, matched)}</span>'


def _objects(photo: Photo, matched: set[str]) -> str:
    """The objects as chips, the most frequent first."""
    counts = Counter(found.label for found in photo.objects)
    chips = (
        f'<span class="chip">{_marked(label, matched)}{f" × {n}" if n > 1 else ""}</span>'
        for label, n in counts.most_common()
    )
    return f'<span class="chips">{"".join(chips)}</span>' if counts else ""


def _also_seen(hit: Hit, said: Mapping[str | None, str]) -> str:
    """What made the hit beside the words of its caption: predicted terms, labels, the captioner's other sentences."""
    shown = {*terms(hit.photo.caption), *(term for found in hit.photo.objects for term in terms(found.label))}
    added: dict[str, float] = {}
    for share in hit.shares:
        if share.term not in shown:
            added[share.term] = added.get(share.term, 0.0) + share.share
    best = sorted(added, key=lambda term: -added[term])[:MAX_ALSO_SEEN]
    if not best:
        return ""
    words_of = {**_readable(hit.photo), **said}
    return f'<span class="also">also seen: {html.escape(", ".join(words_of.get(term, term) for term in best))}</span>'


def _readable(photo: Photo) -> dict[str | None, str]:
    """Words that the photo's own texts have for their terms ("running" rather than "run")."""
    texts = (*(caption.text for caption in photo.captions), *(label.term for label in photo.labels))
    return {term: word for text in texts for word in words(text) if (term := term_of(word)) is not None}


def _marked(text: str, matched: set[str]) -> str:
    """A text as HTML, the words of the given terms marked."""
    parts, end = [], 0
    for word in WORD.finditer(text):
        if not matched.isdisjoint(terms(word.group())):
            parts += [html.escape(text[end : word.start()]), f"<mark>{html.escape(word.group())}</mark>"]
            end = word.end()
    return "".join([*parts, html.escape(text[end:])])
