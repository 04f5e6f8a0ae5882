"""The search page over a captioned library: until it is ready, and a warm rerun."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

N_PHOTOS = 300
N_RERUNS = 10

READY = "from photosearch.ui import state; state.workspace().warm_up()"


def main() -> None:
    """Measure and print."""
    from benchmarks.captioning import make_photos

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        make_photos(folder, N_PHOTOS)
        os.environ["PHOTOSEARCH_LIBRARY"] = f"{scratch}/library"
        add = [sys.executable, "-m", "photosearch", "add", str(folder)]
        subprocess.run(add, check=True, stderr=subprocess.DEVNULL)
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", READY], check=True, stderr=subprocess.DEVNULL)
        took_s = time.perf_counter() - started
        print(f"library ({N_PHOTOS} photos), index and model opened by a new process: {took_s:.1f} s")

        from streamlit.testing.v1 import AppTest

        from photosearch.ui import site_path
        from tests.app.cards import cards

        app = AppTest.from_file(str(site_path()), default_timeout=60).run()
        took = []
        for i in range(N_RERUNS):
            app.text_input(key="q").set_value(("a man", "a dog", "a red flower")[i % 3])
            started = time.perf_counter()
            app.run()
            took.append(time.perf_counter() - started)
        print(f"a warm rerun of the search page with {len(cards(app))} hits: {1000 * statistics.median(took):.0f} ms")


if __name__ == "__main__":
    main()
