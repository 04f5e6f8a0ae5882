"""ZIPs that lie, are damaged, or change: one member is refused with a reason, never more than asked for is unpacked."""

import contextlib
import io
import os
import struct
import sys
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photosearch.errors import PhotoError, SourceError
from photosearch.sources import archive as archive_module
from photosearch.sources.archive import Archive, Archives
from tests.exports import ATTRIBUTES, CRC, FLAGS, HEADER, METHOD, PACKED, SIZE, patch_directory, picture, put, write_zip

LIMIT = 1_000_000
GOOD = {"a/red.jpg": picture("red"), "blue.jpg": picture("blue")}


@pytest.fixture
def archives():
    with Archives() as opened:
        yield opened


@pytest.fixture
def good(tmp_path) -> Path:
    return write_zip(tmp_path / "good.zip", GOOD)


def refusal(path: Path, name: str) -> str | None:
    with Archives() as archives:
        member = archives.open(path).member(name)
        assert member is not None
        if member.refusal:
            with pytest.raises(PhotoError):
                archives.read(path, name, LIMIT)
        return member.refusal


def patched(tmp_path: Path, *changes: tuple[tuple[int, str], int]) -> Path:
    """A ZIP whose red photo's entry is not true."""
    path = write_zip(tmp_path / "patched.zip", GOOD)
    for (offset, format), value in changes:
        patch_directory(path, "a/red.jpg", put(offset, format, value))
    return path


def test_members_are_read_as_they_were_packed(good, archives):
    assert {name: archives.read(good, name, LIMIT) for name in archives.open(good).names()} == GOOD


def test_a_stamp_tells_contents_apart(good, archives):
    opened = archives.open(good)
    stamps = {opened.member(name).stamp for name in GOOD}
    assert len(stamps) == 2
    assert f"{zipfile.crc32(GOOD['blue.jpg']):08x}:{len(GOOD['blue.jpg'])}" in stamps


# Names


@pytest.mark.parametrize(
    "name",
    [
        "../a.jpg",
        "a/../../b.jpg",
        "/etc/a.jpg",
        "C:/a.jpg",
        "c:a.jpg",
        "..\\a.jpg",
        "C:\\a.jpg",
        "\\\\host\\a.jpg",
        "a\\..\\b.jpg",
    ],
)
def test_names_that_climb_out_are_refused(tmp_path, name):
    path = write_zip(tmp_path / "a.zip", {name: picture(), **GOOD})
    assert "points out" in refusal(path, name.replace("\\", "/"))
    assert refusal(path, "blue.jpg") is None


def test_a_name_with_two_dots_in_it_is_a_name(tmp_path):
    assert refusal(write_zip(tmp_path / "a.zip", {"a..b/..c.jpg": b"x"}), "a..b/..c.jpg") is None


def test_utf8_names_without_their_mark_are_read(tmp_path, archives):
    """As macOS writes them."""
    path = write_zip(tmp_path / "mac.zip", {"Mu_nchen.jpg": b"x"})
    path.write_bytes(path.read_bytes().replace(b"Mu_nchen", "Mü".encode() + b"nchen"))
    (name,) = archives.open(path).names()
    assert (name, archives.read(path, name, LIMIT)) == ("München.jpg", b"x")


def test_other_old_names_stay_as_they_are(tmp_path, archives):
    path = write_zip(tmp_path / "dos.zip", {"M_nchen.jpg": b"x"})
    path.write_bytes(path.read_bytes().replace(b"M_nchen", b"M\x81nchen"))
    assert list(archives.open(path).names()) == ["München.jpg"]  # 0x81 in code page 437


def test_an_archives_own_unicode_names_are_read(tmp_path, archives):
    path = write_zip(tmp_path / "a.zip", {"日本/é.jpg": b"x"})
    assert archives.read(path, "日本/é.jpg", LIMIT) == b"x"


def test_a_member_without_a_name_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.jpg": b"x", **GOOD})
    path.write_bytes(path.read_bytes().replace(b"a.jpg", b"\0.jpg"))
    assert "cannot be a file's" in refusal(path, "")
    assert refusal(path, "blue.jpg") is None


def test_folders_are_no_members(tmp_path, archives):
    assert list(archives.open(write_zip(tmp_path / "a.zip", {"folder/": b"", "folder/x.jpg": b"x"})).names()) == [
        "folder/x.jpg"
    ]


def test_a_tail_finds_the_least_deep_member(tmp_path, archives):
    opened = archives.open(write_zip(tmp_path / "a.zip", {"x/y/m/1.jpg": b"1", "x/m/1.jpg": b"2", "xm/1.jpg": b"3"}))
    assert [opened.find(tail) and opened.find(tail).name for tail in ("m/1.jpg", "xm/1.jpg", "m/2.jpg", "1.jpg")] == [
        "x/m/1.jpg",
        "xm/1.jpg",
        None,
        "xm/1.jpg",
    ]


# Kinds of members


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010644, 0o060660])
def test_links_and_special_files_are_refused(tmp_path, mode):
    assert "link" in refusal(patched(tmp_path, (ATTRIBUTES, mode << 16)), "a/red.jpg")


def test_encrypted_members_are_refused(tmp_path):
    path = patched(tmp_path, (FLAGS, 1))
    assert "password" in refusal(path, "a/red.jpg")
    assert refusal(path, "blue.jpg") is None


def test_a_zip_that_is_encrypted_as_a_whole_cannot_be_opened(tmp_path):
    path = patch_directory(patched(tmp_path, (FLAGS, 1)), "blue.jpg", put(*FLAGS, 1))
    with pytest.raises(SourceError, match="password"):
        Archive(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 9, 99])
def test_rare_methods_are_refused(tmp_path, method):
    assert "rare method" in refusal(patched(tmp_path, (METHOD, method)), "a/red.jpg")


# Sizes


def test_what_is_larger_than_the_limit_is_not_read(good, archives):
    size = len(GOOD["blue.jpg"])
    assert archives.read(good, "blue.jpg", size) == GOOD["blue.jpg"]
    with pytest.raises(PhotoError, match="larger than"):
        archives.read(good, "blue.jpg", size - 1)


def test_a_bomb_is_refused_and_the_rest_read(tmp_path):
    path = write_zip(tmp_path / "bomb.zip", {"bomb.jpg": bytes(30_000_000), **GOOD})
    assert path.stat().st_size < 100_000
    assert "would unpack to 30,000,000" in refusal(path, "bomb.jpg")
    assert refusal(path, "blue.jpg") is None


def test_a_little_that_shrinks_well_is_no_bomb(tmp_path):
    assert refusal(write_zip(tmp_path / "a.zip", {"white.bmp": bytes(9_000_000)}), "white.bmp") is None


def test_a_member_that_declares_less_than_it_holds_gives_no_more_than_that(tmp_path, archives):
    bomb = write_zip(tmp_path / "bomb.zip", {"a/red.jpg": bytes(50_000_000)})
    patch_directory(bomb, "a/red.jpg", put(*SIZE, 1000))
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(PhotoError, match="damaged"):
        archives.read(bomb, "a/red.jpg", LIMIT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_member_that_declares_more_than_it_holds_is_damaged(tmp_path, archives):
    size = len(GOOD["a/red.jpg"])
    path = patched(tmp_path, (SIZE, size + 50))
    with pytest.raises(PhotoError, match="damaged"):
        archives.read(path, "a/red.jpg", LIMIT)


@pytest.mark.parametrize(("field", "value"), [(PACKED, 900_000), (HEADER, 900_000)])
def test_a_member_beyond_the_end_is_refused(tmp_path, field, value):
    path = patched(tmp_path, (field, value))
    assert "ends before" in refusal(path, "a/red.jpg")
    assert refusal(path, "blue.jpg") is None


def test_members_that_lie_over_each_other_are_refused(tmp_path):
    names = [f"{i:02}.jpg" for i in range(20)]
    path = write_zip(tmp_path / "a.zip", {names[0]: os.urandom(9000), **dict.fromkeys(names[1:], b"x")})
    for name in names[1:]:
        patch_directory(path, name, put(*PACKED, 9000))
        patch_directory(path, name, put(*HEADER, 0))
    with pytest.raises(SourceError, match="members that overlap"):
        Archive(path)


def test_too_many_members_are_refused_while_they_are_read(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "a.zip", {f"{i}.jpg": b"x" for i in range(20)})
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 20)
    Archive(path).close()
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 19)
    with pytest.raises(SourceError, match="holds more than 19 files"):
        Archive(path)


def test_members_are_counted_by_the_parser_that_reads_them(tmp_path, monkeypatch):
    """The last member's comment looks like the end of an empty ZIP64 to a parser that expects no comment there."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as out:
        for i in range(5):
            info = zipfile.ZipInfo(f"{i}.jpg")
            info.comment = b"PK\6\6" + bytes(72) if i == 4 else b""
            out.writestr(info, b"x")
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 5)
    Archive(path).close()
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 4)
    with pytest.raises(SourceError, match="holds more than 4 files"):
        Archive(path)


def test_the_sum_of_all_members_is_bounded(tmp_path, archives):
    """Each of them is small enough to do no harm alone."""
    names = [f"{i:02}.jpg" for i in range(30)]
    path = write_zip(tmp_path / "a.zip", dict.fromkeys(names, bytes(9_000_000)))
    assert path.stat().st_size < 500_000
    for name in names[:11] * 2:  # what is read again counts once
        assert len(archives.read(path, name, 10_000_000)) == 9_000_000
    for name in names[11:]:
        with pytest.raises(PhotoError, match="would unpack to more than 100,000,000"):
            archives.read(path, name, 10_000_000)


def test_a_pipe_in_place_of_a_zip_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "a.zip")
    with pytest.raises(SourceError, match="it is no regular file"):
        Archive(tmp_path / "a.zip")


def test_a_zip64_is_read(tmp_path, archives, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    path = write_zip(tmp_path / "a.zip", {f"{i}.jpg": b"x" for i in range(5)})
    assert b"PK\6\6" in path.read_bytes()
    assert len(list(archives.open(path).names())) == 5


# Damage


@pytest.mark.parametrize("content", [b"", b"PK", b"no ZIP at all", b"PK\5\6", b"PK\5\6" + bytes(17)])
def test_what_is_no_zip_is_refused(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="is no ZIP"):
        Archive(path)


def test_an_empty_zip_has_no_members(tmp_path, archives):
    assert list(archives.open(write_zip(tmp_path / "a.zip", {})).names()) == []


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_zip_is_refused(good, kept):
    data = good.read_bytes()
    good.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(SourceError, match="not the whole"):
        Archive(good)


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing.zip"):
        with pytest.raises(SourceError):
            Archive(path)


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names are Unicode there")
def test_a_zip_whose_name_is_no_unicode_is_refused(good):
    odd = Path(os.fsdecode(os.fsencode(good.parent) + b"/\xff.zip"))
    good.rename(odd)
    with pytest.raises(SourceError, match="Rename"):
        Archive(odd)


def test_a_flipped_bit_in_a_photo_is_found(tmp_path, archives):
    path = write_zip(tmp_path / "a.zip", GOOD)
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    with pytest.raises(PhotoError, match="damaged"):
        archives.read(path, "a/red.jpg", LIMIT)
    assert archives.read(path, "blue.jpg", LIMIT) == GOOD["blue.jpg"]


def test_a_wrong_checksum_is_found(tmp_path, archives):
    with pytest.raises(PhotoError, match="damaged"):
        archives.read(patched(tmp_path, (CRC, 1)), "a/red.jpg", LIMIT)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_ends_in_another_error(tmp_path, data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in {"a.jpg": b"abc" * 100, "é.jpg": b"d", "f/": b""}.items():
            file.writestr(name, content)
    bytes_ = bytearray(out.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(bytes_) - 1))
        bytes_[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.zip"
    path.write_bytes(bytes_)
    with warnings.catch_warnings(), Archives() as archives:
        warnings.simplefilter("ignore")  # of names that occur twice
        try:
            names = list(archives.open(path).names())
        except SourceError:
            return
        for name in names:
            with contextlib.suppress(PhotoError):
                assert len(archives.read(path, name, LIMIT)) <= LIMIT


# Time goes by


def test_a_zip_is_opened_once(good, archives, monkeypatch):
    opened = []
    monkeypatch.setattr(archive_module, "Archive", lambda path: opened.append(path) or Archive(path))
    for _ in range(3):
        archives.read(good, "blue.jpg", LIMIT)
    assert opened == [good]


def test_a_changed_zip_is_read_anew(good, archives):
    archives.read(good, "blue.jpg", LIMIT)
    write_zip(good, {"blue.jpg": b"another"})
    assert archives.read(good, "blue.jpg", LIMIT) == b"another"
    with pytest.raises(PhotoError, match="no longer holds it"):
        archives.read(good, "a/red.jpg", LIMIT)


def test_a_removed_zip_is_told(good, archives):
    archives.read(good, "blue.jpg", LIMIT)
    good.unlink()
    with pytest.raises(PhotoError, match=r"good\.zip.*Put it back"):
        archives.read(good, "blue.jpg", LIMIT)


def test_closed_archives_open_again(good, archives):
    archives.read(good, "blue.jpg", LIMIT)
    archives.close()
    assert archives.read(good, "blue.jpg", LIMIT) == GOOD["blue.jpg"]


def test_only_so_many_stay_open(tmp_path, archives, monkeypatch):
    monkeypatch.setattr(archive_module, "MAX_OPEN", 2)
    paths = [write_zip(tmp_path / f"{i}.zip", {"a.jpg": b"%d" % i}) for i in range(4)]
    for _ in range(2):
        assert [archives.read(path, "a.jpg", LIMIT) for path in paths] == [b"0", b"1", b"2", b"3"]
    assert len(archives._opened) == 2


def test_several_threads_read_at_once(tmp_path, monkeypatch, archives):
    monkeypatch.setattr(archive_module, "MAX_OPEN", 2)
    contents = {f"{i}.jpg": os.urandom(20_000) for i in range(100)}
    paths = [write_zip(tmp_path / f"{i}.zip", contents) for i in range(3)]
    wanted = [(path, name) for name in contents for path in paths] * 3
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda item: archives.read(*item, LIMIT), wanted))
    assert found == [contents[name] for _, name in wanted]


def test_nothing_is_written(good, archives, monkeypatch):
    before = sorted(good.parent.rglob("*"))
    monkeypatch.setattr(zipfile.ZipFile, "extract", None)
    monkeypatch.setattr(zipfile.ZipFile, "extractall", None)
    archives.read(good, "blue.jpg", LIMIT)
    assert sorted(good.parent.rglob("*")) == before


def test_the_directorys_size_is_no_way_around_the_limit(tmp_path):
    """An end record that claims a directory larger than the file."""
    path = write_zip(tmp_path / "a.zip", GOOD)
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, len(data) - 10, 0xFFFFFF)
    path.write_bytes(data)
    with pytest.raises(SourceError, match="is no ZIP"):
        Archive(path)
