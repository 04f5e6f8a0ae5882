"""A program in place of the one that decodes: it fails in the way that the first bytes of a file name."""

import os
import signal
import sys
import time

from photosearch.pictures.decoding import process

process.CPU_S = 1


def fail(data: bytes) -> None:
    """End, hang, or say what cannot be read, if the file asks for it."""
    if data.startswith(b"crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if data.startswith(b"sleep"):
        time.sleep(600)
    if data.startswith(b"busy"):
        while True:
            pass
    if data.startswith(b"babble"):
        os.write(1, b"\xff" * 100)
    if data.startswith(b"memory"):
        bytearray(process.MAX_MEMORY_BYTES + 1)
    if data.startswith(b"write"):
        with open(data[5:].decode(), "wb") as file:
            file.write(b"x")


def answer(request, data, requests, answers, whole=process._answer):
    """Fail, or answer as the program does."""
    if data.startswith(b"babble"):
        answers.write(b"\xff" * 100)
        answers.flush()
        return {"size": [1 << 40, 1], "width_px": 1, "height_px": 1}, [b""]
    fail(data)
    return whole(request, data, requests, answers)


if __name__ == "__main__":
    process._answer = answer
    sys.exit(process.main())
