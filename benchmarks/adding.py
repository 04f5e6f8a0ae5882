"""Adding photos: a large export, a list of addresses, a large library opened."""

from __future__ import annotations

import argparse
import csv
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import ExifTags, Image

from benchmarks.captioning import make_photos
from photosearch.library import Library
from photosearch.pictures.embedded import read_details
from photosearch.pictures.formats import is_picture_name
from photosearch.pipeline.adding import add_source
from photosearch.records import UNWATCHED, Failure, Listing, Watch
from photosearch.settings import Settings
from photosearch.sources.folder import FolderSource
from photosearch.workspace import Workspace

N_POSTS = 10_000
N_ADDRESSES = 1_000
N_LARGE = 100_000
N_READ = 1_000
SIDECARS_EVERY = 10  # photos
SIDECAR = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    b' xmp:Rating="3"><dc:subject><rdf:Bag><rdf:li>alpaca</rdf:li><rdf:li>farm</rdf:li></rdf:Bag></dc:subject>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def run(library: Path, *arguments: str, **environ: str) -> tuple[float, float]:
    """Run a command in a process of its own and return its seconds from start to end and its peak memory in MB."""
    seconds, _, peak_mb = measured_run(library, *arguments, **environ)
    return seconds, peak_mb


def measured_run(library: Path, *arguments: str, **environ: str) -> tuple[float, float, float]:
    """Run a command in a process of its own.

    Returns:
        Its seconds from start to end, its seconds of the processor, and its peak memory in MB.
    """
    return measured("photosearch", "--library", str(library), *arguments, **environ)


def measured(module: str, *arguments: str, **environ: str) -> tuple[float, float, float]:
    """Run a module in a process of its own; return what `measured_run` does."""
    command = [sys.executable, "-m", module, *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=os.environ | environ)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{module} {' '.join(arguments)} failed")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def list_export(scratch: Path) -> None:
    """Measure how long an export of many posts takes to list, alone and into the library, as ZIP and unpacked."""
    subprocess.run([sys.executable, "-m", "tests.exports", str(scratch), str(N_POSTS)], check=True)
    (path,) = scratch.glob("*.zip")
    with zipfile.ZipFile(path) as file:
        file.extractall(scratch / path.stem)
    for form, place in (("a ZIP", path), ("a folder", scratch / path.stem)):
        add = ("--library", str(scratch / f"library of {form}"), "add", str(place), "--no-caption")
        for what, command in (
            ("listed", ("benchmarks.listing", str(place))),
            ("listed and in the library", ("photosearch", *add)),
        ):
            seconds, busy_s, peak_mb = measured(*command)
            print(
                f"an export of {N_POSTS:,} posts as {form}, {what}, process start to end: {seconds:.1f} s,"
                f" {busy_s:.1f} s of the processor, peak {peak_mb:,.0f} MB (load {os.getloadavg()[0]:.1f})"
            )


def fetch_addresses(scratch: Path) -> None:
    """Small photos fetched from a server on this machine, decoded, hashed and kept."""
    photos = scratch / "photos"
    photos.mkdir()
    make_photos(photos, N_ADDRESSES)
    data = {f"/{path.name}": path.read_bytes() for path in photos.iterdir()}

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = data[self.path]
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not a word."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    listed = scratch / "addresses.csv"
    with listed.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["url"])
        rows.writerows([f"http://127.0.0.1:{server.server_port}{path}"] for path in sorted(data))
    seconds, peak_mb = run(scratch / "library", "add", str(listed), "--fetch", PHOTOSEARCH_ALLOW_PRIVATE="1")
    server.shutdown()
    print(
        f"{N_ADDRESSES:,} photos of 224 px fetched from a server on this machine, process start to end:"
        f" {seconds:.1f} s, {N_ADDRESSES / seconds:.0f} photos/s, peak {peak_mb:,.0f} MB"
    )


def list_folder(scratch: Path) -> None:
    """Measure the listing of a folder with names and sidecars, beside one that only lists files, and their reading."""
    folder = scratch / "photos"
    data = (Path(__file__).parent.parent / "photosearch" / "pictures" / "xmp.py").read_bytes()[:2_000]
    for number in range(N_LARGE):
        path = folder / f"{2000 + number // 5_000} Lisbon" / f"tram_{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if number % SIDECARS_EVERY == 0:
            path.with_suffix(".xmp").write_bytes(SIDECAR)
    busy_s = {}
    for name, source in (("files only", _FilesOnly(folder)), ("with names and sidecars", FolderSource(folder))):
        library = Library(scratch / name)
        started, busy = time.perf_counter(), time.process_time()
        report = add_source(library, source, "large", UNWATCHED)
        busy_s[name] = time.process_time() - busy
        print(
            f"a folder of {N_LARGE:,} photos listed, {name}: {time.perf_counter() - started:.1f} s,"
            f" {busy_s[name]:.1f} s of the processor (load {os.getloadavg()[0]:.1f})"
        )
        if report.n_new != N_LARGE:
            raise SystemExit(f"{report.n_new:,} photos were listed")
        library.close()
    plain, described = busy_s.values()
    print(
        f"with names, and a sidecar of each {SIDECARS_EVERY}th, {plain / described:.2f} times as fast by the processor"
    )
    photo = _with_exif()
    started = time.perf_counter()
    for _ in range(N_READ):
        read_details(photo)
    print(f"what a photo's file says of itself: {1000 * (time.perf_counter() - started) / N_READ:.2f} ms a photo")


class _FilesOnly(FolderSource):
    """Lists a folder as earlier versions did, without a thought for what names and neighbours say."""

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Yield each picture."""
        for parent, folders, names in os.walk(self._root):
            folders.sort()
            for name in sorted(names):
                if is_picture_name(name):
                    path = os.path.join(parent, name)
                    status = os.stat(path)
                    yield Listing(path, f"{status.st_size}:{status.st_mtime_ns}")


def _with_exif() -> bytes:
    exif = Image.Exif()
    exif.update({0x010E: "Aunt Tilda feeding alpacas", 0x010F: "Canon", 0x0110: "Canon EOS R5"})
    exif.get_ifd(ExifTags.IFD.Exif)[0x9003] = "2024:01:01 00:20:00"
    out = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").resize((1600, 1200)).save(out, "JPEG", exif=exif, xmp=SIDECAR)
    return out.getvalue()


def open_large(scratch: Path) -> None:
    """Measure how long a library of many photos takes to open."""
    library = Library(scratch / "library")
    library.merge("large", "folder", [Listing(f"/photos/{i:06}.jpg", "") for i in range(N_LARGE)])
    library.close()
    started = time.perf_counter()
    workspace = Workspace(Settings(scratch / "library"))
    opened = time.perf_counter() - started
    (info,) = workspace.library.collections()
    counted = time.perf_counter() - started
    workspace.close()
    print(
        f"a library of {info.n_photos:,} photos opened: {opened:.2f} s; with the collections counted {counted:.2f} s;"
        f" by the command line: {run(scratch / 'library', 'collections')[0]:.1f} s"
    )


PARTS = {"export": list_export, "folder": list_folder, "addresses": fetch_addresses, "library": open_large}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what is measured; none: all")
    for name in parser.parse_args().parts or PARTS:
        with tempfile.TemporaryDirectory() as scratch:
            PARTS[name](Path(scratch))


if __name__ == "__main__":
    main()
