from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from photosearch.errors import PhotoError
from photosearch.pictures import images
from tests.conftest import jpeg

# Pillow warns of damage that it can live with.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def mosaic(size: tuple[int, int] = (40, 24)) -> Image.Image:
    blocks = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)


def png_of_zeros(width: int, height: int, bits: int, colour: int, n_channels: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows, packer = bytes((1 + (width * bits * n_channels + 7) // 8) * 100), zlib.compressobj(1)
    packed = b"".join([*(packer.compress(rows) for _ in range(height // 100)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    tags[ExifTags.Base.Make] = "Maker"
    tags.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return tags


def corner(data: bytes) -> tuple[int, int, int]:
    return images.decode(data).rgb.getpixel((0, 0))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_stands_upright_whatever_its_exif_orientation(format: str, orientation: int) -> None:
    data = encoded(mosaic(), format, exif=exif(orientation))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    picture = images.decode(data)
    assert (picture.width_px, picture.height_px) == picture.rgb.size == upright.size
    assert np.abs(np.asarray(picture.rgb, int) - np.asarray(upright, int)).max() <= 2


def test_large_tiff_is_turned_once() -> None:
    picture = images.decode(encoded(mosaic((2000, 1200)), "TIFF", exif=exif(6)))
    assert (picture.width_px, picture.height_px, picture.rgb.size) == (1200, 2000, (480, 800))


@pytest.mark.parametrize("size", [(64, 48), (3300, 300)])  # as it is; made smaller on the way
@pytest.mark.parametrize(
    ("format", "mode", "ink", "seen"),
    [
        ("JPEG", "CMYK", (0, 255, 255, 0), (254, 0, 0)),
        ("TIFF", "CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("PNG", "RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("PNG", "RGBA", (0, 0, 0, 0), (255, 255, 255)),
        ("PNG", "LA", (0, 0), (255, 255, 255)),
        ("PNG", "1", 1, (255, 255, 255)),
        ("PNG", "I;16", 128 * 257, (128, 128, 128)),
        ("TIFF", "I;16", 128 * 257, (128, 128, 128)),
        ("TIFF", "F", 1.0, (255, 255, 255)),
        ("TIFF", "F", float("nan"), (0, 0, 0)),
    ],
)
def test_every_kind_of_pixel_becomes_rgb(
    format: str, mode: str, ink: object, seen: tuple[int, ...], size: tuple[int, int]
) -> None:
    assert corner(encoded(Image.new(mode, size, ink), format)) == pytest.approx(seen, abs=1)


@pytest.mark.parametrize("size", [(64, 48), (3300, 300)])
def test_transparent_colour_of_a_palette_is_white(size: tuple[int, int]) -> None:
    image = Image.new("P", size, 3)
    image.putpalette([10, 20, 30] * 4)
    assert corner(encoded(image, "PNG")) == (10, 20, 30)
    assert corner(encoded(image, "PNG", transparency=3)) == (255, 255, 255)
    assert corner(encoded(Image.new("RGB", size, (9, 9, 9)), "PNG", transparency=(9, 9, 9))) == (255, 255, 255)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_seen(format: str) -> None:
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "green", "blue")]
    red, green, blue = corner(encoded(frames[0], format, save_all=True, append_images=frames[1:]))
    assert red > 200 > 60 > max(green, blue)


def test_deep_greys_keep_their_steps() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    grey = np.asarray(images.decode(encoded(Image.fromarray(ramp), "PNG")).rgb)[..., 0].ravel()
    assert np.abs(grey.astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        "grüße, this is a text".encode() * 50,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
        b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(200),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(PhotoError, match=r"empty|no picture that can be read"):
        images.decode(data)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_half_a_file_is_damaged(format: str) -> None:
    whole = encoded(Image.effect_noise((200, 150), 90).convert("RGB"), format)
    with pytest.raises(PhotoError, match=r"damaged|no picture"):
        images.decode(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("width", "height", "bits", "colour", "n_channels"),
    [(20_000, 20_000, 1, 0, 1), (20_000, 20_000, 8, 0, 1), (10_000, 9_000, 8, 2, 3)],
)
def test_bomb_is_refused_before_it_is_unpacked(
    width: int, height: int, bits: int, colour: int, n_channels: int
) -> None:
    bomb = png_of_zeros(width, height, bits, colour, n_channels)
    Image.core.reset_stats()
    with pytest.raises(PhotoError, match="too large to decode"):
        images.decode(bomb)
    assert Image.core.get_stats()["new_count"] == 0  # Pillow took no memory for pixels


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 30_000), (640, 480), (3000, 2000)])
def test_every_shape_has_a_view_and_a_thumbnail(size: tuple[int, int]) -> None:
    picture = images.decode(jpeg("red", size))
    view = images.squashed(picture)
    small = Image.open(io.BytesIO(images.thumbnail(picture)))
    assert (view.shape, view.dtype) == ((256, 256, 3), np.uint8)
    assert (picture.width_px, picture.height_px) == size
    assert (small.format, small.mode, max(small.size)) == ("JPEG", "RGB", min(400, max(size)))
    assert len(images.perceptual_hash(picture)) == 16


def test_the_encoders_pixels_are_the_same_in_memory_that_others_used() -> None:
    pictures = [images.decode(encoded(mosaic(size), "PNG")) for size in ((900, 600), (31, 47), (256, 256))]
    space = np.full((2, 3, 256, 256), np.nan, np.float32)
    for some in (pictures[:2], pictures[2:]):
        assert np.array_equal(images.encoder_pixels(some, space), images.encoder_pixels(some))
    assert images.encoder_pixels(pictures).shape == (3, 3, 256, 256)


def test_thumbnail_tells_nothing_but_the_picture() -> None:
    data = encoded(mosaic((900, 600)), "JPEG", exif=exif(), comment="secret", xmp=b"<secret/>", icc_profile=b"secret")
    small = images.thumbnail(images.decode(data))
    assert not Image.open(io.BytesIO(small)).getexif()
    assert not [word for word in (b"Exif", b"secret", b"Maker", b"GPS") if word in small]


SEEDS = [encoded(mosaic(), name, exif=exif(6)) for name in ("JPEG", "PNG", "WEBP", "TIFF")]
SEEDS += [encoded(mosaic(), "GIF"), encoded(mosaic().quantize(8), "PNG", transparency=2)]
SEEDS += [jpeg("red", progressive=True), encoded(mosaic(), "TIFF", compression="tiff_lzw")]


Damage = list[tuple[float, int]]
DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12)


def damaged(data: bytes, damage: Damage, first: int, last: int) -> bytes:
    """The file with other bytes at some places, given as shares of the way from `first` to `last`."""
    copy = bytearray(data)
    for place, byte in damage:
        copy[first + int(place * (last - first))] = byte
    return bytes(copy)


@settings(max_examples=300, derandomize=True)
@given(seed=st.sampled_from(SEEDS), damage=DAMAGE, head=st.booleans(), share=st.floats(0.2, 2))
def test_damage_gives_a_picture_or_a_photo_error(seed: bytes, damage: Damage, head: bool, share: float) -> None:
    data = seed[: int(len(seed) * share)]
    with contextlib.suppress(PhotoError):
        picture = images.decode(damaged(data, damage, 0, min(len(data), 200) if head else len(data)))
        assert images.thumbnail(picture)


@settings(max_examples=200, derandomize=True)
@given(damage=DAMAGE)
def test_damaged_exif_leaves_the_picture_whole(damage: Damage) -> None:
    whole = jpeg("red", exif=exif(6))
    first, last = whole.index(b"Exif\0\0") + 6, whole.index(b"\xff\xdb")  # the picture's tables come next
    picture = images.decode(damaged(whole, damage, first, last))
    assert {picture.width_px, picture.height_px} == {64, 48}


# As the models learned


def test_a_larger_picture_is_shrunk_and_compressed_as_those_that_the_models_learned_from():
    picture = images.decode(encoded(mosaic((400, 300)), "PNG"))
    learned = images.as_learned(picture)
    assert learned.rgb.size == (320, 240)
    assert (learned.sha256, learned.width_px, learned.height_px) == (picture.sha256, 400, 300)
    plain = np.asarray(picture.rgb.resize((320, 240), Image.Resampling.BICUBIC), dtype=int)
    assert 0 < np.abs(np.asarray(learned.rgb, dtype=int) - plain).mean() < 8


@pytest.mark.parametrize("size", [(224, 224), (320, 200), (1, 1)])
def test_a_picture_no_larger_than_those_is_left_as_it_is(size):
    picture = images.decode(encoded(mosaic(size), "PNG"))
    assert images.as_learned(picture) is picture
