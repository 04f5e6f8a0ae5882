"""Files and folders that hold no photos of their own, and the words in which people are told what was left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from photosearch.pictures.formats import N_TELLING_BYTES, begins_like_picture, is_picture_name

NO_MEDIA = ".nomedia"  # a file by which programs of phones mark a folder whose pictures are no photos
LINK_LOOP = "link to a folder that holds it"
MARKED = f"folder with {NO_MEDIA}"
_NO_SUFFIX = "no ending"
_MAX_SUFFIX_CHARS = 12
N_NAMED = 8  # kinds of files that people are told of
# Folders in which programs keep previews, versions and what was deleted, in lower case.
_FOLDERS = frozenset(
    {
        "@eadir",  # Synology's previews
        "#recycle",
        "#snapshot",
        "@recycle",  # QNAP's
        "@recently-snapshot",
        "$recycle.bin",
        "recycler",
        "recycled",
        "system volume information",
        "lost+found",
        "__macosx",
    }
)
_FOLDER_ENDINGS = (".lrdata",)  # Lightroom's previews
# Within libraries of Apple's programs only these folders hold photos; the others hold previews and databases.
_LIBRARIES = (".photoslibrary", ".photolibrary", ".aplibrary", ".migratedphotolibrary")
_OF_LIBRARY = frozenset({"originals", "masters"})
# Pictures by their bytes, but copies that programs keep, or the covers of videos.
_COPIES = (".thm", ".bak", ".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", "_original", "~")


def in_words(left_out: Mapping[str, int]) -> str:
    """Return what was left out, for people, the most frequent first: ".mp4 (3), .txt (1)"."""
    ordered = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{what} ({n:,})" for what, n in ordered[:N_NAMED]]
    rest = sum(n for _, n in ordered[N_NAMED:])
    return ", ".join([*named, f"others ({rest:,})"] if rest else named)


def is_machinery(name: str, parent: str) -> bool:
    """Return whether a folder of that name, in a folder named `parent`, belongs to a program and holds no photos."""
    name, parent = name.lower(), parent.lower()
    if parent.endswith(_LIBRARIES):
        return name not in _OF_LIBRARY
    return name in _FOLDERS or name.endswith(_FOLDER_ENDINGS)


def is_picture(name: str, read_start: Callable[[int], bytes]) -> bool:
    """Return whether a file is a picture by its name or, where the name is another, by its first bytes.

    Args:
        name: the file's name or path.
        read_start: reads so many bytes of the file's beginning, and returns none where it cannot be read.
    """
    if is_picture_name(name):
        return True
    return not name.lower().endswith(_COPIES) and begins_like_picture(read_start(N_TELLING_BYTES))


def file_label(name: str) -> str:
    """Return what a file that is left out is counted as: its suffix."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix if 1 < len(suffix) <= _MAX_SUFFIX_CHARS and suffix.isprintable() else _NO_SUFFIX


def folder_label(name: str) -> str:
    """Return what a folder of a program that is left out is counted as: its name, or its suffix where it has one."""
    return f"folder {file_label(name) if name.lower().endswith(_FOLDER_ENDINGS) else name}"
