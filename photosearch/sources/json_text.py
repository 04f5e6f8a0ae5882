"""JSON from elsewhere, within bounds: a small file may hold what takes gigabytes once it is read."""

from __future__ import annotations

import json

MAX_CONTAINERS = 2_000_000  # lists and objects; a post of an export has some twenty
MAX_VALUES = 6_000_000


def parse_json(text: str | bytes) -> object:
    """A JSON value; raises `ValueError` where it is none, is nested too deeply or would not fit into the memory."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    n_containers, n_values = data.count(b"[") + data.count(b"{"), data.count(b",") + data.count(b":")
    if n_containers > MAX_CONTAINERS or n_values > MAX_VALUES:  # those in strings count as well
        raise ValueError(f"it holds more than {MAX_CONTAINERS:,} lists and objects, or {MAX_VALUES:,} values")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except MemoryError as error:
        raise ValueError("it takes more memory than there is") from error
