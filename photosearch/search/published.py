"""What the public demo publishes of photos: other facts are neither shown, nor searched, nor filtered by.

A filter by a fact that is not shown would tell it all the same, to whoever tries values.
"""

from __future__ import annotations

from dataclasses import replace

from photosearch.records import Document, Facts
from photosearch.search.fields import FACTS, FILTERS

# What is not named here is left out, so that a new fact is not published by accident.
PUBLISHED = frozenset({"permalink", "taken_at", "place", "n_likes", "n_comments"})
REFUSED = FILTERS.keys() - {use.key for use in FACTS if use.name in PUBLISHED}  # filters by facts that are hidden


def published_facts(facts: Facts) -> dict[str, object]:
    """Return the values of the facts that are published."""
    return {name: value for name, value in facts.known.items() if name in PUBLISHED}


def published_document(document: Document) -> Document:
    """Return a document as the public demo searches it."""
    return replace(document, facts=Facts(**published_facts(document.facts)))  # type: ignore[arg-type]
