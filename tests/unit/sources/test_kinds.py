"""The registry of the kinds of sources: what the library keeps of them, and what people are told."""

import subprocess
import sys
from pathlib import Path

import pytest

from photosearch.errors import PhotoError
from photosearch.sources.kinds import KINDS, is_path, kind_named, usages

ROOT = Path(__file__).resolve().parents[3]


def test_names_that_libraries_hold_are_known_for_good():
    assert {kind.name for kind in KINDS} == {"demo", "export", "folder", "instagram", "upload", "url", "zip"}
    assert {kind.name for kind in KINDS if kind.is_fetched} == {"instagram", "url"}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_that_share_a_name_share_all_that_their_photos_need(kind):
    named = kind_named(kind.name)
    assert (kind.read, kind.is_fetched, kind.complete_texts) == (named.read, named.is_fetched, named.complete_texts)


def test_a_photo_of_a_kind_that_is_not_known_fails_with_a_reason():
    with pytest.raises(PhotoError, match='"takeout"'):
        kind_named("takeout")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("demo", False), ("@sea", False), ("instagram:sea", False), ("./demo", True), ("a.zip", True)],
)
def test_names_of_sources_are_told_from_paths(name, expected):
    assert is_path(name) is expected


def test_the_command_line_says_what_can_be_typed():
    command = [sys.executable, "-m", "photosearch", "add", "--help"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words = text.replace("\u2502", " ").split()
    for usage in usages():
        assert " ".join(usage.split()) in " ".join(words)


def test_knowing_the_kinds_takes_neither_pillow_nor_the_network():
    code = """
import sys
import photosearch.sources.kinds
heavy = {"PIL", "httpx2", "instaloader", "requests", "torch"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
