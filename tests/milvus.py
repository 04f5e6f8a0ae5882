"""A server of Milvus Lite in a process of its own, on a port of this machine; run as a command, it serves a file."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 60


@contextmanager
def serving(path: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """Serve a file; yield its address and the process, which is ended afterwards."""
    command = [sys.executable, "-m", "tests.milvus", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield f"milvus://127.0.0.1:{int(process.stdout.readline())}", process
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        assert process.stdout is not None
        process.stdout.close()


def main() -> None:
    """Serve a file until killed; print the port."""
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    _server, _database, port = start_server_in_thread(sys.argv[1], "127.0.0.1", 0)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while True:
        time.sleep(PATIENCE_S)


if __name__ == "__main__":
    main()
