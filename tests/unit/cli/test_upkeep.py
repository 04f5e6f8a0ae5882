"""The commands that look again: `update` where photos came from, `retry` at those that failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from photosearch.cli import app
from photosearch.errors import CollectionNotFound, SourceError
from photosearch.library import Library
from photosearch.records import Listing
from tests.conftest import jpeg


def run(folder: Path, *words: str) -> tuple[str, str]:
    """Standard output and standard error of a command that succeeds."""
    result = CliRunner().invoke(app, ["--library", str(folder), *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout, result.stderr


def fail(folder: Path, *words: str) -> BaseException | None:
    return CliRunner().invoke(app, ["--library", str(folder), *words]).exception


def test_update_takes_in_what_is_new_and_what_is_gone(tmp_path: Path, make_photos: Callable[..., Path]) -> None:
    root = make_photos("red.jpg", "green.jpg")
    run(tmp_path / "l", "add", str(root), "--no-caption")
    (root / "green.jpg").unlink()
    (root / "blue.jpg").write_bytes(jpeg("blue"))
    _, said = run(tmp_path / "l", "update", "--collection", "photos", "--no-caption")
    assert said == 'Collection "photos": 1 new, 0 changed or to be tried again, 1 unchanged, 1 gone.\n'
    _, said = run(tmp_path / "l", "update", "--no-caption")
    assert said.startswith('Collection "photos": 0 new')


def test_update_captions_unless_told_otherwise(tmp_path: Path, make_photos: Callable[..., Path]) -> None:
    root = make_photos("red.jpg")
    run(tmp_path / "l", "add", str(root), "--no-caption")
    _, said = run(tmp_path / "l", "update", "--no-objects")
    assert "1 captioned in " in said


def test_update_of_all_leaves_out_what_came_from_nowhere_known(
    tmp_path: Path, make_photos: Callable[..., Path]
) -> None:
    run(tmp_path / "l", "add", str(make_photos("red.jpg")), "--no-caption")
    Library(tmp_path / "l").merge("lost", "folder", [Listing("/x/1.jpg", "")])
    _, said = run(tmp_path / "l", "update", "--no-caption")
    assert 'Collection "lost": left out' in said
    assert 'Collection "photos": 0 new' in said
    assert isinstance(fail(tmp_path / "l", "update", "--collection", "lost"), SourceError)


@pytest.mark.parametrize("command", ["update", "retry"])
def test_what_is_not_there_is_refused(tmp_path: Path, make_photos: Callable[..., Path], command: str) -> None:
    assert isinstance(fail(tmp_path / "l", command), CollectionNotFound)
    run(tmp_path / "l", "add", str(make_photos("red.jpg")), "--no-caption")
    assert isinstance(fail(tmp_path / "l", command, "--collection", "nobody"), CollectionNotFound)


def test_retry_reads_again_what_failed(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    photo = root / "red.jpg"
    photo.write_bytes(b"")
    run(tmp_path / "l", "add", str(root))
    photo.write_bytes(jpeg("red"))
    _, said = run(tmp_path / "l", "retry", "--no-objects")
    assert said.startswith('Collection "photos": 1 to be tried again.\n')
    assert "\n1 captioned in " in said
    assert len(json.loads(run(tmp_path / "l", "export")[0])) == 1
    assert run(tmp_path / "l", "retry")[1] == 'Collection "photos": 0 to be tried again.\n'
