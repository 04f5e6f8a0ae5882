"""Damaged directories of ZIPs: a member is read whole or refused, and never more than the limits is unpacked."""

from __future__ import annotations

import io
import tempfile
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from photosearch.errors import PhotoError, SourceError
from photosearch.sources.archive import SUM_MATTERS_BYTES, Archives

MAX_BYTES = 20_000_000  # of a member
LIMIT_S = 5.0  # of processor time


def _zip(method: int, *, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for i in range(6):
            archive.writestr(f"a/{i}.jpg", bytes([i]) * (1_000_000 if method == zipfile.ZIP_DEFLATED else 90))
        archive.comment = comment
    return out.getvalue()


SEEDS = [_zip(zipfile.ZIP_STORED), _zip(zipfile.ZIP_DEFLATED), _zip(zipfile.ZIP_STORED, comment=b"PK\5\6" + bytes(18))]


@dataclass(frozen=True)
class DamagedZip:
    """A ZIP with other bytes in its directory, some of the members' fields at their largest."""

    seed: int
    places: tuple[tuple[float, bytes], ...]  # relative, from the directory's beginning
    cut: float

    @property
    def data(self) -> bytes:
        """The file."""
        data = bytearray(SEEDS[self.seed])
        first = data.index(b"PK\1\2")
        for place, found in self.places:
            at = first + int(place * (len(data) - first))
            data[at : at + len(found)] = found
        return bytes(data[: int(len(data) * self.cut)])


_BYTES = st.one_of(
    st.binary(min_size=1, max_size=4),
    st.sampled_from([b"\xff" * 4, b"\xff" * 8, b"\0" * 4, b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"../"]),
)
ZIPS = st.builds(
    DamagedZip,
    st.integers(0, len(SEEDS) - 1),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), _BYTES), min_size=1, max_size=6).map(tuple),
    st.one_of(st.just(1.0), st.floats(0.5, 1)),
)


class Unpacking:
    """Check that reads all members of a ZIP."""

    def __call__(self, damaged: DamagedZip) -> None:
        """Read it; raises `AssertionError` when it takes too long or gives too much."""
        started, n_bytes = time.process_time(), 0
        with tempfile.TemporaryDirectory() as scratch, Archives() as archives:
            path = Path(scratch, "a.zip")
            path.write_bytes(damaged.data)
            try:
                names = list(archives.open(path).names())
            except SourceError:
                return
            for name in names:
                with suppress(PhotoError):
                    n_bytes += len(archives.read(path, name, MAX_BYTES))
        assert n_bytes <= SUM_MATTERS_BYTES, n_bytes
        assert time.process_time() - started < LIMIT_S
