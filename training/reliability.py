"""How often people say a predicted term, by its probability: a table and a plot for the concept model's card."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from photosearch.evaluation.described_photos import DescribedPhoto
from photosearch.records import Findings
from photosearch.words.analyzer import is_pair, stems

EDGES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of the bins; below the first lies most
SIDE_PX, MARGIN_PX = 320, 40
COLOURS = ("#1f77b4", "#d95f02", "#2a9d5c")


@dataclass(frozen=True)
class Bin:
    """The predicted terms of some photos whose probability lies in one interval."""

    predicted: float  # their mean probability
    said: float  # the mean share of their photos' descriptions that hold them
    n: int


def reliability(photos: Sequence[DescribedPhoto], findings: Sequence[Findings]) -> list[Bin]:
    """Compare the probabilities of single terms with what people say; bins without any term are left out."""
    points: list[tuple[float, float]] = []
    for photo, found in zip(photos, findings, strict=True):
        held = [set(stems(text)) for text in photo.descriptions]
        points += [
            (concept.prob, sum(concept.term in words for words in held) / len(held))
            for concept in found.concepts
            if not is_pair(concept.term)
        ]
    bins = []
    for low, high in itertools.pairwise(EDGES):
        inside = [point for point in points if low <= point[0] < high]
        if inside:
            n = len(inside)
            bins.append(Bin(sum(p for p, _ in inside) / n, sum(said for _, said in inside) / n, n))
    return bins


def reliability_table(measured: Mapping[str, Sequence[Bin]]) -> str:
    """Return a Markdown table: for each set the terms' mean probability, how often they were said, and their number."""
    lines = ["| set | predicted | said | terms |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {name} | {b.predicted:.2f} | {b.said:.2f} | {b.n:,} |" for name, bins in measured.items() for b in bins
    ]
    return "\n".join(lines)


def reliability_plot(measured: Mapping[str, Sequence[Bin]]) -> str:
    """Return the plot as SVG: a line a set, with the diagonal on which probabilities mean what they say."""
    size = SIDE_PX + 2 * MARGIN_PX

    def place(x: float, y: float) -> tuple[float, float]:
        return MARGIN_PX + x * SIDE_PX, MARGIN_PX + (1 - y) * SIDE_PX

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" font-family="sans-serif" font-size="12">',
        f'<rect width="{size}" height="{size}" fill="white"/>',
        f'<rect x="{MARGIN_PX}" y="{MARGIN_PX}" width="{SIDE_PX}" height="{SIDE_PX}" fill="none" stroke="#999"/>',
        _line([place(0, 0), place(1, 1)], "#999", ' stroke-dasharray="4"'),
        f'<text x="{size / 2}" y="{size - 8}" text-anchor="middle">predicted probability</text>',
        f'<text x="12" y="{size / 2}" text-anchor="middle" transform="rotate(-90 12 {size / 2})">said by people</text>',
    ]
    for share in (0.0, 0.5, 1.0):
        x, y = place(share, share)
        parts.append(f'<text x="{x:.0f}" y="{MARGIN_PX + SIDE_PX + 16}" text-anchor="middle">{share:g}</text>')
        parts.append(f'<text x="{MARGIN_PX - 6}" y="{y + 4:.0f}" text-anchor="end">{share:g}</text>')
    for row, (colour, (name, bins)) in enumerate(zip(COLOURS, measured.items(), strict=False)):
        points = [place(b.predicted, b.said) for b in bins]
        parts.append(_line(points, colour))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(f'<text x="{MARGIN_PX + 10}" y="{MARGIN_PX + 18 + 16 * row}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _line(points: Sequence[tuple[float, float]], colour: str, more: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{more}/>'
