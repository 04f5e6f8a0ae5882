"""JSON from elsewhere: small files that would take gigabytes are refused before they are read."""

from __future__ import annotations

import tracemalloc

import pytest

from photosearch.sources import json_text
from photosearch.sources.instagram.export_posts import read_posts
from photosearch.sources.json_text import parse_json


@pytest.mark.parametrize("text", ['{"a": [1, "\u00e9"]}', b'{"a": [1, "\\u00e9"]}'])
def test_json_is_read_from_text_and_from_bytes(text: str | bytes) -> None:
    assert parse_json(text) == {"a": [1, "\u00e9"]}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1, column 1 is no JSON"),
        ('{"title": ', "line 1, column 11 is no JSON"),
        ("[1,\n]", "line 2, column 1 is no JSON|line 1, column 3 is no JSON"),  # by the version of Python
        (b"\xff\xfe", "is no JSON"),
        ("nul", "line 1, column 1 is no JSON"),
        (b'{"a": "\xff"}', "byte 7 is no text"),
    ],
)
def test_what_is_no_json_is_told_by_its_place(text: str | bytes, place: str) -> None:
    with pytest.raises(ValueError, match=place):
        parse_json(text)


@pytest.mark.parametrize("part", [b"[],", b"{},", b"1,", b'{"a":1},'])
def test_too_many_values_are_refused_without_reading_them(part: bytes) -> None:
    bomb = b"[" + part * (60_000_000 // len(part)) + b"1]"
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="holds more than 2,000,000 lists"):
            read_posts(bomb)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_nesting_and_the_end_of_the_memory_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 1_000_000)

    def exhaust(_: str) -> object:
        raise MemoryError

    monkeypatch.setattr(json_text.json, "loads", exhaust)
    with pytest.raises(ValueError, match="more memory than there is"):
        parse_json("[]")
