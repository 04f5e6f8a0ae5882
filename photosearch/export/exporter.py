"""Photos written to a file to take away: what is known of them, or the pictures themselves in a ZIP."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain, count
from pathlib import Path

from photosearch.errors import Cancelled, LibraryError, PhotoError
from photosearch.export.formats import CSV_COLUMNS, csv_cell, csv_row, photo_json
from photosearch.files import clean_name, write_whole
from photosearch.library import Library, Pending
from photosearch.library.upkeep import locate
from photosearch.picture_formats import suffix_of
from photosearch.records import Failure, Photo, Progress, Report, Watch
from photosearch.sources.reading import FETCHED, Reader

MAX_ZIP_BYTES = 4_000_000_000  # of pictures; what many file systems take as one file
SPARE_BYTES = 200_000_000  # left free on the disk, for the library itself
MAX_FOUND = 5_000  # photos that a query may take along
AT_ONCE = 200
TABLE = "photos.csv"
_MOST_CHARS = 80  # of a photo's name, and of a collection's
_MOST_BYTES = 200  # of a collection's name within a file's: most file systems take 255 in all
_RESERVED = frozenset("con prn aux nul".split())  # names that Windows keeps for itself


class ExportKind(StrEnum):
    """What can be taken away."""

    JSON = "json"
    CSV = "csv"
    OLDER_SYSTEM = "seed"  # the older system's three files, in a ZIP
    PHOTOS = "photos"  # the pictures, with a table of what is known of them


def file_name(collection: str, kind: ExportKind) -> str:
    """What the file is called, on any system."""
    name = clean_name(collection, _MOST_BYTES)[:_MOST_CHARS] or "photos"
    return {
        ExportKind.JSON: f"{name}.json",
        ExportKind.CSV: f"{name}.csv",
        ExportKind.OLDER_SYSTEM: f"{name}-older-system.zip",
        ExportKind.PHOTOS: f"{name}-photos.zip",
    }[kind]


class Exporter:
    """Writes photos to files. Nothing is fetched: of fetched photos, what was kept is taken."""

    def __init__(self, library: Library, reader: Reader, watch: Watch) -> None:
        self._library = library
        self._reader = reader
        self._watch = watch

    def write(self, kind: ExportKind, collection: str, ids: Sequence[str], path: Path) -> Report:
        """Write what is known of photos, or the photos themselves, to a file that is whole or not there.

        Args:
            kind: what to write.
            collection: its name, for the older system's files.
            ids: of the photos, in the order in which they are to stand.
            path: the file; its folder is made.

        Returns:
            The photos whose pictures are not in the file, and why.

        Raises:
            LibraryError: there is no room, or the file cannot be written.
            Cancelled: the one who watches ended it.
        """
        with _writing(path) as part:
            match kind:
                case ExportKind.PHOTOS:
                    return self._write_photos(ids, part)
                case ExportKind.OLDER_SYSTEM:
                    return self._write_older_system(collection, ids, part)
                case ExportKind.CSV:
                    self._write_csv(ids, part)
                case ExportKind.JSON:
                    self._write_json(ids, part)
        return Report()

    def _photos(self, ids: Sequence[str]) -> Iterator[list[Photo]]:
        """The photos that there are, some at a time, telling how far it is."""
        for first in range(0, len(ids), AT_ONCE):
            if self._watch.is_cancelled():
                raise Cancelled("It was ended; no file was made.")
            some = ids[first : first + AT_ONCE]
            found = self._library.photos_by_id(some)
            yield [found[photo_id] for photo_id in some if photo_id in found]
            self._watch.on_progress(Progress(min(first + AT_ONCE, len(ids)), len(ids), "Writing"))

    def _write_json(self, ids: Sequence[str], path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.write("[")
            separator = "\n"
            for photo in chain.from_iterable(self._photos(ids)):
                file.write(separator + json.dumps(photo_json(photo), ensure_ascii=False))
                separator = ",\n"
            file.write("\n]\n")

    def _write_csv(self, ids: Sequence[str], path: Path) -> None:
        with path.open("w", encoding="utf-8-sig", newline="") as file:  # with a mark that spreadsheets want
            writer = csv.writer(file)
            writer.writerow(CSV_COLUMNS)
            for photos in self._photos(ids):
                writer.writerows(map(csv_row, photos))

    def _write_older_system(self, collection: str, ids: Sequence[str], path: Path) -> Report:
        from photosearch.export.older_system import has_address, older_system_files

        photos = list(chain.from_iterable(self._photos(ids)))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in older_system_files(collection, photos).items():
                archive.writestr(name, text)
        reason = "it has no address, and the older system knows photos by nothing else"
        return Report(failures=tuple(Failure(one.source_key, reason) for one in photos if not has_address(one)))

    def _write_photos(self, ids: Sequence[str], path: Path) -> Report:
        failures: list[Failure] = []
        names = _ZipNames()
        n_bytes = 0
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerow(("file", *CSV_COLUMNS))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
            for photos in self._photos(ids):
                places = locate(self._library, [photo.id for photo in photos])
                for photo in photos:
                    name = ""
                    try:
                        data = self._read(places[photo.id], MAX_ZIP_BYTES - n_bytes)
                    except PhotoError as error:
                        failures.append(Failure(photo.source_key, str(error)))
                    else:
                        _check_room(path, len(data))
                        name = names.take(photo.name, data)
                        archive.writestr(name, data)
                        n_bytes += len(data)
                    writer.writerow((csv_cell(name), *csv_row(photo)))
            archive.writestr(TABLE, "\ufeff" + table.getvalue(), zipfile.ZIP_DEFLATED)
        return Report(failures=tuple(failures))

    def _read(self, place: Pending, room_bytes: int) -> bytes:
        from photosearch.images import MAX_FILE_BYTES

        if place.kept_path is not None:
            try:
                data = self._library.files.path(place.kept_path).read_bytes()
            except OSError as error:
                raise PhotoError(f"what was kept of it cannot be read: {error.strerror}") from error
        elif place.source in FETCHED:
            raise PhotoError("it has not been fetched yet")
        else:
            content = self._reader.read(place, MAX_FILE_BYTES)
            data = content.data if content is not None else b""
        if len(data) > room_bytes:
            raise PhotoError(f"the ZIP holds no more than {MAX_ZIP_BYTES // 1_000_000_000} GB of pictures")
        return data


class _ZipNames:
    """Names of files in a ZIP: each once, whatever the system it is unpacked on thinks of capitals."""

    def __init__(self) -> None:
        self._taken = {TABLE}

    def take(self, name: str, data: bytes) -> str:
        """A name like the given one that is not taken, ending as the bytes want it."""
        stem, suffix = _split(clean_name(name))
        stem = stem[:_MOST_CHARS] or "photo"
        if stem.lower() in _RESERVED:
            stem = f"_{stem}"
        ending = suffix_of(data) or suffix.lower() or ".jpg"
        numbered = (f"{stem}-{number}{ending}" for number in count(2))
        free = next(one for one in chain([stem + ending], numbered) if one.lower() not in self._taken)
        self._taken.add(free.lower())
        return free


def _split(name: str) -> tuple[str, str]:
    """A name's stem and suffix, empty where it ends in nothing like one."""
    found = re.fullmatch(r"(.*)(\.[A-Za-z0-9]{1,5})", name, re.DOTALL)
    return (found[1], found[2]) if found else (name, "")


def _check_room(path: Path, n_bytes: int) -> None:
    if shutil.disk_usage(path.parent).free < n_bytes + SPARE_BYTES:
        raise LibraryError(f"There is no room left for {path.parent}. Free some space, or take fewer photos.")


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """Yield a path to write to, as `write_whole` does; raises `LibraryError` where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as part:
            yield part
    except OSError as error:
        raise LibraryError(f'"{path}" cannot be written: {error.strerror}. Free some space and try again.') from error
