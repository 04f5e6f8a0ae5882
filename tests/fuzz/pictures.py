"""Damaged pictures of all formats through the processes that decode: a photo or a reason, and memory stays flat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from PIL import Image

from photosearch.errors import PhotoError
from photosearch.pictures.decoding import pool
from photosearch.pictures.decoding.decoder import prepare_photo
from photosearch.pictures.images import DRAFT_SIDE_PX
from tests import bombs

MAX_GROWTH_MB = 150  # of a process between its first pictures and its last
N_WARM = 50
_NOISE = Image.effect_noise((60, 44), 90).convert("RGB")
SEEDS = [bombs.encoded(_NOISE, name) for name in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF")]
SEEDS += [bombs.HEIC, bombs.heic_of_a_huge_part(), bombs.heic_that_says(5000, 5000)]
SEEDS += [bombs.encoded(_NOISE.convert("CMYK"), "JPEG", progressive=True)]
SEEDS += [
    bombs.encoded(_NOISE, "TIFF", compression=name) for name in ("tiff_lzw", "jpeg", "tiff_adobe_deflate", "zstd")
]
SEEDS += [bombs.encoded(_NOISE.convert("1"), "TIFF", compression=name) for name in ("group3", "group4")]
SEEDS += [bombs.encoded(_NOISE.quantize(8), "PNG", transparency=2), bombs.tiff(bytes(512 * 512), {322: 512, 323: 512})]
SEEDS += [bombs.tiff_of_a_huge_tile(), bombs.tiff_of_many_warnings(), bombs.huge_progressive_cmyk()]


@dataclass(frozen=True)
class DamagedPicture:
    """A picture with other bytes at some places, cut or extended."""

    seed: int
    places: tuple[tuple[float, int], ...]  # relative: in the whole file, or in its first 300 bytes; and the byte
    in_head: bool
    share: float  # of the file that is left; more than 1: repeated from its start

    @property
    def data(self) -> bytes:
        """The file."""
        whole = SEEDS[self.seed]
        data = bytearray((whole * 2)[: max(1, int(len(whole) * self.share))])
        for place, byte in self.places:
            data[int(place * (min(len(data), 300) if self.in_head else len(data)))] = byte
        return bytes(data)


_PLACES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12).map(tuple)
PICTURES = st.builds(
    DamagedPicture,
    st.integers(0, len(SEEDS) - 1),
    _PLACES,
    st.booleans(),
    st.one_of(st.just(1.0), st.floats(0.1, 2)),
)


class Decoding:
    """Check that has a picture decoded in another process."""

    def __init__(self) -> None:
        self.n_refused = self.n_tried = 0
        self.memory_mb: dict[int, float] = {}  # by process, once it is warm

    def __call__(self, picture: DamagedPicture) -> None:
        """Decode it; raises `AssertionError` when the answer is odd or a process has grown."""
        self.n_tried += 1
        try:
            prepared = prepare_photo(picture.data)
        except PhotoError:
            self.n_refused += 1
        else:
            assert 0 < max(prepared.picture.rgb.size) <= DRAFT_SIDE_PX
            assert prepared.thumbnail.startswith(b"\xff\xd8")
        if self.n_tried % N_WARM == 0:
            self._check_memory()

    def _check_memory(self) -> None:
        for process in pool._pool._idle:
            number = process._process.pid
            status = Path(f"/proc/{number}/status").read_text(encoding="ascii")
            resident_mb = int(status.partition("VmRSS:")[2].split()[0]) / 1024
            before_mb = self.memory_mb.setdefault(number, resident_mb)
            assert resident_mb < before_mb + MAX_GROWTH_MB, f"{before_mb:.0f} MB before, now {resident_mb:.0f} MB"
