"""Adding photos: a large export, a list of addresses, a large library opened."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.captioning import make_photos
from photosearch.library import Library
from photosearch.records import Listing
from photosearch.settings import Settings
from photosearch.workspace import Workspace

N_POSTS = 10_000
N_ADDRESSES = 1_000
N_LARGE = 100_000


def run(library: Path, *arguments: str, **environ: str) -> tuple[float, float]:
    """Run a command in a process of its own and return its seconds from start to end and its peak memory in MB."""
    command = [sys.executable, "-m", "photosearch", "--library", str(library), *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=os.environ | environ)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def list_export(scratch: Path) -> None:
    """Measure how long an export of many posts takes to list."""
    subprocess.run([sys.executable, "-m", "tests.exports", str(scratch), str(N_POSTS)], check=True)
    (path,) = scratch.glob("*.zip")
    seconds, peak_mb = run(scratch / "library", "add", str(path), "--no-caption")
    print(f"an export of {N_POSTS:,} posts listed: {seconds:.1f} s, peak {peak_mb:,.0f} MB")


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


def main() -> None:
    """Measure and print."""
    for part in (list_export, fetch_addresses, open_large):
        with tempfile.TemporaryDirectory() as scratch:
            part(Path(scratch))


if __name__ == "__main__":
    main()
