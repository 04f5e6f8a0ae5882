"""A folder of photos with all its subfolders as a source."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from urllib.parse import quote_from_bytes, unquote_to_bytes

from photosearch.errors import SourceError
from photosearch.files import open_regular, readable_name
from photosearch.library import Pending
from photosearch.records import Failure, Listing, Watch
from photosearch.sources.beside import COMPLETE_TEXTS, Beside
from photosearch.sources.disk import read_file
from photosearch.sources.instagram.export_layout import is_export_folder
from photosearch.sources.left_out import (
    LINK_LOOP,
    MARKED,
    N_NAMED,
    NO_MEDIA,
    file_label,
    folder_label,
    is_machinery,
    is_picture,
)
from photosearch.sources.source import Content, Options, Resources, Source, SourceKind

NAME = "folder"
_ADDRESS = "file:"  # before a path whose bytes that are no ASCII are written as %FF


class FolderSource:
    """Lists the pictures, by name or by their first bytes; leaves out hidden files and folders of programs.

    Links are followed, those to folders each once and after all others, so that photos keep the paths of their own
    folders. Links that lead out of the folder are followed only when asked for.
    """

    kind = NAME
    described = False
    listed_in: str | None = None

    def __init__(self, path: Path, *, follow_links: bool = False) -> None:
        """Take the folder, and whether links that lead out of it are followed."""
        self._root = path.resolve()
        self._follow_links = follow_links
        self.notes: tuple[str, ...] = ()  # for people, after the listing
        self.collection = readable_name(self._root.name) or "photos"
        self.left_out: Counter[str] = Counter()

    def covers(self, source_key: str) -> bool:
        """Tell whether a path lies in the folder."""
        return Path(source_key).is_relative_to(readable_name(str(self._root)))

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Yield each picture by its path; raise `SourceError` when the folder itself cannot be opened."""
        try:
            os.scandir(self._root).close()
        except OSError as error:
            raise SourceError(
                f'Folder "{self._root}" cannot be opened: {error.strerror}. Check its access rights.'
            ) from error
        walk = _Walk(self._root, self.left_out, follow_links=self._follow_links)
        for path, beside in walk.files():
            yield self._listing(path, beside)
        self.notes = _note(walk.outside)
        for path, reason in walk.unread:
            yield Failure(readable_name(path), reason)
        for export in walk.exports:
            yield Failure(readable_name(export), "this is an Instagram export; add this folder by itself")
        for problem in walk.unreadable:
            yield Failure(readable_name(problem.filename), f"the folder cannot be opened: {problem.strerror}")
        gone = [(link, "the link leads to no folder now") for link in walk.broken]  # a disk that is not there
        for link, reason in (*gone, *((link, "this link is not followed") for link in walk.outside)):
            if any(PurePath(key).is_relative_to(readable_name(link)) for key in known):
                yield Failure(readable_name(link), f"{reason}; its photos are kept")

    def _listing(self, path: str, beside: Beside) -> Listing | Failure:
        key = readable_name(path)
        address = None
        if key != path:
            address = _ADDRESS + quote_from_bytes(os.fsencode(path))
            if os.path.lexists(key):  # two names that read the same
                key = os.fsencode(path).decode("utf-8", "backslashreplace")
        try:
            status = os.stat(path)
        except OSError as error:
            return Failure(key, f"the file cannot be read: {error.strerror}")
        if not stat.S_ISREG(status.st_mode):
            return Failure(key, "this is no file")  # reading a pipe could block for ever
        stamp = f"{status.st_size}:{status.st_mtime_ns}"
        return Listing(key, stamp, address, beside.details_of(os.path.basename(path)))


class _Walk:
    """A walk through a folder that enters each folder once, whatever links lead to it."""

    def __init__(self, root: Path, left_out: Counter[str], *, follow_links: bool) -> None:
        self._root = root
        self._left_out = left_out
        self._follow_links = follow_links
        self._entered: set[tuple[int, int]] = set()  # device and number of each folder
        self._links: list[str] = []  # to folders, which are entered last
        self.unreadable: list[OSError] = []
        self.broken: list[str] = []  # links that lead nowhere
        self.outside: list[str] = []  # links that lead out of the folder, and are not followed
        self.exports: list[str] = []  # folders of Instagram exports, with messages and deleted posts in them
        self.unread: list[tuple[str, str]] = []  # files that say something of pictures, but cannot be read, and why

    def files(self) -> Iterator[tuple[str, Beside]]:
        """Yield each picture's path and what lies beside it, a folder's before those of its subfolders, by name."""
        yield from self._below(str(self._root))
        while self._links:
            link = self._links.pop(0)
            if self._root.is_relative_to(os.path.realpath(link)):
                self._left_out[LINK_LOOP] += 1
            elif not self._leaves(link):
                yield from self._below(link)

    def _leaves(self, link: str) -> bool:
        """Tell whether a link leads out of the folder and is not to be followed; such a one is written down."""
        if self._follow_links or Path(os.path.realpath(link)).is_relative_to(self._root):
            return False
        self.outside.append(link)
        return True

    def _is_outside(self, entry: os.DirEntry[str]) -> bool:
        """Tell whether an entry is a link to a file that is not to be followed; links to folders are entered last."""
        if not entry.is_symlink() or entry.name.startswith(".") or _is_folder(entry):
            return False
        return os.path.exists(entry.path) and self._leaves(entry.path)

    def _below(self, top: str) -> Iterator[tuple[str, Beside]]:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in self._entered:
                    continue
                self._entered.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as found:
                    entries = [e for e in sorted(found, key=lambda entry: entry.name) if not self._is_outside(e)]
            except OSError as error:
                self.unreadable.append(error)
                continue
            if folder != str(self._root) and any(entry.name == NO_MEDIA for entry in entries):
                self._left_out[MARKED] += 1
                continue
            if is_export_folder(Path(folder)):
                self.exports.append(folder)
                continue
            beside = self._beside(folder, entries)
            subfolders: list[str] = []
            others: list[str] = []
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if _is_folder(entry):
                    if is_machinery(entry.name, os.path.basename(folder)):
                        self._left_out[folder_label(entry.name)] += 1
                    else:
                        (self._links if entry.is_symlink() else subfolders).append(entry.path)
                elif is_picture(entry.name, lambda n_bytes, entry=entry: _start(entry, n_bytes)):  # type: ignore[misc]
                    if label := beside.leaves_out(entry.name):
                        self._left_out[label] += 1
                    else:
                        yield entry.path, beside
                else:
                    others.append(entry.name)
                    if entry.is_symlink() and not os.path.exists(entry.path):
                        self.broken.append(entry.path)
            self._left_out.update(file_label(name) for name in others if name not in beside.used)
            self.unread += ((os.path.join(folder, name), reason) for name, reason in beside.failures)
            waiting += reversed(subfolders)

    def _beside(self, folder: str, entries: Sequence[os.DirEntry[str]]) -> Beside:
        def read(name: str, max_bytes: int) -> bytes:
            return read_file(os.path.join(folder, name), max_bytes)

        own_path = readable_name(os.path.relpath(folder, self._root.parent))
        return Beside((entry.name for entry in entries), read, "" if own_path.startswith("..") else own_path)


def _note(outside: Sequence[str]) -> tuple[str, ...]:
    """Return what people are told of links that were not followed; nothing where there are none."""
    if not outside:
        return ()
    named = ", ".join(map(readable_name, outside[:N_NAMED])) + (" and others" if len(outside) > N_NAMED else "")
    told = (
        "1 link leads out of the folder and was"
        if len(outside) == 1
        else (f"{len(outside):,} links lead out of the folder and were")
    )
    return (
        f"{told} not followed: {named}. To have such links followed, add the folder with --follow-links, or tick that"
        " on the Library page.",
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _start(entry: os.DirEntry[str], n_bytes: int) -> bytes:
    """Return the first bytes of a file; none of what cannot be read, or is no file, since a pipe could block."""
    try:
        if not entry.is_file():
            return b""
        with open_regular(entry.path) as file:
            return file.read(n_bytes)
    except OSError:
        return b""


def path_of(source_key: str, address: str | None) -> str:
    """Return the path of a listed photo on disk: its key, unless the path is no UTF-8."""
    if address is None or not address.startswith(_ADDRESS):
        return source_key
    return os.fsdecode(unquote_to_bytes(address.removeprefix(_ADDRESS)))


def _open(paths: Sequence[Path], options: Options) -> Sequence[Source] | None:
    if len(paths) != 1 or not paths[0].is_dir():
        return None
    return [FolderSource(paths[0], follow_links=options.follow_links)]


def _read(_resources: Resources, photo: Pending, max_bytes: int, _etag: str | None) -> Content:
    return Content(read_file(Path(path_of(photo.source_key, photo.address)), max_bytes))


KIND: SourceKind = SourceKind(
    NAME,
    _read,
    usage="a folder",
    title="Folder",
    note="Photos stay in the folder, unchanged. Add the folder again to update what is new, changed or gone."
    " What Google Takeout, instaloader and editors (XMP) write beside photos is read with them.",
    example="/home/you/Pictures/2024",
    complete_texts=COMPLETE_TEXTS,
    open_paths=_open,
)
