"""Version, help, completion, exit status, --verbose and --quiet, and what is printed for other programs."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from photosearch import __version__
from photosearch.cli import app, main, output
from photosearch.errors import SettingsError
from photosearch.library import Library
from photosearch.records import UNWATCHED, Details, Listing, TextKind
from photosearch.sources.folder import FolderSource
from tests.conftest import ColourStation, analyse, jpeg


def invoke(*words: str) -> Result:
    return CliRunner().invoke(app, [*words], catch_exceptions=False)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Undo what --quiet and --verbose set for the whole program."""
    level = logging.getLogger("photosearch").level
    yield
    output.set_quiet(False)
    logging.getLogger("photosearch").setLevel(level)


@pytest.fixture
def odd(library: Library, tmp_path: Path) -> Library:
    """A collection "c" of two photos, one with a line break in its name, and one file that is no picture."""
    for name, content in (("a.jpg", jpeg("red")), ("b\n.jpg", jpeg("blue")), ("c.jpg", b"no picture")):
        (tmp_path / name).write_bytes(content)
    library.merge("c", "folder", [Listing(str(tmp_path / name), "1") for name in ("a.jpg", "b\n.jpg", "c.jpg")])
    analyse(library, ColourStation())
    return library


def test_the_version_is_the_package_s() -> None:
    assert invoke("--version").stdout == f"photosearch {__version__}\n"


@pytest.mark.parametrize("words", [("-h",), ("search", "-h")])
def test_help_has_a_short_name(words: tuple[str, ...]) -> None:
    assert invoke(*words).stdout == invoke(*words[:-1], "--help").stdout


def test_a_shell_completes_commands_and_options() -> None:
    words = {"_PHOTOSEARCH_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    for typed, completed in (("sea", "search"), ("--verb", "--verbose")):
        environ = {**os.environ, **words, "COMP_WORDS": f"photosearch {typed}"}
        code = "import sys; sys.argv = ['photosearch']; from photosearch.cli import main; main()"
        done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
        assert completed in done.stdout.split()


@pytest.mark.parametrize(
    "words",
    [
        ("serach", "dog"),
        ("search",),
        ("search", "dog", "--top", "many"),
        ("search", "dog", "--null"),
        ("similar", "0123456789abcdef", "--null"),
        ("search", "dog", "--format", "jsonl"),
        ("login", "me", "--browser", "firefox"),
        ("--quiet", "--verbose", "status"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["photosearch", "--library", str(tmp_path), *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(r"Error: [^\n]+ See photosearch --help\.\n", shown.err)


def test_quiet_prints_results_and_errors_only(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(jpeg())
    library = ("--library", str(tmp_path / "l"))
    assert invoke(*library, "--quiet", "add", str(tmp_path / "photos"), "--no-caption").output == ""
    assert "1 photos" in invoke(*library, "-q", "collections").stdout
    command = [sys.executable, "-m", "photosearch", *library, "-q", "search", "dog", "--collection", "d"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.startswith("Error: ")) == (1, True)


def test_verbose_tells_where_a_failure_happened(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "photosearch",
        "--library",
        str(tmp_path),
        "-v",
        "search",
        "x",
        "--collection",
        "d",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" in done.stderr


def test_paths_are_one_a_line_or_end_with_a_null(odd: Library, tmp_path: Path) -> None:
    search = ("--library", str(odd.folder), "search", "picture", "--format", "paths")
    paths = {str(tmp_path / "a.jpg"), str(tmp_path / "b\n.jpg")}
    assert {*invoke(*search, "-0").stdout.split("\0")} == {*paths, ""}
    assert invoke(*search).stdout.count("\n") == 3
    (photo, *_) = odd.photos("c")
    similar = invoke("--library", str(odd.folder), "similar", photo.id, "--format", "paths", "--null").stdout
    assert {*similar.split("\0")} <= {*paths, ""}


def test_a_path_is_the_path_on_disk_whatever_else_is_known_of_a_photo(library: Library, tmp_path: Path) -> None:
    post = Details(permalink="https://www.instagram.com/p/x/", texts=((TextKind.OWNER, "a heron"),))
    own = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), b"caf\xe9.jpg")))
    own.write_bytes(jpeg())
    (odd,) = FolderSource(tmp_path).listings({}, UNWATCHED)
    library.merge("c", "folder", [replace(odd, details=post), Listing("/photos/a.jpg", "1", details=post)])
    library.merge("c", "instagram", [Listing("x:1", "1", details=post)])
    library.close()
    told = invoke("--library", str(library.folder), "search", "heron", "--format", "paths").stdout_bytes
    assert {*told.splitlines()} == {os.fsencode(own), b"/photos/a.jpg", b"https://www.instagram.com/p/x/"}


def test_status_and_collections_answer_in_json(odd: Library, tmp_path: Path) -> None:
    counts = {"name": "c", "photos": 3, "captioned": 2, "to_do": 0, "failed": 1, "without_picture": 0}
    library = ("--library", str(odd.folder))
    assert json.loads(invoke(*library, "collections", "--format", "json").stdout) == [counts]
    status = json.loads(invoke(*library, "status", "--format", "json").stdout)
    assert (status["library"], status["run"]) == (str(odd.folder), None)
    (collection,) = status["collections"]
    (failure,) = collection.pop("failures")
    assert collection == counts
    assert failure["source"] == str(tmp_path / "c.jpg")
    assert "no picture" in failure["reason"]


def test_add_and_caption_answer_in_json(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(jpeg())
    (tmp_path / "photos" / "b.jpg").write_bytes(b"no picture")
    library = ("--library", str(tmp_path / "l"))
    (added,) = json.loads(invoke(*library, "add", str(tmp_path / "photos"), "--no-caption", "--format", "json").stdout)
    assert (added["collection"], added["new"], added["captioned"], added["failures"]) == ("photos", 2, 0, [])
    report = json.loads(invoke(*library, "caption", "--no-objects", "--format", "json").stdout)
    assert (report["captioned"], [failure["source"] for failure in report["failures"]]) == (
        1,
        [str(tmp_path / "photos" / "b.jpg")],
    )


def test_settings_are_printed_with_where_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "photosearch" / "photosearch.toml"
    file.parent.mkdir()
    file.write_text('keep = "original"\nallow_private = true\ndatabase = "postgresql://me:secret@host/name"\n')
    monkeypatch.setattr("photosearch.settings.platformdirs.user_config_path", lambda *_, **__: file.parent)
    monkeypatch.setenv("PHOTOSEARCH_ALLOW_PRIVATE", "0")
    result = invoke("--library", str(tmp_path / "l"), "settings")
    lines = dict(line.split(None, 1) for line in result.stdout.splitlines())
    assert lines["keep"] == f"original  ({file})"
    assert lines["allow_private"] == "false  (PHOTOSEARCH_ALLOW_PRIVATE)"
    assert lines["library"] == f"{tmp_path / 'l'}  (--library)"
    assert lines["demo"] == "false  (built in)"
    assert "secret" not in result.output
    printed = json.loads(invoke("settings", "--format", "json").stdout)
    assert {"name": "keep", "value": "original", "from": str(file)} in printed
    file.write_text("kept = 1\n")
    with pytest.raises(SettingsError, match="kept is no setting"):
        invoke("settings")
