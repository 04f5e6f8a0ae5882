"""A ZIP of photos as a source."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from photosearch.errors import Cancelled, SourceError
from photosearch.library import Pending
from photosearch.records import Failure, Listing, Watch
from photosearch.sources.archive import Archives, are_zips, open_archives
from photosearch.sources.beside import COMPLETE_TEXTS, Beside
from photosearch.sources.left_out import MARKED, NO_MEDIA, file_label, folder_label, is_machinery, is_picture
from photosearch.sources.source import Content, Options, Resources, Source, SourceKind

NAME = "zip"
_MARK_CHARS = 8  # of the SHA-256 of a path, enough to tell some ZIPs of one name apart


class PhotosZipSource:
    """Lists the pictures, by name or by their first bytes; leaves out what `FolderSource` does, and ZIPs in the ZIP."""

    kind = NAME
    described = False
    listed_in: str | None = None

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self.collection = self._path.stem or "photos"
        self.left_out: Counter[str] = Counter()
        self._name = self._path.name
        self._others: frozenset[str] = frozenset()  # keys of photos in other ZIPs that still exist

    def covers(self, source_key: str) -> bool:
        """Tell whether a key belongs to a member of this ZIP."""
        return source_key.startswith(f"{self._name}/") and source_key not in self._others

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:
        """Yield each picture by the ZIP's name and its own; raise `SourceError` when the ZIP cannot be opened."""
        self._name = self._name_beside(known)
        with Archives() as archives:
            archive = archives.open(self._path)
            outside = _Outside(archive.names(), self.left_out)
            folders = self._folders(archives)
            others: list[str] = []
            for name in archive.names():
                if watch.is_cancelled():
                    raise Cancelled("The listing was cancelled. What was listed until then is kept.")
                if _is_hidden(name):
                    continue
                if outside.holds(name):
                    continue
                member = archive.member(name)
                if member is None or not is_picture(name, partial(archive.read_start, member)):
                    others.append(name)
                    continue
                key = f"{self._name}/{name}"
                folder, _, own_name = name.rpartition("/")
                if member.refusal:
                    yield Failure(key, member.refusal)
                elif label := folders[folder].leaves_out(own_name):
                    self.left_out[label] += 1
                else:
                    yield Listing(key, member.stamp, str(self._path), folders[folder].details_of(own_name))
            used = {f"{folder}/{name}".lstrip("/") for folder, beside in folders.items() for name in beside.used}
            self.left_out.update(file_label(name) for name in others if name not in used)
            for folder, beside in folders.items():
                for name, reason in beside.failures:
                    yield Failure("/".join(filter(None, (self._name, folder, name))), reason)

    def _folders(self, archives: Archives) -> dict[str, Beside]:
        """Return what lies beside pictures in each folder of the ZIP, by the folder's path."""
        names: dict[str, list[str]] = {}
        for path in archives.open(self._path).names():
            folder, _, name = path.rpartition("/")
            names.setdefault(folder, []).append(name)

        def reader(folder: str) -> Callable[[str, int], bytes]:
            start = f"{folder}/" if folder else ""
            return lambda name, max_bytes: archives.read(self._path, start + name, max_bytes)

        zip_name = self._path.stem
        return {
            folder: Beside(own, reader(folder), f"{zip_name}/{folder}".rstrip("/")) for folder, own in names.items()
        }

    def _name_beside(self, known: Mapping[str, str | None]) -> str:
        """Return the ZIP's name, with a mark when another existing ZIP of that name was listed before."""
        name, own = self._path.name, str(self._path)
        paths = {path for path in known.values() if path and path != own and Path(path).exists()}
        self._others = frozenset(key for key, path in known.items() if path in paths)
        marked = f"{name}~{hashlib.sha256(os.fsencode(own)).hexdigest()[:_MARK_CHARS]}"
        if any(key.startswith(f"{marked}/") for key in known):
            return marked
        has_own = any(path == own and key.startswith(f"{name}/") for key, path in known.items())
        return marked if not has_own and any(key.startswith(f"{name}/") for key in self._others) else name


def read_member(photo_key: str, address: str, archives: Archives, max_bytes: int) -> bytes:
    """Read a listed photo's bytes; raise `PhotoError` as `Archives.read` does.

    Args:
        photo_key: the ZIP's name, a slash, and the member's name.
        address: the ZIP's path.
        archives: the open ZIPs, among which this one is opened if necessary.
        max_bytes: the largest size; a larger photo is refused.
    """
    return archives.read(Path(address), photo_key.partition("/")[2], max_bytes)


class _Outside:
    """The folders of a ZIP that hold no photos of their own; each is counted once."""

    def __init__(self, names: Iterable[str], left_out: Counter[str]) -> None:
        self._marked = {name.removesuffix(NO_MEDIA) for name in names if name.endswith(f"/{NO_MEDIA}")}
        self._left_out = left_out
        self._met: set[str] = set()

    def holds(self, name: str) -> bool:
        """Return whether a file lies in such a folder."""
        *folders, _ = name.split("/")
        path = parent = ""
        for folder in folders:
            path += f"{folder}/"
            label = folder_label(folder) if is_machinery(folder, parent) else MARKED if path in self._marked else None
            if label is not None:
                self._left_out[label] += path not in self._met
                self._met.add(path)
                return True
            parent = folder
        return False


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))


def _open(paths: Sequence[Path], _options: Options) -> Sequence[Source] | None:
    if not are_zips(paths):
        return None
    if len(paths) > 1:
        raise SourceError(
            f'"{paths[0].name}" and the other ZIPs are not parts of one export. Add ZIPs of photos one at a time.'
        )
    return [PhotosZipSource(paths[0])]


def _read(resources: Resources, photo: Pending, max_bytes: int, _etag: str | None) -> Content:
    return Content(read_member(photo.source_key, photo.address or "", resources.shared(open_archives), max_bytes))


KIND: SourceKind = SourceKind(NAME, _read, usage="a ZIP of photos", open_paths=_open, complete_texts=COMPLETE_TEXTS)
