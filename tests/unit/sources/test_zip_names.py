"""Names in ZIPs: those of other systems are read as they were meant, those that lead out are refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosearch.sources.archive import Archives
from photosearch.sources.zip_names import leads_out, name_members
from tests.conftest import jpeg


def members(*names: bytes) -> list[zipfile.ZipInfo]:
    """The members of a ZIP whose names are exactly these bytes, without the mark of UTF-8."""
    stand_ins = [(f"{n:03}" + "_" * len(name))[: max(3, len(name))] for n, name in enumerate(names)]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for n, name in enumerate(stand_ins):
            file.writestr(name, f"content {n}")
    data = out.getvalue()
    for name, stand_in in zip(names, stand_ins, strict=True):
        data = data.replace(stand_in.encode(), name)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return file.infolist()


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ([b"Trip\\day1\\a.jpg", b"Trip\\day2\\b.jpg"], ["Trip/day1/a.jpg", "Trip/day2/b.jpg"]),
        (["ソ.jpg".encode("cp932"), "犬.jpg".encode("cp932")], ["ソ.jpg", "犬.jpg"]),
        (["写真\\表.jpg".encode("cp932"), "ｱの.jpg".encode("cp932")], ["写真/表.jpg", "ｱの.jpg"]),
        (["M\u00fcnchen.jpg".encode()], ["M\u00fcnchen.jpg"]),
        (["M\u00fcnchen.jpg".encode("cp437")], ["M\u00fcnchen.jpg"]),
        (
            ["\u00e9t\u00e9\\\u00fcber.jpg".encode("cp437")],
            ["\u00e9t\u00e9_\u00fcber.jpg"],
        ),  # not told from half a character
        ([b"a\nb.jpg", b"Trip\\"], ["a\nb.jpg"]),
    ],
)
def test_names_are_read_as_they_were_meant(raw: list[bytes], names: list[str]) -> None:
    assert list(name_members(members(*raw))) == names


def test_a_name_that_is_falsely_said_to_be_utf_8_refuses_nothing(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("ünß.jpg", jpeg())  # marked as UTF-8, since it is no ASCII
        file.writestr("größe.jpg", jpeg("blue"))
        file.writestr("nested.zip", b"PK\x01\x02" + bytes(60))
    path = tmp_path / "a.zip"
    path.write_bytes(out.getvalue().replace("ünß.jpg".encode(), b"\x81\x84\x8e\xff\xe1.jpg"[:5] + b".jpg"))
    with Archives() as archives:
        names = list(archives.open(path).names())
        assert names == ["üäÄ\xa0ß.jpg", "größe.jpg", "nested.zip"]
        assert [archives.read(path, name, 100_000) for name in names[:2]] == [jpeg(), jpeg("blue")]
        assert archives.read(path, names[2], 1_000)[:4] == b"PK\x01\x02"


@pytest.mark.parametrize(
    "name", ["..\\x.jpg", "C:\\x.jpg", "\\x.jpg", "\\\\host\\x.jpg", "a\\..\\..\\x.jpg", "a\0b.jpg"]
)
def test_names_that_lead_out_are_told(name: str) -> None:
    assert leads_out(name)


@pytest.mark.parametrize("name", ["Trip\\a.jpg", "a..b\\..c.jpg", "12:30.jpg", "a\nb.jpg", "...jpg"])
def test_odd_names_do_no_harm(name: str) -> None:
    assert not leads_out(name)


@given(st.lists(st.binary(min_size=3, max_size=12).filter(lambda raw: b"\0" not in raw), max_size=6))
def test_no_file_is_lost_whatever_its_name(raw: list[bytes]) -> None:
    infos = members(*raw)
    named = name_members(infos)
    folders = [info for info in infos if info.filename.replace("\\", "/").endswith("/")]
    assert len(named) >= len(infos) - len(folders)
    assert len({id(info) for info in named.values()}) == len(named)
