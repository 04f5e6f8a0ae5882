"""What people call the objects that were detected: a sofa is what the detector calls a couch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from photosearch.search.word_tables import Expansion, Hypernyms, RelatedWords
from photosearch.words.analyzer import terms


class Named(NamedTuple):
    """The labels that a name means."""

    labels: tuple[str, ...]
    is_nearest: bool = False  # nothing so called was detected; these labels are the nearest


class ObjectNames:
    """The names of the labels that were detected in a collection's photos."""

    def __init__(
        self, labels: Iterable[str], hypernyms: Hypernyms, related: RelatedWords, expansion: Expansion
    ) -> None:
        self._labels = {label: tuple(terms(label)) for label in labels}
        self._above = {
            label: {tuple(terms(name)): steps for name, steps in reversed(hypernyms.above(label))}
            for label in self._labels
        }
        self._hypernyms = hypernyms
        self._related = related
        self._expansion = expansion

    def meant(self, name: tuple[str, ...]) -> Named:
        """Return the labels that a name's terms mean; none where nothing comes near.

        A label itself comes first, then labels that are also called so, labels that are a kind of it, labels with these
        terms among others; where nothing is called so, the nearest label.
        """
        choices = (
            [label for label, own in self._labels.items() if own == name],
            [label for label, above in self._above.items() if above.get(name) == 0],
            [label for label, above in self._above.items() if name in above],
            [label for label, own in self._labels.items() if set(name) <= set(own)],
        )
        for labels in choices:
            if labels:
                return Named(tuple(labels))
        nearest = self._nearest(name)
        return Named((nearest,) if nearest else (), is_nearest=True)

    def _nearest(self, name: tuple[str, ...]) -> str | None:
        by_term: dict[str, str] = {}
        for label, own in self._labels.items():
            by_term.setdefault(own[-1] if own else "", label)
        weights = [*self._expansion.related(name[-1])]
        weights += [(other.term, other.weight) for other in self._related.related(name[-1])]
        near = [(-weight, by_term[term]) for term, weight in weights if term in by_term]
        return min(near)[1] if near else self._same_kind(name)

    def _same_kind(self, name: tuple[str, ...]) -> str | None:
        """Return the label that is of the same kind as the name, by the fewest steps; None where there is none."""
        own: Mapping[tuple[str, ...], int] = {
            tuple(terms(above)): steps
            for label, names in self._hypernyms.table.items()
            if tuple(terms(label)) == name
            for above, steps in names
        }
        common = [
            (own[kind] + steps, label)
            for label, above in self._above.items()
            for kind, steps in above.items()
            if kind in own
        ]
        return min(common)[1] if common else None
