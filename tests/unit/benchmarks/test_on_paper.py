"""What many photos take is reckoned from what was measured, and the plots show which is which."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.on_paper import Paper, write
from benchmarks.plots import Axis, Line, log_plot
from benchmarks.scale import Captioning, Database, Figures, Indexed, InMilvus, Machines

SMALL = Indexed(10_000, 10.0, 600, 30, ten_ms=2.0, add_s=0.5, load=1)
FIGURES = Figures(
    Captioning(160, core_ms=40, decode_large_ms=20, thumbnail_kb=25, load=1),
    Database(2_000, 6.0),
    [SMALL, replace(SMALL, n_photos=110_000, core_s=110.0, disk_mb=330, ten_ms=12.0)],
    Database(2_000, 9.0),
    Machines(1_000, n_turns=2, core_share=0.8, clock_share=0.75, load=1),
    [
        InMilvus(1_000, photo_kb=2.9, ours_ms=10.0, lite_ms=100, load=1),
        InMilvus(20_000, photo_kb=3, ours_ms=12.0, lite_ms=500, load=1),
    ],
)


def test_what_one_photo_takes_is_multiplied() -> None:
    paper = Paper(FIGURES)
    assert paper.captioning_h(60_000) == pytest.approx(1.0)
    assert paper.indexing_h(3_600_000) == pytest.approx(1.0)
    assert paper.query_ms(1_000_000) == pytest.approx(101.0)  # 1 ms, and 0.1 ms for each thousand photos
    assert paper.by_ray_h(60_000) == pytest.approx(1.25)
    assert list(paper.stored().values()) == pytest.approx([6, 9, 3, 25, 3])


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with a part for the figures."""
    path = tmp_path / "scale.md"
    path.write_text("# Before\n<!-- measured -->\nold\n<!-- end of measured -->\nafter\n", encoding="utf-8")
    return path


def test_tables_and_plots_are_written(page: Path) -> None:
    write(page, FIGURES, "a machine")
    text = page.read_text(encoding="utf-8")
    assert "old" not in text
    assert text.startswith("# Before\n")
    assert "| SQLite | 0.6 GB | 6.0 GB | 60 GB | 6.0 TB |" in text
    assert "| a query of ten words in one index, one core | 11 ms | 101 ms | 1.0 s | 100 s |" in text
    assert "| ... in Milvus, without its servers' own time | 12 ms | 12 ms | 12 ms | 12 ms |" in text
    assert "| Milvus, as photos are sent to it | 0.3 GB | 3.0 GB | 30 GB | 3.0 TB |" in text
    assert "| sent, a photo | 2.9 KB | 3.0 KB |" in text
    assert "| 0.80 of the speed of the same cores without Ray; by the clock 0.75 for 1,000 photos of 224 px, " in text
    assert "| captioning: hours of a node of 16 such cores | 0.1 | 1.0 | 10 | 1,042 |" in text
    assert "| ... of a Ray cluster's | 0.13 | 1.3 | 13 | 1,302 |" in text
    assert "| ... nodes that do it in a week | 1 | 1 | 1 | 8 |" in text
    for name in ("query", "hours", "disk"):
        assert f"(scale-{name}.svg)" in text
        assert ElementTree.parse(page.with_name(f"scale-{name}.svg")).getroot().tag.endswith("svg")  # noqa: S314


def test_what_was_not_measured_is_left_out(page: Path) -> None:
    write(page, replace(FIGURES, postgres=None, machines=None, milvus=[]), "a machine")
    text = page.read_text(encoding="utf-8")
    assert not [name for name in ("PostgreSQL", "Ray", "Milvus") if name in text]
    assert "| ... nodes that do it in a week | 1 | 1 | 1 | 7 |" in text


def test_parts_are_read_from_their_files_the_smallest_size_first(tmp_path: Path) -> None:
    parts = {"captioning": FIGURES.captioning, "database": FIGURES.database, "machines": FIGURES.machines}
    parts |= {f"index-{one.n_photos}": one for one in FIGURES.index}
    parts |= {f"milvus-{one.n_photos}": one for one in FIGURES.milvus}
    for name, part in parts.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(asdict(part)), encoding="utf-8")
    assert Figures.read(tmp_path) == replace(FIGURES, postgres=None)


def test_what_is_reckoned_is_dashed_and_only_what_was_measured_has_dots() -> None:
    plot = ElementTree.fromstring(log_plot("n", "ms", [Line("a & b", [(10, 1), (100, 2), (1000, 9)], 2)]))  # noqa: S314
    lines = plot.findall("{*}polyline")
    assert len(plot.findall("{*}circle")) == 2
    assert [line.get("stroke-dasharray") is not None for line in lines] == [False, True]
    ends = [line.get("points", "").split() for line in lines]
    assert ends[0][-1] == ends[1][0]


def test_an_axis_goes_from_one_power_of_ten_to_another() -> None:
    axis = Axis.over("n", [20, 5_000], px=300)
    assert (axis.place(10), axis.place(100), axis.place(10_000)) == pytest.approx((0, 100, 300))
    assert axis.marks() == [(10, "10"), (100, "100"), (1_000, "1 k"), (10_000, "10 k")]
