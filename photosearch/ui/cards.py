"""A photo of the grid and what stands under it, as HTML in which everything from outside is escaped."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping

from photosearch.analyzer import WORD, terms
from photosearch.records import Hit, Photo
from photosearch.search.fields import Field
from photosearch.search.wording import Words, words_by_term
from photosearch.ui import state

MAX_ALSO_SEEN = 4
MAX_REASONS = 10
PLACES: Mapping[str, str] = {
    Field.HUMAN: "in the corrected caption",
    Field.CAPTION: "in the caption",
    Field.SENTENCES: "in another sentence of the captioner",
    Field.CONCEPTS: "predicted",
    Field.OBJECTS: "among the objects",
    Field.LABELS: "among the labels",
    Field.OWNER: "in the owner's words",
}


def card(photo: Photo, picture: str, known: str, action: str) -> str:
    """A cell of the grid: the picture, what is known of it, a button.

    Args:
        photo: whose cell it is.
        picture: as HTML.
        known: what stands under it, as HTML.
        action: what the button says; the caption completes its name for those who hear the page.
    """
    name = html.escape(f"{action}: {photo.caption or photo.name}")
    button = f'<button type="button" data-photo="{html.escape(photo.id)}" aria-label="{name}">{html.escape(action)}'
    return f'<li>{picture}<div class="photo">{known}</div>{button}</button></li>'


def known_of(hit: Hit, query: str) -> str:
    """Score, the words that made it, caption, objects, what else was seen; none of that where nothing was asked."""
    said = Words(words_by_term(query))
    matched = {share.term for share in hit.shares}
    why = " + ".join(f"{said[term]} {share:.2f}" for term, share in _rounded(hit)) if query else ""
    why = f' <span class="why">= {html.escape(why)}</span>' if why else ""
    alike = f' <span class="alike">+ {hit.n_near_duplicates} alike</span>' if hit.n_near_duplicates else ""
    score = f'<span class="score">{hit.score:.2f}</span>{why}' if hit.shares else ""
    lines = (
        score + alike,
        caption_line(hit.photo, matched),
        object_chips(hit.photo, matched),
        _also_seen(hit, said) if query else "",
    )
    return "".join(lines)


def caption_with_log_prob(log_prob: float, text: str) -> str:
    """A caption with how sure the captioner was of it, in nats a word."""
    return f'<span class="score">{log_prob:.2f}</span><span class="caption">{html.escape(text)}</span>'


def caption_line(photo: Photo, matched: set[str]) -> str:
    """The caption, the words of the given terms marked."""
    return f'<span class="caption">{marked(photo.caption, matched)}</span>'


def object_chips(photo: Photo, matched: set[str]) -> str:
    """The objects as chips, the most frequent first."""
    counts = Counter(found.label for found in photo.objects)
    chips = (
        f'<span class="chip">{marked(label, matched)}{f" × {n}" if n > 1 else ""}</span>'
        for label, n in counts.most_common()
    )
    return f'<span class="chips">{"".join(chips)}</span>' if counts else ""


def reasons(hit: Hit, query: str) -> str:
    """Each term's share as a bar, with the field that holds it and the query's word that it answers."""
    said = Words(words_by_term(query))
    word_of = Words({**said, **state.workspace().wording().of(hit.photo)})
    widest = max(share.share for share in hit.shares)
    lines = []
    for share in hit.shares[:MAX_REASONS]:
        word = word_of[share.term]
        where = PLACES.get(share.field, "")
        if share.relation:
            where += f", {said[share.word]} → {word} {share.strength:.2f}"
        lines.append(
            f'<span class="term">{html.escape(word)}</span><span class="share">{share.share:.2f}</span>'
            f'<span class="bar"><i style="width: {100 * share.share / widest:.0f}%"></i></span>'
            f'<span class="where">{html.escape(where)}</span>'
        )
    left = hit.shares[MAX_REASONS:]
    rest = f"<p>and {len(left):,} more, {sum(s.share for s in left):.2f} together</p>" if left else ""
    return f'<div class="reasons">{"".join(lines)}</div>{rest}'


def marked(text: str, matched: set[str]) -> str:
    """A text as HTML, the words of the given terms marked."""
    parts, end = [], 0
    for word in WORD.finditer(text):
        if not matched.isdisjoint(terms(word.group())):
            parts += [html.escape(text[end : word.start()]), f"<mark>{html.escape(word.group())}</mark>"]
            end = word.end()
    return "".join([*parts, html.escape(text[end:])])


def _rounded(hit: Hit) -> list[tuple[str, float]]:
    """What each of the query's words brought, in hundredths; the first takes what is left, so that it adds up."""
    added: dict[str, float] = {}
    for share in hit.shares:
        added[share.word] = added.get(share.word, 0.0) + share.share
    parts = sorted(((word, round(share, 2)) for word, share in added.items()), key=lambda part: -part[1])
    parts = [(word, share) for word, share in parts if share > 0] or parts[:1]
    rest = round(hit.score, 2) - sum(share for _, share in parts)
    return [(word, share + rest if i == 0 else share) for i, (word, share) in enumerate(parts)]


def _also_seen(hit: Hit, said: Mapping[str, str]) -> str:
    """What made the hit beside the words of its caption: predicted terms, labels, the captioner's other sentences."""
    shown = {*terms(hit.photo.caption), *(term for found in hit.photo.objects for term in terms(found.label))}
    added: dict[str, float] = {}
    for share in hit.shares:
        if not shown.issuperset(share.term.split(" ")):
            added[share.term] = added.get(share.term, 0.0) + share.share
    best = sorted(added, key=lambda term: -added[term])[:MAX_ALSO_SEEN]
    if not best:
        return ""
    word_of = Words({**state.workspace().wording().of(hit.photo), **said})
    return f'<span class="also">also seen: {html.escape(", ".join(word_of[term] for term in best))}</span>'
