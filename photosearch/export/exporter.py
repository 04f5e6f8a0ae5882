"""Writes a collection to one file: its photos' data, or the pictures themselves in a ZIP."""

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
from photosearch.files import advice_on, clean_name, write_whole
from photosearch.library import Library, Pending
from photosearch.library.upkeep import locate
from photosearch.pictures.formats import suffix_of
from photosearch.records import DetailedPhoto, Failure, Progress, Report, Watch
from photosearch.sources.kinds import kind_named
from photosearch.sources.reading import Reader

MAX_ZIP_BYTES = 4_000_000_000  # of pictures; many file systems allow a single file of little more
SPARE_BYTES = 200_000_000  # left free on the disk, for the library itself
MAX_FOUND = 5_000  # photos in the export of a query
AT_ONCE = 200  # photos that are read from the library together
TABLE = "photos.csv"
_MAX_NAME_CHARS = 80  # of a photo's name, and of a collection's
_MAX_NAME_BYTES = 200  # of a collection's name within a file's: most file systems take 255 in all
_RESERVED = frozenset("con prn aux nul".split())  # names that Windows keeps for itself


class ExportKind(StrEnum):
    """The kinds of file that can be exported."""

    JSON = "json"
    CSV = "csv"
    OLDER_SYSTEM = "seed"  # the older system's three files, in a ZIP
    PHOTOS = "photos"  # the pictures with a table of their data, in a ZIP


def file_name(collection: str, kind: ExportKind) -> str:
    """Return the name of an exported file, which every system accepts."""
    name = clean_name(collection, _MAX_NAME_BYTES)[:_MAX_NAME_CHARS] or "photos"
    return {
        ExportKind.JSON: f"{name}.json",
        ExportKind.CSV: f"{name}.csv",
        ExportKind.OLDER_SYSTEM: f"{name}-older-system.zip",
        ExportKind.PHOTOS: f"{name}-photos.zip",
    }[kind]


class Exporter:
    """Writes photos to files; it fetches nothing, but uses the kept copies of fetched photos."""

    def __init__(self, library: Library, reader: Reader, watch: Watch) -> None:
        self._library = library
        self._reader = reader
        self._watch = watch

    def write(self, kind: ExportKind, collection: str, ids: Sequence[str], path: Path) -> Report:
        """Write photos' data, or the photos themselves, to a file, whole or not at all.

        Args:
            kind: what to write.
            collection: its name, for the older system's files.
            ids: of the photos, in the order of the file.
            path: of the file; its folder is made.

        Returns:
            A report with the photos that are not in the file, and why, as its failures.

        Raises:
            LibraryError: there is no room, or the file cannot be written.
            Cancelled: the watch ended it.
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

    def _photos(self, ids: Sequence[str]) -> Iterator[list[DetailedPhoto]]:
        """Yield the photos in batches, without those that do not exist, and report progress."""
        for first in range(0, len(ids), AT_ONCE):
            if self._watch.is_cancelled():
                raise Cancelled("The export was cancelled; no file was made.")
            batch = ids[first : first + AT_ONCE]
            yield self._library.detailed_photos(batch)
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
        with path.open("w", encoding="utf-8-sig", newline="") as file:  # spreadsheets need the byte order mark
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
        reason = "it has no address, by which the older system identifies photos"
        return Report(failures=tuple(Failure(photo.source_key, reason) for photo in photos if not has_address(photo)))

    def _write_photos(self, ids: Sequence[str], path: Path) -> Report:
        failures: list[Failure] = []
        names = _ZipNames()
        n_bytes = 0
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerow(("file", *CSV_COLUMNS))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # pictures are already compressed
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
        from photosearch.pictures.images import MAX_FILE_BYTES

        if place.kept_path is not None:
            data = self._library.files.read_kept(place.kept_path)
        elif kind_named(place.source).is_fetched:
            raise PhotoError("it has not been fetched yet")
        else:
            content = self._reader.read(place, MAX_FILE_BYTES)
            data = content.data if content is not None else b""
        if len(data) > room_bytes:
            raise PhotoError(f"the ZIP holds no more than {MAX_ZIP_BYTES // 1_000_000_000} GB of pictures")
        return data


class _ZipNames:
    """Names of files in a ZIP, which differ in more than the case of letters, since some systems ignore it."""

    def __init__(self) -> None:
        self._taken = {TABLE}

    def take(self, name: str, data: bytes) -> str:
        """Return a free name like `name`, with the suffix of the format of `data`."""
        stem, suffix = _split(clean_name(name))
        stem = stem[:_MAX_NAME_CHARS] or "photo"
        if stem.lower() in _RESERVED:
            stem = f"_{stem}"
        ending = suffix_of(data) or suffix.lower() or ".jpg"
        numbered = (f"{stem}-{number}{ending}" for number in count(2))
        free = next(name for name in chain([stem + ending], numbered) if name.lower() not in self._taken)
        self._taken.add(free.lower())
        return free


def _split(name: str) -> tuple[str, str]:
    """Return a name's stem and suffix, which is empty where the end is not like a suffix."""
    parts = re.fullmatch(r"(.*)(\.[A-Za-z0-9]{1,5})", name, re.DOTALL)
    return (parts[1], parts[2]) if parts else (name, "")


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
        raise LibraryError(
            f'"{path}" cannot be written: {error.strerror}. {advice_on(error)} and try again.'
        ) from error
