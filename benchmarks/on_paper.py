"""What a hundred thousand to a billion photos take, reckoned from what was measured, with plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.plots import Line, log_plot, short
from training.card import replace_part

if TYPE_CHECKING:
    from benchmarks.scale import Figures, Indexed, InMilvus

SIZES = (100_000, 1_000_000, 10_000_000, 1_000_000_000)
CORES = 16  # of a node
WEEK_H = 7 * 24
_SENT = "Milvus, as photos are sent to it"
_BESIDE = "... in Milvus, without its servers' own time"
_RUN = "`python -m benchmarks.scale --part"


class Paper:
    """The figures of any number of photos: what one photo takes, times their number."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        first, last = figures.index[0], figures.index[-1]
        more = last.n_photos - first.n_photos
        self._query_ms = (last.ten_ms - first.ten_ms) / more  # a photo
        self._asking_ms = first.ten_ms - self._query_ms * first.n_photos
        self._indexing_s = last.core_s / last.n_photos
        self.index_kb = 1000 * last.disk_mb / last.n_photos

    def captioning_h(self, n: int) -> float:
        """Return hours of one core for captioning photos as telephones take them."""
        one = self.figures.captioning
        return n * (one.core_ms + one.decode_large_ms) / 3.6e6

    def by_ray_h(self, n: int) -> float:
        """Return the same hours of a core of a Ray cluster, whose share was measured; without Ray where it was not."""
        machines = self.figures.machines
        return self.captioning_h(n) / (machines.core_share if machines else 1.0)

    def indexing_h(self, n: int) -> float:
        """Return hours of one core for indexing."""
        return n * self._indexing_s / 3600

    def query_ms(self, n: int) -> float:
        """Return the time of one core for ten words with related ones, the best hundred with reasons."""
        return self._asking_ms + self._query_ms * n

    def stored(self) -> dict[str, float]:
        """Return what a photo takes on disk, in KB."""
        figures = self.figures
        kept = {"SQLite": figures.database.photo_kb}
        if figures.postgres:
            kept["PostgreSQL"] = figures.postgres.photo_kb
        kept |= {"index": self.index_kb, "thumbnails": figures.captioning.thumbnail_kb}
        return kept | ({_SENT: figures.milvus[-1].photo_kb} if figures.milvus else {})


def write(path: Path, figures: Figures, machine: str) -> None:
    """Write tables into the Markdown file's part, and the plots beside it."""
    paper = Paper(figures)
    for name, plot in (("query", query_plot(paper)), ("hours", hours_plot(paper)), ("disk", disk_plot(paper))):
        path.with_name(f"{path.stem}-{name}.svg").write_text(plot, encoding="utf-8")
    shown = "\n".join(f"![{title}]({path.stem}-{name}.svg)\n" for name, title in _PLOTS.items())
    parts = [
        f"On {machine}; captioning at a load of {figures.captioning.load:.0f}.",
        "### Measured",
        _measured(figures),
        _indexes(figures.index),
        *([_in_milvus(figures.milvus)] if figures.milvus else []),
        "### On paper",
    ]
    text = "\n\n".join([*parts, _paper(paper), shown.rstrip()])
    replace_part(path, "measured", text)


_PLOTS = {
    "query": "The time of a query by the number of photos",
    "hours": "Hours of one core by the number of photos",
    "disk": "Disk space by the number of photos",
}


def _measured(figures: Figures) -> str:
    one = figures.captioning
    rows = [
        ["captioning with objects, labels and predicted terms", f"{one.core_ms:.0f} ms of a core", "captioning"],
        ["... decoding a photo of 12 megapixels besides", f"{one.decode_large_ms:.0f} ms of a core", "captioning"],
        *_by_ray(figures),
        ["its thumbnail", f"{one.thumbnail_kb:.0f} KB", "captioning"],
        ["what SQLite keeps of it", f"{figures.database.photo_kb:.1f} KB", "database"],
    ]
    if figures.postgres:
        rows.append(["what PostgreSQL keeps of it", f"{figures.postgres.photo_kb:.1f} KB", "postgres"])
    return _table(["a photo", "takes", "measured"], [[*row[:2], f"{_RUN} {row[2]}`"] for row in rows])


def _by_ray(figures: Figures) -> list[list[str]]:
    one = figures.machines
    if one is None:
        return []
    share = (
        f"{one.core_share:.2f} of the speed of the same cores without Ray; by the clock {one.clock_share:.2f} for"
        f" {one.n_photos:,} photos of 224 px, starts included ({one.n_turns} turns, load {one.load:.0f})"
    )
    return [["... by a Ray cluster of two machines of one core each", share, "machines"]]


def _in_milvus(found: Sequence[InMilvus]) -> str:
    rows = {
        "sent, a photo": [f"{one.photo_kb:.1f} KB" for one in found],
        "ten words with related ones, the best 100 with reasons, a core: this program": [
            f"{o.ours_ms:.1f} ms" for o in found
        ],
        "... Milvus Lite, which reads through all photos": [f"{one.lite_ms:.0f} ms" for one in found],
        "load": [f"{one.load:.0f}" for one in found],
    }
    head = [f"Milvus ({_RUN} milvus`)", *(f"{one.n_photos:,} photos" for one in found)]
    return _table(head, [[name, *values] for name, values in rows.items()])


def _indexes(index: Sequence[Indexed]) -> str:
    each = [1000 * one.core_s / one.n_photos for one in index]
    rows = {
        "made and saved, a core": [f"{o.core_s:.1f} s: {ms:.2f} ms a photo" for o, ms in zip(index, each, strict=True)],
        "memory at the peak": [f"{one.peak_mb:,.0f} MB" for one in index],
        "on disk": [f"{one.disk_mb:,.0f} MB: {1000 * one.disk_mb / one.n_photos:.1f} KB a photo" for one in index],
        "ten words with related ones, the best 100 with reasons, a core": [f"{one.ten_ms:.1f} ms" for one in index],
        "1,000 photos added and saved, a core": [f"{one.add_s:.2f} s" for one in index],
        "load": [f"{one.load:.0f}" for one in index],
    }
    head = [f"index ({_RUN} index`)", *(f"{one.n_photos:,} photos" for one in index)]
    return _table(head, [[name, *values] for name, values in rows.items()])


def _paper(paper: Paper) -> str:
    alone = [paper.captioning_h(n) / CORES for n in SIZES]
    by_ray = [paper.by_ray_h(n) / CORES for n in SIZES]
    milvus = paper.figures.milvus
    rows = {
        f"captioning: hours of a node of {CORES} such cores": [_number(h) for h in alone],
        **({"... of a Ray cluster's": [_number(h) for h in by_ray]} if paper.figures.machines else {}),
        "... nodes that do it in a week": [f"{max(1, -(-h // WEEK_H)):,.0f}" for h in by_ray],
        "the index made anew: hours of one core": [_number(paper.indexing_h(n)) for n in SIZES],
        **{name: [_disk(kb * n) for n in SIZES] for name, kb in paper.stored().items()},
        "a query of ten words in one index, one core": [_time(paper.query_ms(n)) for n in SIZES],
        **({_BESIDE: [_time(milvus[-1].ours_ms) for _ in SIZES]} if milvus else {}),
    }
    return _table(["", *(f"{n:,} photos" for n in SIZES)], [[name, *values] for name, values in rows.items()])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def _disk(kb: float) -> str:
    return f"{_number(kb / 1e9)} TB" if kb >= 1e9 else f"{_number(kb / 1e6)} GB"


def _time(ms: float) -> str:
    return f"{_number(ms / 1000)} s" if ms >= 1000 else f"{_number(ms)} ms"


def query_plot(paper: Paper) -> str:
    """Plot the time of a query."""
    index = paper.figures.index
    points = [(one.n_photos, one.ten_ms) for one in index]
    beyond = [(n, paper.query_ms(n)) for n in SIZES if n > index[-1].n_photos]
    lines = [Line("ten words in one index, one core", [*points, *beyond], len(points))]
    if milvus := paper.figures.milvus:
        asked = [(one.n_photos, one.ours_ms) for one in milvus]
        lines.append(Line(_BESIDE, [*asked, *((n, milvus[-1].ours_ms) for n in SIZES)], len(asked)))
    return log_plot("photos", "ms", lines)


def hours_plot(paper: Paper) -> str:
    """Plot what captioning and indexing take."""
    index, one = paper.figures.index, paper.figures.captioning
    captioned = [(n, paper.captioning_h(n)) for n in (one.n_photos, *SIZES)]
    indexed = [(i.n_photos, i.core_s / 3600) for i in index]
    beyond = [(n, paper.indexing_h(n)) for n in SIZES if n > index[-1].n_photos]
    lines = [Line("captioning", captioned, 1), Line("indexing", [*indexed, *beyond], len(indexed))]
    return log_plot("photos", "hours of one core", lines)


def disk_plot(paper: Paper) -> str:
    """Plot what is kept."""
    lines = []
    for name, kb in paper.stored().items():
        points = [(n, kb * n / 1e6) for n in SIZES]
        lines.append(Line(f"{name}: {short(round(kb, 1))} KB a photo", points))
    return log_plot("photos", "GB", lines)


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows))
