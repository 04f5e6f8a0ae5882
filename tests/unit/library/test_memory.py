"""What threads take memory from."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
from photosearch.library.memory import share_memory
if sys.argv[1] == "shared":
    share_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(4)
def take():
    together.wait()
    for _ in range(100):
        libc.malloc(10_000)
    together.wait()
threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_threads_take_memory_from_one_heap():
    heaps = {
        how: subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True).stdout
        for how in ("shared", "as ever")
    }
    assert heaps["shared"].count("<heap ") == 1 < heaps["as ever"].count("<heap ")
