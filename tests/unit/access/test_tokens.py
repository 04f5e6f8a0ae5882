"""API tokens: made, found, revoked; what is kept of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from photosearch.access.tokens import FILE_NAME, PREFIX, Tokens
from photosearch.cli.app import app
from photosearch.errors import PhotosearchError


def run(folder: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["--library", str(folder), "token", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_only_the_hash_is_kept_and_only_for_its_owner(tmp_path: Path) -> None:
    text = Tokens(tmp_path).create("script", may_write=False)
    path = tmp_path / FILE_NAME
    assert text.startswith(PREFIX)
    assert text.removeprefix(PREFIX) not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    found = Tokens(tmp_path).find(text)
    assert found is not None
    assert (found.name, found.may_write) == ("script", False)
    for wrong in ("", text[:-1], f"{text} ", text.upper(), found.sha256, "é"):
        assert Tokens(tmp_path).find(wrong) is None


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    Tokens(tmp_path).create("script", may_write=False)
    for name in ("script", "", " ", "a\nb", "a" * 101):
        with pytest.raises(PhotosearchError):
            Tokens(tmp_path).create(name, may_write=True)
    assert [token.may_write for token in Tokens(tmp_path).all()] == [False]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"name": "a"}]', "\x00", "[[[["])
def test_a_damaged_file_lets_nobody_in(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(PhotosearchError, match="damaged, so no token is valid"):
        Tokens(tmp_path).find("anything")


def test_the_command_line_makes_lists_and_revokes(tmp_path: Path) -> None:
    text = run(tmp_path, "create", "phone", "--write").strip()
    run(tmp_path, "create", "script")
    found = Tokens(tmp_path).find(text)
    assert found is not None
    assert found.may_write
    listed = json.loads(run(tmp_path, "list", "--format", "json"))
    assert [(token["name"], token["write"]) for token in listed] == [("phone", True), ("script", False)]
    assert "phone\tread and write" in run(tmp_path, "list")
    run(tmp_path, "revoke", "phone")
    assert Tokens(tmp_path).find(text) is None
    with pytest.raises(PhotosearchError, match="no token"):
        Tokens(tmp_path).revoke("phone")
