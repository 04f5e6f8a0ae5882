"""Parsing of JSON from outside, with limits: a small file may take gigabytes of memory once it is parsed."""

from __future__ import annotations

import json

MAX_CONTAINERS = 2_000_000  # lists and objects; one post in an Instagram export has about twenty
MAX_VALUES = 6_000_000


def parse_json(text: str | bytes) -> object:
    """Parse JSON; raise `ValueError` when it is invalid, is nested too deeply or would take too much memory."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    n_containers, n_values = data.count(b"[") + data.count(b"{"), data.count(b",") + data.count(b":")
    if (
        n_containers > MAX_CONTAINERS or n_values > MAX_VALUES
    ):  # upper bounds, since characters inside strings count too
        raise ValueError(f"it holds more than {MAX_CONTAINERS:,} lists and objects, or {MAX_VALUES:,} values")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno} is no JSON") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is no text") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except MemoryError as error:
        raise ValueError("it takes more memory than there is") from error
