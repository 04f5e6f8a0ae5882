"""Photos, and ZIPs of photos, that somebody hands in through the page; the library keeps their bytes."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from photosearch.errors import Cancelled, PhotoError
from photosearch.images import MAX_FILE_BYTES
from photosearch.library.files import UPLOAD, Files
from photosearch.records import Failure, Listing, Progress
from photosearch.sources.archive import Archives
from photosearch.sources.photos_zip import PhotosZipSource
from photosearch.sources.photos_zip import read as read_member
from photosearch.sources.source import Watch

KIND = UPLOAD
_TOLD_CHARS = 12  # of the SHA-256, enough to tell two files of one name apart


class UploadSource:
    """Keeps what was handed in, and lists it. A photo's key is its bytes' and its name: a second time it is known."""

    kind = KIND
    described = False
    collection = "uploads"

    def __init__(self, uploads: Sequence[tuple[str, BinaryIO]], files: Files) -> None:
        """`uploads` are names with their bytes."""
        self._uploads = uploads
        self._files = files
        self.n_skipped = 0

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Nothing that was handed in before is missing now."""
        return False

    def listings(self, known: Collection[str], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Each photo once it is kept; raises `LibraryError` where there is no room."""
        for n_done, (name, stream) in enumerate(self._uploads):
            if watch.is_cancelled():
                raise Cancelled("The upload was ended. What was kept stays.")
            watch.on_progress(Progress(n_done, len(self._uploads), "Keeping what was uploaded"))
            name = PurePosixPath(name.replace("\\", "/")).name or "photo"
            if name.lower().endswith(".zip"):
                yield from self._from_zip(name, stream, watch)
            else:
                data = stream.read(MAX_FILE_BYTES + 1)
                if len(data) > MAX_FILE_BYTES:
                    yield Failure(name, f"the file is larger than {MAX_FILE_BYTES // 1_000_000} MB")
                else:
                    yield self._kept(name, data)

    def _from_zip(self, name: str, stream: BinaryIO, watch: Watch) -> Iterator[Listing | Failure]:
        with tempfile.TemporaryDirectory() as folder, Archives() as archives:
            path = Path(folder) / name
            with path.open("wb") as file:
                shutil.copyfileobj(stream, file)
            source = PhotosZipSource(path)
            for item in source.listings((), watch):
                if isinstance(item, Failure):
                    yield item
                    continue
                try:
                    data = read_member(item.source_key, item.address or "", archives, MAX_FILE_BYTES)
                except PhotoError as error:
                    yield Failure(item.source_key, str(error))
                else:
                    yield self._kept(item.source_key, data)
            self.n_skipped += source.n_skipped

    def _kept(self, name: str, data: bytes) -> Listing:
        sha256 = hashlib.sha256(data).hexdigest()
        return Listing(f"{sha256[:_TOLD_CHARS]}/{name}", sha256, self._files.keep_upload(sha256, data))
