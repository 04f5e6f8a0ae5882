"""What a label is a kind of: "Border collie" is a shepherd dog, a working dog, a dog, an animal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from photosearch.errors import ModelError
from photosearch.vision.model_folder import ADVICE, read_table


class Hypernyms:
    """A table made from WordNet (`training.labels`)."""

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
                label, above = _parsed(line)
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
        """Words for what a label is a kind of, with the steps up (0: another name); none for an unknown label."""
        return self.table.get(label, ())


def _parsed(line: str) -> tuple[str, tuple[tuple[str, int], ...]]:
    """A line's label, and the words above it with their steps; raises `ValueError`."""
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
