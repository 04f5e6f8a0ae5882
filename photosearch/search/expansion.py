"""The expansion table: which terms of a photo a query's word should also count for ("kid -> child 0.31, young 0.22").

It was learned once (`training.expansion`); searching reads it as a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from photosearch.errors import ModelError
from photosearch.vision.model_folder import ADVICE, read_table

FILE_NAME = "expansion.txt"


class Expansion:
    """Related terms with weights above 0 and below 1, largest first."""

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
        return cls(table)

    def __len__(self) -> int:
        return len(self._table)

    def related(self, term: str) -> tuple[tuple[str, float], ...]:
        """The terms that a query's term also counts for; none for one that the table lacks."""
        return self._table.get(term, ())
