"""What many photos take, from what some take: `python -m benchmarks.scale --write docs/scale.md`, with its plots.

Parts are measured one by one, each into a JSON file of the folder `--figures`, so that they can be measured at
different times: `--part captioning`, `machines`, `database`, `postgres` (with `--url`), `index`, `milvus`. Without
`--part` all that lack a file are. Times are those of the processor, so that other work on the machine stretches them
less.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import captioning
from benchmarks.photos import fill
from benchmarks.process import run_module
from photosearch.pictures.images import decode, thumbnail
from photosearch.settings import Settings
from photosearch.sources import demo
from photosearch.workspace import Workspace

FEW, MANY = 500, 2_500  # photos of a library; the difference is what one photo takes
CAPTIONED_FEW, CAPTIONED_MANY = 32, 192
SIDE_PX = 640
LARGE_PX = (4000, 3000)  # what telephones take
INDEXED = (10_000, 100_000)
IN_MILVUS = (1_000, 20_000)
RAY_FEW, RAY_MANY, RAY_TURNS = 50, 450, 2  # photos, and how often both ways are measured
LIMIT_S = 4 * 3600


@dataclass(frozen=True)
class Captioning:
    """What captioning takes of the processor, with objects, labels and concepts."""

    n_photos: int
    core_ms: float  # a photo of `SIDE_PX`, without the start of the process
    decode_large_ms: float  # to decode a photo of `LARGE_PX`
    thumbnail_kb: float  # mean of the demo's photos
    load: float


@dataclass(frozen=True)
class Machines:
    """Captioning by a Ray cluster of two machines of one core each, beside the same cores without Ray."""

    n_photos: int
    n_turns: int
    core_share: float  # the processor's time of one more photo: that without Ray, divided by that with it
    clock_share: float  # of the speed with `n_photos`, from start to end
    load: float


@dataclass(frozen=True)
class Database:
    """What a database keeps of a photo."""

    n_photos: int
    photo_kb: float


@dataclass(frozen=True)
class Indexed:
    """An index of some photos (`benchmarks.large.Streamed`)."""

    n_photos: int
    core_s: float
    peak_mb: float
    disk_mb: float
    ten_ms: float
    add_s: float
    load: float


@dataclass(frozen=True)
class InMilvus:
    """Photos in Milvus Lite (`benchmarks.milvus`)."""

    n_photos: int
    photo_kb: float  # as it is sent
    ours_ms: float  # of the processor, for ten words, the best 100 with reasons: without Milvus
    lite_ms: float  # ... of Milvus Lite, which reads through all photos
    load: float


def measure_captioning() -> Captioning:
    """Caption two numbers of photos, and decode a large one."""
    costs = []
    with tempfile.TemporaryDirectory() as scratch:
        for n in (CAPTIONED_FEW, CAPTIONED_MANY):
            folder = Path(scratch) / str(n)
            folder.mkdir()
            captioning.make_photos(folder, n, SIDE_PX)
            costs.append(captioning.caption(folder, Path(scratch) / f"library-{n}", n).processor_s)
    n_more = CAPTIONED_MANY - CAPTIONED_FEW
    sizes, large_ms = decoded()
    return Captioning(n_more, 1000 * (costs[1] - costs[0]) / n_more, large_ms, sizes, os.getloadavg()[0])


def decoded() -> tuple[float, float]:
    """Return the mean size of the demo's thumbnails in KB, and the ms of the processor for decoding a large photo."""
    names = [f"{package}/{name}" for package, names in demo.PHOTOS.items() for name in names]
    contents = [demo.path_of(name).read_bytes() for name in names]
    kb = sum(len(thumbnail(decode(content))) for content in contents) / len(contents) / 1000
    large = _large_jpeg(contents[0])
    began = time.process_time()
    for _ in range(5):
        decode(large)
    return kb, 1000 * (time.process_time() - began) / 5


def _large_jpeg(content: bytes) -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        image.convert("RGB").resize(LARGE_PX).save(out, "JPEG", quality=90)
    return out.getvalue()


def measure_machines() -> Machines:
    """Caption by a Ray cluster and without, in turns."""
    from benchmarks.machines import measure

    few, many = (measure(n, RAY_TURNS) for n in (RAY_FEW, RAY_MANY))
    without, by_ray = (after - before for before, after in zip(few.core_s(), many.core_s(), strict=True))
    return Machines(RAY_MANY, RAY_TURNS, without / by_ray, many.share, many.load)


def measure_milvus(n: int) -> InMilvus:
    """Write photos to Milvus Lite, and search them."""
    from benchmarks.milvus import TOP, measure_at

    found = measure_at(n)
    asked = found.milvus[TOP]
    return InMilvus(n, found.photo_kb, asked.core_ms, asked.lite_ms, found.load)


def measure_database(url: str | None = None) -> Database:
    """Fill a library with two numbers of photos, and weigh what a photo adds."""
    sizes = []
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Workspace(Settings(Path(scratch), database=url))
        for first, last in ((0, FEW), (FEW, MANY)):
            fill(workspace, last - first, first=first)
            sizes.append(_database_bytes(workspace, Path(scratch), url))
        workspace.close()
    return Database(MANY - FEW, (sizes[1] - sizes[0]) / (MANY - FEW) / 1000)


def _database_bytes(workspace: Workspace, folder: Path, url: str | None) -> int:
    from sqlalchemy import text

    with workspace.library.reading() as connection:
        if url:
            return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return (folder / "library.sqlite").stat().st_size


def measure_index(n: int) -> Indexed:
    """Index photos in a stream, search them and add some, in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        found = run_module("benchmarks.large", "stream", Path(scratch) / "index", n, limit_s=LIMIT_S)
    return Indexed(
        n,
        found["core_s"],
        found["peak_mb"],
        found["disk_mb"],
        found["ten"]["core_ms"],
        min(found["add_core_s"]),
        os.getloadavg()[0],
    )


@dataclass(frozen=True)
class Figures:
    """All that was measured; None where a part was not."""

    captioning: Captioning
    database: Database
    index: list[Indexed]
    postgres: Database | None = None
    machines: Machines | None = None
    milvus: list[InMilvus] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> Figures:
        """Read the parts' files."""
        postgres, machines = folder / "postgres.json", folder / "machines.json"
        return cls(
            _read(Captioning, folder / "captioning.json"),
            _read(Database, folder / "database.json"),
            _read_sizes(Indexed, folder, "index"),
            _read(Database, postgres) if postgres.exists() else None,
            _read(Machines, machines) if machines.exists() else None,
            _read_sizes(InMilvus, folder, "milvus"),
        )


Part = TypeVar("Part")


def _read(kind: Callable[..., Part], path: Path) -> Part:
    return kind(**json.loads(path.read_text(encoding="utf-8")))


def _read_sizes(kind: Callable[..., Part], folder: Path, part: str) -> list[Part]:
    """Return what was measured of several numbers of photos, the smallest first."""
    return [
        _read(kind, path)
        for path in sorted(folder.glob(f"{part}-*.json"), key=lambda path: int(path.stem[len(part) + 1 :]))
    ]


def measure(folder: Path, only: str | None, sizes: tuple[int, ...], url: str | None) -> None:
    """Measure parts that have no file yet, and write their files."""
    parts: dict[str, Callable[[], Any]] = {
        "captioning": measure_captioning,
        "machines": measure_machines,
        "database": measure_database,
    }
    if url:
        parts["postgres"] = lambda: measure_database(url)
    parts |= {f"index-{n}": partial(measure_index, n) for n in sizes}
    parts |= {f"milvus-{n}": partial(measure_milvus, n) for n in IN_MILVUS}
    folder.mkdir(parents=True, exist_ok=True)
    for name, work in parts.items():
        path = folder / f"{name}.json"
        if name.partition("-")[0] == only or (only is None and not path.exists()):
            print(f"{name} ...", flush=True)
            path.write_text(json.dumps(asdict(work())), encoding="utf-8")


def main() -> None:
    """Measure, and write on request."""
    from benchmarks.on_paper import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="Markdown file with a part for the figures; plots go beside it")
    parser.add_argument("--figures", type=Path, default=Path("scale-figures"), help="folder of what was measured")
    parser.add_argument("--part", choices=[part.name for part in fields(Figures)], help="measure this part only")
    parser.add_argument("--sizes", type=int, nargs="*", default=list(INDEXED), help="photos to index")
    parser.add_argument("--url", help="an empty PostgreSQL database")
    options = parser.parse_args()
    measure(options.figures, options.part, tuple(options.sizes), options.url)
    if options.write:
        machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        write(options.write, Figures.read(options.figures), machine)


if __name__ == "__main__":
    main()
