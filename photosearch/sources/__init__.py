"""Where photos come from: one module an origin.

A source lists its photos (`find_sources` turns what a person typed into sources); later, `Reader` gives the bytes
of one of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from photosearch.errors import SourceError
from photosearch.sources import demo, folder
from photosearch.sources.source import NO_OPTIONS, Content, Options, Source

__all__ = ["NO_OPTIONS", "Content", "Options", "Source", "find_sources"]

INSTAGRAM = "instagram:"
_PROFILE = re.compile(r"instagram:.*|@[\w.]+|(?i:(https?://)?((www|m)\.)?instagram\.com/.*)", re.DOTALL)


def find_sources(names: Sequence[str], library: Path, options: Options) -> list[Source]:
    """The sources that a person means.

    Args:
        names: `demo`, a profile as `instagram:NAME`, `@NAME` or by its address, the path of a folder, of a list of
            addresses, of a ZIP; several paths are the parts of one Instagram export.
        library: the library's folder.
        options: what was chosen.

    Raises:
        SourceError: there is no such source, or it cannot be used.
    """
    if len(names) == 1:
        (name,) = names
        if name == demo.KIND:
            return [demo.DemoSource()]
        if names_profile(name):
            from photosearch.sources.instagram import InstagramSource

            return [InstagramSource(name, options, library / "instagram")]
    paths = [_existing(name) for name in names or ("",)]
    if len(paths) == 1:
        (path,) = paths
        if path.is_dir():
            return [folder.FolderSource(path)]
        if path.suffix.lower() in (".json", ".txt", ".csv"):
            from photosearch.sources import urls

            return list(urls.recognise(path))
    if any(path.suffix.lower() != ".zip" for path in paths):
        raise SourceError(
            f'"{names[0]}" cannot be used. Give the folder that it lies in, a ZIP, a list of addresses'
            f" (.json, .txt, .csv), {INSTAGRAM}PROFILE, or demo; several only when they are the ZIPs of one export."
        )
    from photosearch.sources.instagram import export_zip

    return [export_zip.recognise(paths, options)]


def names_profile(name: str) -> bool:
    """Whether an Instagram profile is meant; a file of such a name can be given as ./@NAME."""
    return _PROFILE.fullmatch(name.strip()) is not None


def _existing(name: str) -> Path:
    if not name.strip():
        raise SourceError(f"Nothing was named. Give a folder's path, a ZIP, a list of addresses, {INSTAGRAM}PROFILE.")
    path = Path(name).expanduser()
    try:
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise SourceError(f'"{name}" cannot be opened: {error}.') from error
    if exists and not (path.is_dir() or path.is_file()):
        raise SourceError(f'"{name}" is no file and no folder. Copy what it gives to a file, and add that.')
    if not exists:
        raise SourceError(f'"{name}" was not found. Check the path and try again.')
    return path
