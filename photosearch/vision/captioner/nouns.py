"""Nouns that a sure label allows to say of a photo."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from photosearch.vision.model_folder import ModelFolder

FILE = "nouns.json"
NEVER = 2.0  # above any probability
_LISTS = ("forms", "kin", "labels")


@dataclass(frozen=True)
class Noun:
    """A noun for a kind of things, with the classifier's labels of that kind."""

    noun: str
    forms: tuple[str, ...]  # the noun as it may stand in a sentence: itself, its plural
    kin: tuple[str, ...]  # words that say as much: who says "kitten" need not say "cat"
    labels: tuple[str, ...]
    alone: str  # how people name one: "a cat"; empty where they hardly ever do ("food")
    least: float  # the labels' probability in all from which the noun is to be said; may be `NEVER`

    def is_said(self, words: Iterable[str]) -> bool:
        """Tell whether a sentence's words name the thing, or say as much."""
        return not {*self.forms, *self.kin}.isdisjoint(words)


class Nouns:
    """The nouns that a captioner knows, for the labels of one classifier."""

    def __init__(self, nouns: Sequence[Noun], labels: Sequence[str]) -> None:
        """Take the nouns, and the classifier's labels in the order of its probabilities."""
        column = {label: i for i, label in enumerate(labels)}
        self._nouns = nouns
        self._columns = [[column[label] for label in noun.labels] for noun in nouns]

    @classmethod
    def load(cls, model: ModelFolder, labels: Sequence[str]) -> Nouns:
        """Read a captioner's nouns; raises `ModelError` when the file cannot be used."""
        try:
            rows = json.loads(model.read(FILE))
            nouns = []
            for row in rows:
                forms, kin, names = (tuple(map(str, row[key])) for key in _LISTS)
                nouns.append(Noun(str(row["noun"]), forms, kin, names, str(row["alone"]), float(row["least"])))
            return cls(nouns, labels)
        except (KeyError, TypeError, ValueError) as error:
            raise model.damaged(FILE, error) from error

    def __iter__(self) -> Iterator[Noun]:
        return iter(self._nouns)

    def masses(self, probs: np.ndarray) -> np.ndarray:
        """Return the probability of each noun's labels in all, float32 (B, n_nouns), for their own (B, n_labels)."""
        if not self._nouns:
            return np.zeros((len(probs), 0), np.float32)
        return np.stack([probs[:, columns].sum(1) for columns in self._columns], axis=1)

    def surest(self, masses: np.ndarray) -> Noun | None:
        """Return the noun that is to be said of a picture, for the nouns' masses (n_nouns); None where none is sure.

        Of several that are sure, the one of the fewest labels says most: a tripod is a rack, too.
        """
        sure = [i for i, noun in enumerate(self._nouns) if masses[i] >= noun.least]
        order = sorted(sure, key=lambda i: (len(self._nouns[i].labels), -float(masses[i])))
        return self._nouns[order[0]] if order else None


def nouns_json(nouns: Sequence[Noun]) -> bytes:
    """Return the nouns as their file has them."""
    return ("[\n" + ",\n".join(json.dumps(asdict(noun)) for noun in nouns) + "\n]\n").encode()
