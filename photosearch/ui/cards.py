"""A photo of the grid and the text under it, as HTML; all text from captions, names and queries is escaped."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from itertools import compress, pairwise

from photosearch.records import Hit, Photo
from photosearch.search.fields import PLACES
from photosearch.search.wording import Words, is_respelled
from photosearch.ui import state
from photosearch.ui.text import shortened
from photosearch.words.analyzer import WORD, terms
from photosearch.words.languages import ENGLISH, Language

MAX_OTHER_MATCHES = 4
MAX_REASONS = 10
UNSURE = "The models hardly agree about this photo, so that the caption may be wrong."


def card(photo: Photo, picture: str, text: str, action: str) -> str:
    """Return a cell of the grid: picture, text, button.

    Args:
        photo: the photo that the cell shows.
        picture: the picture as HTML.
        text: what is written under it, as HTML.
        action: the button's label; for screen readers the caption is added to it.
    """
    name = html.escape(f"{action}: {shortened(photo.caption) or photo.name}")
    button = f'<button type="button" data-photo="{html.escape(photo.id)}" aria-label="{name}">{html.escape(action)}'
    return f'<li>{picture}<div class="photo">{text}</div>{button}</button></li>'


def describe_hit(hit: Hit, query: str) -> str:
    """Return the text under a hit as HTML: score and its parts, caption, objects, other matches.

    Without a query only caption and objects, and a score where the hit has one.
    """
    language = state.workspace().language
    query_words = Words(state.workspace().wording.asked(query))
    matched = {share.term for share in hit.shares}
    why = " + ".join(f"{query_words[term]} {share:.2f}" for term, share in _rounded(hit)) if query else ""
    why = f' <span class="why">= {html.escape(why)}</span>' if why else ""
    near_duplicates = (
        f' <span class="near-duplicates">+ {_count(hit.n_near_duplicates)}</span>' if hit.n_near_duplicates else ""
    )
    score = f'<span class="score">{hit.score:.2f}</span>{why}' if hit.shares else ""
    lines = (
        score + near_duplicates,
        caption_line(hit.photo, matched, language),
        object_chips(hit.photo, matched),
        _other_matches(hit, query_words, language) if query else "",
    )
    return "".join(lines)


def caption_with_log_prob(log_prob: float, text: str) -> str:
    """Return a caption with its log-probability, in nats per word, as HTML."""
    return f'<span class="score">{log_prob:.2f}</span><span class="caption">{html.escape(shortened(text))}</span>'


def caption_line(photo: Photo, matched: set[str], language: Language = ENGLISH) -> str:
    """Return the caption as HTML, with the words of the `matched` terms marked; says where the model was unsure."""
    unsure = f'<span class="unsure" title="{UNSURE}">unsure:</span> ' if photo.is_unsure else ""
    return f'<span class="caption">{unsure}{marked(shortened(photo.caption), matched, language)}</span>'


def object_chips(photo: Photo, matched: set[str]) -> str:
    """Return the objects as HTML chips, the most frequent first."""
    counts = Counter(detection.label for detection in photo.objects)
    chips = (
        f'<span class="chip">{marked(label, matched)}{f" × {n}" if n > 1 else ""}</span>'
        for label, n in counts.most_common()
    )
    return f'<span class="chips">{"".join(chips)}</span>' if counts else ""


def reasons(hit: Hit, query: str) -> str:
    """Return why a hit was found, as HTML: for each term a bar, its field, and the related word of the query.

    What adds less than a hundredth is counted, but not named.
    """
    query_words = Words(state.workspace().wording.asked(query))
    own = state.workspace().wording.of(state.shown(hit.photo))
    word_of = own.after({term: word for term, word in query_words.items() if term not in own})
    widest = max(share.share for share in hit.shares)
    lines = []
    named = [share for share in hit.shares[:MAX_REASONS] if _is_seen(share.share)] or hit.shares[:1]
    for share in named:
        word = word_of[share.term]
        where = PLACES.get(share.field, "")
        if share.relation:
            where += f", {query_words[share.word]} → {word} {share.strength:.2f}"
        elif is_respelled(asked := query_words[share.word], word):
            where += f", {asked} → {word}"
        lines.append(
            f'<span class="term">{html.escape(word)}</span><span class="share">{share.share:.2f}</span>'
            f'<span class="bar"><i style="width: {100 * share.share / widest:.0f}%"></i></span>'
            f'<span class="where">{html.escape(where)}</span>'
        )
    left = hit.shares[len(named) :]
    rest = f"<p>and {len(left):,} more, {sum(s.share for s in left):.2f} together</p>" if left else ""
    return f'<div class="reasons">{"".join(lines)}</div>{rest}'


def marked(text: str, matched: set[str], language: Language = ENGLISH) -> str:
    """Return a text as HTML, with the words of the `matched` terms, which are the owner's language's, marked."""
    parts, end = [], 0
    found = list(WORD.finditer(text))
    alone = [terms(word.group(), language.term_of) for word in found]
    stems = [terms(word.group(), language.stem_of) for word in found]
    is_matched = [not matched.isdisjoint([*of_word, *stem]) for of_word, stem in zip(alone, stems, strict=True)]
    for place, (first, second) in enumerate(pairwise(found)):
        both = terms(f"{first.group()} {second.group()}") if alone[place] and alone[place + 1] else []
        if len(both) == 1 and both[0] in matched:  # a compound in two words
            is_matched[place] = is_matched[place + 1] = True
    for word in compress(found, is_matched):
        parts += [html.escape(text[end : word.start()]), f"<mark>{html.escape(word.group())}</mark>"]
        end = word.end()
    return "".join([*parts, html.escape(text[end:])])


def _count(n_near_duplicates: int) -> str:
    return "1 near-duplicate" if n_near_duplicates == 1 else f"{n_near_duplicates} near-duplicates"


def _is_seen(share: float) -> bool:
    """Tell whether a part of a score is more than 0.00 as it is shown."""
    return round(share, 2) > 0


def _rounded(hit: Hit) -> list[tuple[str, float]]:
    """Return what each query word adds to the score, in hundredths; the first is adjusted so that they add up."""
    added: dict[str, float] = {}
    for share in hit.shares:
        added[share.word] = added.get(share.word, 0.0) + share.share
    parts = sorted(((word, round(share, 2)) for word, share in added.items()), key=lambda part: -part[1])
    parts = [(word, share) for word, share in parts if _is_seen(share)] or parts[:1]
    rest = round(hit.score, 2) - sum(share for _, share in parts)
    return [(word, share + rest if i == 0 else share) for i, (word, share) in enumerate(parts)]


def _other_matches(hit: Hit, query_words: Mapping[str, str], language: Language) -> str:
    """Return the best matches that neither the caption nor the objects show: concepts, labels, other sentences."""
    shown = {
        *terms(hit.photo.caption, language.term_of),
        *(term for detection in hit.photo.objects for term in terms(detection.label)),
    }
    added: dict[str, float] = {}
    for share in hit.shares:
        if not shown.issuperset(share.term.split(" ")):
            added[share.term] = added.get(share.term, 0.0) + share.share
    best = sorted((term for term in added if _is_seen(added[term])), key=lambda term: -added[term])[:MAX_OTHER_MATCHES]
    if not best:
        return ""
    word_of = state.workspace().wording.of(state.shown(hit.photo)).after_asked(query_words)
    return f'<span class="also">also found: {html.escape(", ".join(word_of[term] for term in best))}</span>'
