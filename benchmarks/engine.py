"""Benchmark the search engine and others on made-up captions: `python -m benchmarks.engine [--write FILE.md]`."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.captions import Statistics, likeness_table
from benchmarks.ours import Ours
from benchmarks.peers import PEERS, Compared
from benchmarks.process import Times
from benchmarks.sample import N_MORE, N_QUERIES, TOP, Sample
from training.card import replace_part

SIZES = (10_000, 100_000, 1_000_000)
SMALL, LARGE = SIZES[0], SIZES[-1]
FREE = ("tantivy", "tantivy-uncounted")  # the peers that may be ahead


@dataclass(frozen=True)
class Measured:
    """All figures, by number of captions."""

    sample_s: float
    likeness: str
    ours: dict[int, Ours]
    peers: dict[int, dict[str, Compared]]

    def ratio(self, key: str, n: int) -> float:
        """Return a peer's time for ten words divided by ours."""
        return self.peers[n][key].ten.median_ms / self.ours[n].searched.ten.median_ms


def measure(sizes: tuple[int, ...], keys: list[str]) -> Measured:
    """Make captions, and measure our engine and the peers on them."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, statistics = Path(scratch), Statistics.load()
        started = time.perf_counter()
        sample = Sample.make(folder, statistics, max(sizes))
        sample_s = time.perf_counter() - started
        likeness = likeness_table(statistics, sample.captions(statistics.real.n_captions))
        ours, peers = {}, {}
        for n in sizes:
            print(f"{n:,} captions ...", flush=True)
            ours[n] = Ours.measure(sample, n, folder / f"index-{n}")
            peers[n] = {key: Compared.measure(key, sample, n) for key in keys if n <= PEERS[key].most}
        return Measured(sample_s, likeness, ours, peers)


@dataclass(frozen=True)
class Check:
    """A requirement of the engine, and whether it is met."""

    required: str
    found: str
    is_met: bool


def checks(found: Measured) -> list[Check]:
    """Check the requirements at the largest size."""
    n = max(found.ours)
    ours, peers = found.ours[n], found.peers[n]
    made = [
        _below("ten words", ours.searched.ten.median_ms, 15, "ms"),
        _below("two words", ours.searched.two.median_ms, 5, "ms"),
        _below("memory of the open index", ours.searched.memory.resident_mb, 400, "MB"),
        _below("opening, with a first search", ours.searched.open_s, 1, "s"),
        _below("building", ours.built.build_s, 60, "s"),
        _below(f"adding {N_MORE:,} photos", ours.changed.add_s, 1, "s"),
    ]
    first = found.ours[min(found.ours)].searched.ns_a_posting
    growth = f"{first:.0f} ns a posting at {min(found.ours):,} captions, {ours.searched.ns_a_posting:.0f} at {n:,}"
    made.append(
        Check(
            "the time of a query grows no faster than the postings it reads",
            growth,
            ours.searched.ns_a_posting <= first,
        )
    )
    for key in peers:
        times = found.ratio(key, n)
        said = f"it takes {times:.2f} times as long as ours"
        if key in FREE:
            made.append(Check(f"within 4 times of {PEERS[key].name}", said, times >= 1 / 4))
        else:
            made.append(Check(f"ahead of {PEERS[key].name}", said, times > 1))
    if "original" in found.peers.get(SMALL, {}):
        times = found.ratio("original", SMALL)
        required = f"at least 1,000 times as fast as the older system's way at {SMALL:,}"
        made.append(Check(required, f"{times:,.0f} times", times >= 1000))
    return made


def _below(what: str, value: float, limit: float, unit: str) -> Check:
    return Check(f"{what}: under {limit:g} {unit}", f"{value:.3g} {unit}", value < limit)


def ours_table(ours: dict[int, Ours]) -> str:
    """Return our figures as a table, one column for each size."""
    of = list(ours.values())
    rows: list[tuple[str, list[str]]] = [
        ("built", [f"{o.built.build_s:.2f} s" for o in of]),
        ("memory at the peak of building", [f"{o.built.peak_mb:,.0f} MB" for o in of]),
        ("saved", [f"{o.built.save_s:.2f} s" for o in of]),
        ("size on disk", [f"{o.built.disk_mb:,.1f} MB" for o in of]),
        ("opened by a new process, with a first search", [f"{1000 * o.searched.open_s:,.0f} ms" for o in of]),
        ("memory of the open index after all searches", [f"{o.searched.memory.resident_mb:,.0f} MB" for o in of]),
        ("... of it the process's own, the rest is shared", [f"{o.searched.memory.own_mb:,.0f} MB" for o in of]),
        ("ten words, median", [f"{o.searched.ten.median_ms:.2f} ms" for o in of]),
        ("... of it on the processor", [f"{o.searched.ten.core_ms:.2f} ms" for o in of]),
        ("ten words, 95 of 100 under", [f"{o.searched.ten.p95_ms:.2f} ms" for o in of]),
        ("two words, median", [f"{o.searched.two.median_ms:.2f} ms" for o in of]),
        ("... of it on the processor", [f"{o.searched.two.core_ms:.2f} ms" for o in of]),
        ("two words, 95 of 100 under", [f"{o.searched.two.p95_ms:.2f} ms" for o in of]),
        ("ten words with the expansion table, median", [f"{o.searched.related.median_ms:.2f} ms" for o in of]),
        ("postings read for ten words, mean", [f"{o.searched.n_postings:,.0f}" for o in of]),
        ("time a posting, all of the query divided", [f"{o.searched.ns_a_posting:.1f} ns" for o in of]),
        (f"{N_MORE:,} photos added and saved", [f"{o.changed.add_s:.2f} s" for o in of]),
        ("one photo corrected and saved", [f"{o.changed.correct_s:.2f} s" for o in of]),
        (f"{N_MORE:,} photos removed and saved", [f"{o.changed.remove_s:.2f} s" for o in of]),
    ]
    return _table(["captions", *(f"{n:,}" for n in ours)], [[name, *values] for name, values in rows])


def peers_table(found: Measured, n: int) -> str:
    """Return the figures of ours and the peers at one size, as a table."""
    ours = found.ours[n]
    rows = [["ours, with reasons", f"{ours.built.build_s:.1f} s", *_medians(ours.searched.ten, ours.searched.two), "1"]]
    for key, peer in found.peers[n].items():
        build = "each time" if key == "original" else f"{peer.build_s:.1f} s"
        n_asked = "" if peer.ten.n == N_QUERIES else f" ({peer.ten.n} queries)"
        rows.append([PEERS[key].name + n_asked, build, *_medians(peer.ten, peer.two), f"{found.ratio(key, n):,.2f}"])
    head = [f"{n:,} captions", "built", "ten words", "... on the processor", "two words", "ten words, ours = 1"]
    return _table(head, rows)


def _medians(ten: Times, two: Times) -> list[str]:
    return [f"{ten.median_ms:.2f} ms", f"{ten.core_ms:.2f} ms", f"{two.median_ms:.2f} ms"]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(found: Measured) -> str:
    """Return all figures in Markdown."""
    done = [[check.required, check.found, "yes" if check.is_met else "**no**"] for check in checks(found)]
    machine = f"{platform.machine()}, Python {platform.python_version()}, one of {os.cpu_count()} cores"
    return "\n\n".join(
        [
            f"On {machine}, load {os.getloadavg()[0]:.1f}: {N_QUERIES} queries each unless said otherwise, medians,"
            f" the best {TOP} photos.",
            "### Ours",
            ours_table(found.ours),
            "### Beside others",
            *(peers_table(found, n) for n in found.ours),
            "### What was asked",
            _table([f"at {max(found.ours):,} captions", "found", "met"], done),
            "### The captions",
            f"Sampled in {found.sample_s:.1f} s with the queries; the first of them beside real ones:",
            found.likeness,
        ]
    )


def main() -> None:
    """Measure, print, and write to a file on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="Markdown file with a part for the figures")
    parser.add_argument("--most", type=int, default=LARGE, help="captions at most")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS), help="which peers")
    options = parser.parse_args()
    started = time.perf_counter()
    text = report(measure(tuple(n for n in SIZES if n <= options.most), options.peers))
    print(f"{text}\n\nmeasured in {(time.perf_counter() - started) / 60:.1f} minutes")
    if options.write:
        replace_part(options.write, "measured", text)


if __name__ == "__main__":
    main()
