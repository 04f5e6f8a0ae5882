"""Files written whole or not at all, and names that every system accepts."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from photosearch.files import advice_on, clean_name, open_regular, read_regular, write_whole


def test_a_file_gets_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with write_whole(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), write_whole(path) as part:
        part.write_text("half\ud800", encoding="utf-8")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), write_whole(tmp_path / "file"):
        pass


@pytest.mark.parametrize("is_remade", [False, True])
def test_what_is_written_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch, is_remade):
    path, on_disk = tmp_path / "file", []

    def sync(number: int) -> None:
        on_disk.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "new" if path.exists() else "part")

    monkeypatch.setattr(os, "fsync", sync)
    with write_whole(path, is_remade=is_remade) as part:
        part.write_text("new")
    assert on_disk == (["part"] if is_remade else ["part", "folder"])


def test_a_pipe_or_a_device_is_refused_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    refused = []

    def open_all() -> None:
        for path in (tmp_path / "pipe.jpg", tmp_path, type(tmp_path)("/dev/zero")):
            with pytest.raises(OSError, match=r"no regular file|Is a directory"):
                open_regular(path)
            refused.append(path)

    thread = threading.Thread(target=open_all, daemon=True)
    thread.start()
    thread.join(10)
    assert len(refused) == 3


@pytest.mark.parametrize(
    ("name", "n_bytes", "clean"),
    [
        ("a dog.jpg", 255, "a dog.jpg"),
        ("../../etc/passwd", 255, "_.._etc_passwd"),
        ('a\0b<>:"|?*c', 255, "a_b_______c"),
        ("..", 255, ""),
        ("犬" * 100, 200, "犬" * 66),
        ("a\ud800b", 255, "a_b"),
    ],
)
def test_a_clean_name_is_accepted_by_every_system(name, n_bytes, clean):
    assert clean_name(name, n_bytes) == clean


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a pipe"])
def test_only_files_are_read_and_nothing_waits(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.jpg"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    with pytest.raises(OSError):  # noqa: PT011
        read_regular(path, 100)


def test_a_file_is_read_whole_or_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_regular(tmp_path / "a") == b"12345"
    assert read_regular(tmp_path / "a", 3) == b"123"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("ENOSPC", "Free some space"),
        ("EROFS", "Check its access rights"),
        ("ESTALE", "Check that it can be reached"),
        ("ENOTDIR", "Check that it exists"),
        ("EMFILE", "Check free space and access rights"),
    ],
)
def test_only_a_full_disk_is_to_be_given_space(name: str, advice: str) -> None:
    assert advice_on(OSError(getattr(errno, name), "")) == advice
