"""Tables of words that were made once and are read while indexing and searching.

Expansion      which terms of a photo a query's word also counts for ("kid -> child 0.31, young 0.22");
learned (`training.expansion`)
RelatedWords   what a query's word that no photo's text holds may stand for ("automobile -> car 0.77");
found in dictionaries and captions (`training.related`)
Hypernyms      what a label is a kind of ("Border collie": a shepherd dog, a working dog, a dog, an animal);
from WordNet (`training.labels`)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from photosearch.errors import ModelError
from photosearch.vision.model_folder import ADVICE, read_table
from photosearch.words.analyzer import respelled, term_of

EXPANSION_FILE, RELATED_FILE, HYPERNYMS_FILE = "expansion.txt", "related.txt", "hypernyms.txt"
_END = "# end\n"
MAX_RELATED = 8  # terms for one, as in each line of the tables
# A term, a word for it, related words with weights above 0 and below 1. Matched possessively (without backtracking)
# over the whole file, so that the check is one pass and ends at the first damaged line.
_LINE = r"[a-z]++\t[a-z]++(?:\t[=^~][a-z]++ 0\.(?!00)[0-9]{2})++\n"
_LINES = re.compile(rf"(?:#[^\n]*+\n)*+(?:{_LINE})*+")


class Expansion:
    """The expansion table: related terms with weights above 0 and below 1, largest first."""

    def __init__(self, table: Mapping[str, tuple[tuple[str, float], ...]] | None = None) -> None:
        self._table = table or {}

    @classmethod
    def load(cls, path: Path) -> Expansion:
        """Read a table: a line a term, a tab, then related terms each followed by its weight.

        Raises:
            ModelError: the file is missing, or a line is damaged.
        """
        text = read_table(path)
        table = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if not line or line.startswith("#"):
                continue
            term, _, related = line.partition("\t")
            parts = related.split()
            try:
                weights = tuple((parts[i], float(parts[i + 1])) for i in range(0, len(parts), 2))
            except (IndexError, ValueError) as error:
                raise ModelError(f"{path} is damaged in line {number}. {ADVICE}") from error
            if not term or not all(0 < weight < 1 for _, weight in weights):
                raise ModelError(f"{path} is damaged in line {number}. {ADVICE}")
            table[term] = weights
        return cls(_respelled(table))

    def __len__(self) -> int:
        return len(self._table)

    def related(self, term: str) -> tuple[tuple[str, float], ...]:
        """Return the terms that a query's term also counts for; none for an unknown term."""
        return self._table.get(term, ())


def _respelled(table: Mapping[str, tuple[tuple[str, float], ...]]) -> dict[str, tuple[tuple[str, float], ...]]:
    """Return a table of stems as one of terms; of stems that are one term the largest weight counts."""
    merged: dict[str, dict[str, float]] = {}
    for stem, related in table.items():
        term = respelled(stem)
        weights = merged.setdefault(term, {}) if term else {}
        for other, weight in related:
            other_term = respelled(other)
            if other_term and other_term != term:
                weights[other_term] = max(weight, weights.get(other_term, 0.0))
    return {
        term: tuple(sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:MAX_RELATED])
        for term, weights in merged.items()
    }


class Relation(StrEnum):
    """How two words are related."""

    SYNONYM = "synonym"
    HYPERNYM = "hypernym"  # the other word says what the first one is a kind of
    NEAR = "near"  # they are said of the same things, by sentence embeddings


_RELATIONS = {"=": Relation.SYNONYM, "^": Relation.HYPERNYM, "~": Relation.NEAR}


@dataclass(frozen=True)
class RelatedTerm:
    """A term that another one may stand for."""

    term: str
    weight: float  # above 0 and below 1
    relation: Relation


class RelatedWords:
    """Related terms of some 30,000 English words."""

    def __init__(self, table: Mapping[str, tuple[RelatedTerm, ...]] | None = None) -> None:
        self._table = dict(table or {})
        self._lines: dict[str, str] = {}

    @classmethod
    def load(cls, path: Path) -> RelatedWords:
        """Read a table: a line a term, then tab-separated the word and related words (=, ^ or ~) with weights.

        Raises:
            ModelError: the file is missing or cut short, or a line is damaged.
        """
        text = read_table(path)
        n_lines = text.count("\n")
        if not text.endswith(f"\n{_END}"):
            raise ModelError(f"{path} is cut short after line {n_lines}. {ADVICE}")
        sound = _LINES.match(text)
        end = sound.end() if sound else 0
        if end < len(text) - len(_END):
            raise ModelError(f"{path} is damaged in line {text.count(chr(10), 0, end) + 1}. {ADVICE}")
        words = cls()
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        # Lines are parsed when a term is looked up: most searches look up none.
        words._lines = dict(line.split("\t", 1) for line in lines)
        if len(words._lines) < len(lines):
            (twice, _), *_ = Counter(line.split("\t", 1)[0] for line in lines).most_common(1)
            raise ModelError(f"{path} is damaged: {twice} has two lines. {ADVICE}")
        return words

    def __len__(self) -> int:
        return len(self._table) + len(self._lines)

    def related(self, term: str) -> tuple[RelatedTerm, ...]:
        """Return what a term may stand for, the largest weight first; none for an unknown term."""
        if term in self._lines:
            return _related_terms(term, self._lines[term])
        return self._table.get(term, ())


def _related_terms(term: str, line: str) -> tuple[RelatedTerm, ...]:
    """Parse a line's related words into terms; of words with the same term the largest weight counts."""
    by_term: dict[str, RelatedTerm] = {}
    for part in line.split("\t")[1:]:
        word, weight = part[1:].split(" ")
        other = term_of(word)
        if other is not None and other != term and (other not in by_term or by_term[other].weight < float(weight)):
            by_term[other] = RelatedTerm(other, float(weight), _RELATIONS[part[0]])
    return tuple(sorted(by_term.values(), key=lambda related: (-related.weight, related.term)))


class Hypernyms:
    """What labels are a kind of, from WordNet."""

    def __init__(self, table: Mapping[str, tuple[tuple[str, int], ...]]) -> None:
        self.table = table

    @classmethod
    def load(cls, path: Path) -> Hypernyms:
        """Read a table: a line a label, then tab-separated groups `steps:word, word`, nearest first.

        Raises:
            ModelError: the file is missing or cut short, or a line is damaged.
        """
        text = read_table(path)
        lines = text.splitlines()
        table: dict[str, tuple[tuple[str, int], ...]] = {}
        for number, line in enumerate(lines, start=1):
            if not line or line.startswith("#"):
                continue
            try:
                label, above = _label_line(line)
                if label in table:
                    raise ValueError("the label has a line already")
            except ValueError as error:
                raise ModelError(f"{path} is damaged in line {number} ({error}). {ADVICE}") from error
            table[label] = above
        if not table or not text.endswith("\n"):
            raise ModelError(f"{path} is cut short after line {len(lines)}. {ADVICE}")
        return cls(table)

    def __len__(self) -> int:
        return len(self.table)

    def above(self, label: str) -> tuple[tuple[str, int], ...]:
        """Return words for what a label is a kind of, with the steps up (0: a synonym); none for an unknown label."""
        return self.table.get(label, ())


def _label_line(line: str) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Parse a line into its label, and the words above it with their steps; raises `ValueError`."""
    label, *groups = line.split("\t")
    above: list[tuple[str, int]] = []
    last = -1
    for group in groups:
        count, _, words = group.partition(":")
        steps = int(count)
        if steps <= last:
            raise ValueError(f"{steps} steps after {last}")
        last = steps
        above += [(word.strip(), steps) for word in words.split(",")]
    if not label.strip() or not all(word for word, _ in above):
        raise ValueError("a word is missing")
    return label, tuple(above)
