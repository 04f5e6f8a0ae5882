"""Names of a ZIP's members: odd ones are read as their programs meant them, and those that lead out are refused."""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence

_UTF8_NAME = 0x800  # a flag (APPNOTE 4.4.4)
_ENTRY, _ENTRY_BYTES = b"PK\x01\x02", 46
_HEADER, HEADER_BYTES = b"PK\x03\x04", 30
_PLAIN = "cp437"  # what `zipfile` reads names as that lack the flag (APPNOTE, appendix D)
_JAPANESE = "cp932"  # of Japanese Windows; the second byte of a character may be that of a backslash
_LEAD_BYTE = 0x81  # the first bytes of such characters are this or above, in all encodings of East Asia
_KANA = frozenset({"HIRAGANA", "KATAKANA"})
# First words of characters' Unicode names.
_JAPANESE_SCRIPTS = _KANA | {"CJK", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC", "LEFT", "RIGHT", "CIRCLED"}
_DRIVE = re.compile(r"[A-Za-z]:")


def name_members(infos: Sequence[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a ZIP by name, in its order; folders are left out.

    A backslash separates folders, as programs of Windows write it. Several files of one name are numbered, as in
    "photo (2).jpg"; a file that is there twice with the same content is one.
    """
    encoding = _guess_encoding(infos)
    named: dict[str, zipfile.ZipInfo] = {}
    again: list[tuple[str, zipfile.ZipInfo]] = []
    for info in infos:
        name = _decoded(info, encoding).replace("\\", "/")
        if name.endswith("/"):
            continue
        if name in named:
            again.append((name, info))
        else:
            named[name] = info
    contents = {(name, info.CRC, info.file_size) for name, info in named.items()}
    for name, info in again:
        content = (name, info.CRC, info.file_size)
        if content not in contents:
            contents.add(content)
            named[_free_name(name, named)] = info
    return named


def unmark_names(directory: bytes) -> bytes:
    """Return a ZIP's directory in which no name is said to be UTF-8 that is not; other bytes are returned as they are.

    An entry has 46 bytes before the name (APPNOTE 4.3.12).
    """
    fixed = bytearray(directory)
    start = 0
    while directory.startswith(_ENTRY, start) and start + _ENTRY_BYTES <= len(directory):
        (flags,) = struct.unpack_from("<H", directory, start + 8)
        name_bytes, extra_bytes, comment_bytes = struct.unpack_from("<3H", directory, start + 28)
        name = start + _ENTRY_BYTES
        if not _is_utf8(directory[name : name + name_bytes]):
            struct.pack_into("<H", fixed, start + 8, flags & ~_UTF8_NAME)
        start = name + name_bytes + extra_bytes + comment_bytes
    return bytes(fixed)


def header_name_bytes(header: bytes) -> int:
    """Return how long the name behind a member's header of `HEADER_BYTES` is (APPNOTE 4.3.7); 0 for other bytes."""
    if not header.startswith(_HEADER) or len(header) < HEADER_BYTES:
        return 0
    return int(struct.unpack_from("<H", header, 26)[0])


def unmark_header(header: bytes, name: bytes) -> bytes:
    """Return a member's header that does not say of a name that it is UTF-8 where it is not; else the same bytes."""
    if not name or _is_utf8(name):
        return header
    (flags,) = struct.unpack_from("<H", header, 6)
    return header[:6] + struct.pack("<H", flags & ~_UTF8_NAME) + header[8:]


def leads_out(name: str) -> bool:
    """Return whether a member's name, however it was written, names a place outside of the ZIP, or no file at all."""
    path = name.replace("\\", "/")
    return path.startswith("/") or bool(_DRIVE.match(path)) or ".." in path.split("/") or "\0" in path


def _free_name(name: str, taken: Iterable[str]) -> str:
    folder, slash, own = name.rpartition("/")
    stem, dot, suffix = own.rpartition(".") if "." in own[1:] else (own, "", "")
    number = 2
    while (numbered := f"{folder}{slash}{stem} ({number}){dot}{suffix}") in taken:
        number += 1
    return numbered


def _raw(info: zipfile.ZipInfo) -> bytes | None:
    """Return the bytes of a name whose encoding the ZIP does not tell; None where it is known."""
    if info.flag_bits & _UTF8_NAME or info.filename.isascii():
        return None
    try:
        return info.filename.encode(_PLAIN)
    except UnicodeError:
        return None


def _guess_encoding(infos: Iterable[zipfile.ZipInfo]) -> str:
    """Return the encoding of a ZIP's names that lack the mark of UTF-8: Japanese where all can be read as it.

    Names of other encodings may be read as Japanese ideographs by accident, but not with kana and without symbols.
    """
    names = [raw for info in infos if (raw := _raw(info)) is not None]
    try:
        text = "".join(raw.decode(_JAPANESE) for raw in names if not _is_utf8(raw))
    except UnicodeError:
        return _PLAIN
    foreign = [char for char in text if not char.isascii()]
    is_japanese = all(_script(char) in _JAPANESE_SCRIPTS for char in foreign)
    has_kana = any(_script(char) in _KANA for char in foreign)
    return _JAPANESE if is_japanese and has_kana else _PLAIN


def _script(char: str) -> str:
    return re.split(r"[ -]", unicodedata.name(char, ""))[0]


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeError:
        return False
    return True


def _decoded(info: zipfile.ZipInfo, encoding: str) -> str:
    """Return a member's name; macOS writes UTF-8 without the flag for it."""
    raw = _raw(info)
    if raw is None:
        return info.filename
    if _is_utf8(raw):
        return raw.decode("utf-8")
    if encoding == _JAPANESE:
        return raw.decode(_JAPANESE)
    # In other encodings of East Asia, too, a backslash after such a byte is the second half of a character.
    halves = {at + 1 for at, byte in enumerate(raw[:-1]) if byte >= _LEAD_BYTE and raw[at + 1 : at + 2] == b"\\"}
    return "".join("_" if at in halves else char for at, char in enumerate(info.filename))
