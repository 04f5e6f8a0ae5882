"""The registry of the kinds of sources: a new kind is a module of its own and one line here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from photosearch.errors import PhotoError, SourceError
from photosearch.sources import demo, folder, older_system, photos_zip, upload, urls
from photosearch.sources.instagram import export_source, profile
from photosearch.sources.source import Options, Source, SourceKind

# The Library page shows the kinds in this order, and the first that recognises what was typed is used.
KINDS: tuple[SourceKind, ...] = (
    demo.KIND,
    export_source.KIND,
    profile.KIND,
    folder.KIND,
    upload.KIND,
    older_system.KIND,  # before the lists of addresses, whose file names end in the same way
    urls.KIND,
    photos_zip.KIND,  # the last kind of ZIP: it takes every single one
)
_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("«", "»"), ("„", "“"), ("<", ">"))
_BY_NAME = {kind.name: kind for kind in KINDS}


def kind_named(name: str) -> SourceKind:
    """Return the kind of source of that name, as the library keeps it; raise `PhotoError` for an unknown name."""
    try:
        return _BY_NAME[name]
    except KeyError as error:
        raise PhotoError(f'it came from a kind of source ("{name}") that this version does not know') from error


def usages() -> list[str]:
    """Return what a user can type to name a source, one text for each kind, for help and messages."""
    return [kind.usage for kind in KINDS if kind.usage]


def typed_path(name: str) -> Path:
    """Return the path that a text names, as people type it or paste it from file managers and terminals.

    That is a path, perhaps beginning with "~", in quotation marks, as `file://...` or with its blanks escaped. A path
    that exists as it is written is taken as it is.
    """
    plain = Path(name).expanduser()
    return next((path for path in (plain, *_pasted(name.strip())) if _exists(path)), plain)


def _pasted(text: str) -> Iterator[Path]:
    for quotes in _QUOTES:
        if len(text) > 2 and text.startswith(quotes[0]) and text.endswith(quotes[1]):
            text = text[1:-1].strip()
            break
    if text[:7].lower() == "file://":
        address = urlsplit(text.replace("?", "%3F").replace("#", "%23"))
        if address.netloc in ("", "localhost") and address.path:
            yield Path(url2pathname(address.path))
    if text:
        yield Path(text).expanduser()
    if os.sep == "/" and "\\" in text:
        yield Path(re.sub(r"\\(.)", r"\1", text)).expanduser()  # as terminals escape what is dropped on them


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_path(name: str) -> bool:
    """Return whether a typed text is taken for a path, and not for the name of a source such as `demo`."""
    return not any(kind.is_named(name) for kind in KINDS)


def find_sources(names: Sequence[str], library: Path, options: Options) -> list[Source]:
    """Find the sources that a user named; most files hold one, some hold several.

    Args:
        names: `demo`, a profile as `instagram:NAME`, `@NAME` or its address, or the path of a folder, a list of
            addresses or a ZIP; several paths are the parts of one export.
        library: the library's folder.
        options: limits and choices for the listing.

    Raises:
        SourceError: there is no such source, or it cannot be used.
    """
    if len(names) == 1:
        for kind in KINDS:
            if kind.is_named(names[0]):
                return list(kind.open_named(names[0], options, library))
    paths = [_existing(name) for name in names or ("",)]
    for kind in KINDS:
        sources = kind.open_paths(paths, options)
        if sources is not None:
            return list(sources)
    raise SourceError(
        f'"{names[0]}" cannot be used. Give the folder that holds it, or one of these: {"; ".join(usages())}.'
        " Several paths are allowed only when they are the parts of one Instagram export."
    )


def _existing(name: str) -> Path:
    if not name.strip():
        raise SourceError(f"Nothing was named. Give one of these: {'; '.join(usages())}.")
    path = typed_path(name)
    try:
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise SourceError(f'"{name}" cannot be opened: {error}.') from error
    if exists and not (path.is_dir() or path.is_file()):
        raise SourceError(f'"{name}" is no file and no folder. Copy its content to a file, and add that.')
    if not exists:
        raise SourceError(f'"{name}" was not found. Check the path and try again.')
    return path
