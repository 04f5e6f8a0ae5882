"""A search: the query, the collection, and the options."""

from __future__ import annotations

from dataclasses import dataclass

from photosearch.search.fields import ALL, Field
from photosearch.search.query import NO_REFINEMENT, Refine

PAGE_TOP = 100


@dataclass(frozen=True)
class Question:
    """A query with the collection that is searched and all options.

    Raises:
        ValueError: `top` or `offset` is negative.
    """

    query: str  # a description, in the language of `photosearch.search.query`
    collection: str
    top: int = PAGE_TOP  # hits at most
    offset: int = 0  # hits left out before them, to go through all of them page by page
    fields: frozenset[Field] = ALL  # what of a photo is searched, unless the query says it
    expand: bool = True  # whether related words count, too
    one_of_near_duplicates: bool = False  # whether only the best of near-duplicates is shown, with their number
    literal: bool = False  # whether signs in the query mean nothing
    dates: bool = True  # whether "june 2021" and the like mean dates where no text holds these words
    refine: Refine = NO_REFINEMENT  # filters and order besides the query's own

    def __post_init__(self) -> None:
        check_page(self.top, self.offset)


def check_page(top: int, offset: int) -> None:
    """Raise `ValueError` when the number of hits, or of those left out before them, is negative."""
    if min(top, offset) < 0:
        raise ValueError(f"top is {top} and offset {offset}; both must be at least 0")
