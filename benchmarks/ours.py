"""Our search engine, measured: `python -m benchmarks.ours build|search|change SAMPLE N INDEX` prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.process import Memory, Times, keep_to_one_core, run_module, timed, took_s
from benchmarks.sample import N_MORE, TOP, Sample
from photosearch.records import Document
from photosearch.search.index import Index, Tables
from photosearch.search.index.storage import Store
from photosearch.search.word_tables import EXPANSION_FILE, Expansion
from photosearch.settings import MODELS_DIR


@dataclass(frozen=True)
class Built:
    """Figures of building an index and saving it."""

    build_s: float
    save_s: float
    disk_mb: float
    peak_mb: float


@dataclass(frozen=True)
class Searched:
    """Figures of a saved index that a new process opens and searches."""

    open_s: float  # with a first search
    memory: Memory  # after all searches without related words
    ten: Times
    two: Times
    related: Times  # ten words with the expansion table
    n_postings: float  # read for a query of ten words, on average

    @property
    def ns_a_posting(self) -> float:
        """Return the time of a query divided by the number of postings that it reads."""
        return 1e6 * self.ten.mean_ms / self.n_postings


@dataclass(frozen=True)
class Changed:
    """Seconds for each update of an opened index, saving included."""

    add_s: float
    correct_s: float
    remove_s: float


@dataclass(frozen=True)
class Ours:
    """All figures for one number of captions."""

    built: Built
    searched: Searched
    changed: Changed

    @classmethod
    def measure(cls, sample: Sample, n: int, folder: Path) -> Ours:
        """Measure in three processes, one after another."""
        built, searched, changed = (
            run_module("benchmarks.ours", part, sample.folder, n, folder) for part in ("build", "search", "change")
        )
        times = {name: Times(**searched[name]) for name in ("ten", "two", "related")}
        whole = searched | times | {"memory": Memory(**searched["memory"])}
        return cls(Built(**built), Searched(**whole), Changed(**changed))


def photo_id(number: int) -> str:
    """Return an id of 16 digits, as a library makes them."""
    return f"{number:016x}"


def documents(captions: Iterable[str], first: int = 0) -> Iterator[Document]:
    """Return a generator of photos with one caption each."""
    return (Document(photo_id(first + i), captions=(caption,)) for i, caption in enumerate(captions))


def open_index(folder: Path, tables: Tables | None = None) -> Index:
    """Open the saved index."""
    saved = Store(folder).open(tables or Tables())
    if saved is None:
        raise ValueError(f"{folder} holds no index")
    return saved.index


def build(sample: Sample, n: int, folder: Path) -> Built:
    """Make an index and save it."""
    captions = sample.captions(n)
    started = time.perf_counter()
    index = Index(documents(captions))
    build_s = time.perf_counter() - started
    save_s = took_s(lambda: Store(folder).save(index, 1))
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(line for line in status if line.startswith("VmHWM"))
    n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Built(build_s, save_s, n_bytes / 1e6, int(peak.split()[1]) / 1024)


def search(sample: Sample, _: int, folder: Path) -> Searched:
    """Measure opening and searching."""
    ten, two = sample.queries("ten"), sample.queries("two")
    before = Memory.now()
    started = time.perf_counter()
    index = open_index(folder)
    index.search(ten[0], top=TOP, expand=False)
    open_s = time.perf_counter() - started
    of_ten = timed(lambda query: index.search(query, top=TOP, expand=False), ten)
    of_two = timed(lambda query: index.search(query, top=TOP, expand=False), two)
    memory = Memory.now().since(before)
    related = open_index(folder, Tables(expansion=Expansion.load(MODELS_DIR / "expansion" / EXPANSION_FILE)))
    of_related = timed(lambda query: related.search(query, top=TOP), ten)
    n_postings = sum(index.n_postings(query, expand=False) for query in ten) / len(ten)
    return Searched(open_s, memory, of_ten, of_two, of_related, n_postings)


def change(sample: Sample, n: int, folder: Path) -> Changed:
    """Measure adding, correcting and removing, and check the index that was saved last."""
    store = Store(folder)
    saved = store.open(Tables())
    if saved is None:
        raise ValueError(f"{folder} holds no index")
    index, more = saved.index, list(documents(sample.captions(N_MORE, n), n))
    corrected, said = photo_id(n // 2), "a zyzzyva on a xylophone"
    took = []
    for added, removed in (
        (more, []),
        ([Document(corrected, human=(said,))], []),
        ([], [photo_id(i) for i in range(N_MORE)]),
    ):
        started = time.perf_counter()
        index = index.updated(added, removed)
        store.save(index, 1)
        took.append(time.perf_counter() - started)
    anew = open_index(folder)
    if len(anew) != n or [match.photo_id for match in anew.search(said, top=1)[1]] != [corrected]:
        raise ValueError("the changed index is wrong")
    return Changed(*took)


def main() -> None:
    """Measure one part and print it."""
    part, sample, n, folder = sys.argv[1:]
    keep_to_one_core()
    parts: dict[str, Callable[[Sample, int, Path], Built | Searched | Changed]] = {
        "build": build,
        "search": search,
        "change": change,
    }
    print(json.dumps(asdict(parts[part](Sample(Path(sample)), int(n), Path(folder)))))


if __name__ == "__main__":
    main()
