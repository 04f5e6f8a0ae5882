"""Gives memory back to the system after work that took much of it."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def give_memory_back() -> None:
    """Return freed memory to the system, 100 MB and more after indexing or captioning; glibc keeps it otherwise."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # not every Linux has glibc
            ctypes.CDLL(None).malloc_trim(0)
