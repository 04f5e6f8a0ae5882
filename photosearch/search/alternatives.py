"""Alternatives and groups of a query: (dog | cat) -indoors is read as two plain queries, dog -indoors and cat -indoors.

A bar stands between its neighbours, so that red | blue car means (red | blue) car; a group is one neighbour. A minus
sign before a group negates it as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice, product
from typing import Generic, TypeVar

MAX_ALTERNATIVES = 24  # plain queries that one query stands for; each is scored on all photos
MAX_DEPTH = 20  # of groups in groups
T = TypeVar("T")
Signed = tuple[T, bool]  # a part of a query, and whether a group around it negates it


@dataclass
class Group(Generic[T]):
    """Parts that all count; each is a choice between alternatives: single parts, or groups."""

    choices: list[list[T | Group[T]]] = field(default_factory=list)
    is_negated: bool = False
    follows_bar: bool = False

    def add(self, part: T | Group[T]) -> None:
        """Add a part, or an alternative to the last one where a bar stands between them."""
        if self.follows_bar and self.choices:
            self.choices[-1].append(part)
        else:
            self.choices.append([part])
        self.follows_bar = False


@dataclass
class Reader(Generic[T]):
    """Puts the parts of a query into groups, one after another."""

    open: list[Group[T]] = field(default_factory=lambda: [Group()])
    n_odd: int = 0  # brackets without a partner, or too deep

    def start(self, *, is_negated: bool) -> None:
        """Read an opening bracket."""
        if len(self.open) > MAX_DEPTH:
            self.n_odd += 1
            return
        group: Group[T] = Group(is_negated=is_negated)
        self.open[-1].add(group)
        self.open.append(group)

    def end(self) -> None:
        """Read a closing bracket."""
        if len(self.open) > 1:
            self.open.pop()
        else:
            self.n_odd += 1

    def bar(self) -> None:
        """Read a bar."""
        self.open[-1].follows_bar = True

    def add(self, part: T) -> None:
        """Read any other part."""
        self.open[-1].add(part)

    def alternatives(self) -> tuple[list[list[Signed[T]]], bool]:
        """Return the parts of each plain query, at least one, and whether there are more than are returned."""
        self.n_odd += len(self.open) - 1
        found = list(islice(_all_of(self.open[0]), MAX_ALTERNATIVES + 1))
        return found[:MAX_ALTERNATIVES], len(found) > MAX_ALTERNATIVES


def _queries(part: T | Group[T], *, is_negated: bool) -> Iterator[list[Signed[T]]]:
    if not isinstance(part, Group):
        return iter([[(part, is_negated)]])
    if not part.choices:
        return iter([[]])
    return _none_of(part) if is_negated != part.is_negated else _all_of(part)


def _all_of(group: Group[T]) -> Iterator[list[Signed[T]]]:
    """Yield the queries in which every choice is made in one way."""
    return _product(
        chain.from_iterable(_queries(part, is_negated=False) for part in choice) for choice in group.choices
    )


def _none_of(group: Group[T]) -> Iterator[list[Signed[T]]]:
    """Yield the queries of a negated group: one of its choices is not met, that is none of its alternatives."""
    return chain.from_iterable(_product(_queries(part, is_negated=True) for part in choice) for choice in group.choices)


def _product(parts: Iterable[Iterator[list[Signed[T]]]]) -> Iterator[list[Signed[T]]]:
    some = [list(islice(queries, MAX_ALTERNATIVES + 1)) for queries in parts]
    return (list(chain.from_iterable(chosen)) for chosen in product(*some))
