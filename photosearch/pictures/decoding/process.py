"""The program of a process that decodes pictures, one after another, within limits; started by `decoding.pool`.

It reads requests from standard input and answers on standard output. What a decoder of C prints goes nowhere. Its
limits are the system's: where they are exceeded the process ends, and the one that waits for it says so.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from photosearch.errors import PhotoError
from photosearch.pictures import images
from photosearch.pictures.decoding.protocol import BrokenOff, Header, as_json, receive, send
from photosearch.pictures.embedded import read_details

CPU_S = 20  # of the processor's time, for one picture; the largest usual ones take 2
NICENESS = 19  # pages go first: who uploads what is slow to decode holds up nobody
MAX_MEMORY_BYTES = 1_000_000_000  # beside what the program itself takes; 80 million pixels with their copies


def main() -> None:
    """Answer requests until there are no more."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    images.perceptual_hash(images.Picture("", 1, 1, Image.new("RGB", (32, 32))))  # imports what it needs
    _limit_memory()
    while True:
        try:
            request, (data,) = receive(requests, images.MAX_FILE_BYTES)
        except BrokenOff:
            return
        _limit_time()
        try:
            header, blobs = _answer(request, data, requests, answers)
        except PhotoError as error:
            header, blobs = {"refused": str(error)}, []
        except MemoryError:
            header, blobs = {"refused": "there is not enough memory to decode the picture"}, []
        del data
        send(answers, header, blobs)


def _answer(request: Header, data: bytes, requests: BinaryIO, answers: BinaryIO) -> tuple[Header, list[bytes]]:
    if request["work"] == "details":
        return {"details": as_json(read_details(data))}, []
    side_px, kept_side_px = request["side_px"], request.get("kept_side_px")
    picture = images.decode(data, int(str(side_px)), _while_large(requests, answers))
    header = {"width_px": picture.width_px, "height_px": picture.height_px, "size": picture.rgb.size}
    pixels = picture.rgb.tobytes()
    if request["work"] == "decode":
        return header, [pixels]
    kept = images.thumbnail(picture, int(str(kept_side_px))) if kept_side_px else b""
    header |= {"phash": images.perceptual_hash(picture), "details": as_json(read_details(data))}
    return header, [pixels, images.thumbnail(picture), kept]


@contextmanager
def _while_large(requests: BinaryIO, answers: BinaryIO) -> Iterator[None]:
    """Wait until no other process decodes a large picture; the one that asked for this one knows when it is done."""
    send(answers, {"is_large": True})
    receive(requests, 0)
    yield


def _limit_memory() -> None:
    """Let the process take no more than `MAX_MEMORY_BYTES` from now on, write no file and leave no core dump."""
    if sys.platform == "win32":
        return
    import resource

    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        taken = int(status.partition("VmData:")[2].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        taken = 0
    for limit, value in (
        (resource.RLIMIT_DATA, taken + MAX_MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, most = resource.getrlimit(limit)
        resource.setrlimit(limit, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def _limit_time() -> None:
    """Let the next picture take `CPU_S` seconds of the processor's time; the system ends the process then."""
    if sys.platform == "win32":
        return
    import resource
    import time

    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    value = int(time.process_time()) + 1 + CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (value if most == resource.RLIM_INFINITY else min(value, most), most))


if __name__ == "__main__":
    main()
    os._exit(0)  # to take all apart that was imported takes a tenth of a second, for which a command would wait
