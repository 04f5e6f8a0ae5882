"""Pictures: bytes are decoded safely, turned upright and shrunk; thumbnails and pixels for the models are made."""

from __future__ import annotations

import hashlib
import io
import struct
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import pi_heif
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from photosearch.errors import PhotoError
from photosearch.pictures.bounds import check_avif, check_heif, check_jpeg, check_tiff
from photosearch.pictures.colours import to_srgb
from photosearch.pictures.formats import FORMATS

ENCODER_SIDE_PX = 256  # of the encoder's input
PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0  # its published preprocessing: (rgb - 127) / 128
THUMBNAIL_SIDE_PX = 400
KEPT_SIDE_PX = 640  # of what is kept of a fetched photo, unless its original bytes are
JPEG_QUALITY = 80
BRIGHTNESS_SIDE, COLOURS_SIDE = 16, 4  # parts of a miniature
LEARNED_SIDE_PX, LEARNED_QUALITY = 320, 75  # of the everyday photos that the models learned from, or close to it
MAX_FILE_BYTES = 250_000_000
MAX_PIXELS = 80_000_000  # decoded at once: 320 MB in Pillow; a larger JPEG is decoded at a half, a quarter or an eighth
LARGE_PIXELS = 16_000_000  # from here one at a time, so that several large photos do not fill the memory together
DRAFT_SIDE_PX = 2 * THUMBNAIL_SIDE_PX  # at least KEPT_SIDE_PX; JPEGs are decoded no larger than needed

# Pillow itself refuses more than 179 million pixels and warns from half of that; MAX_PIXELS is lower.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # about damaged EXIF blocks, which are ignored
pi_heif.register_heif_opener()
_one_large = threading.Lock()
_PILLOW_FORMATS = [picture_format.name for picture_format in FORMATS]
# Pillow's readers raise many kinds of errors for damaged files; each of them means the same here.
DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    ZeroDivisionError,
    EOFError,
    RuntimeError,
    AttributeError,
    struct.error,
)


@dataclass(frozen=True)
class Picture:
    """A decoded photo, upright."""

    sha256: str  # of the file's bytes
    width_px: int  # of the whole photo, upright
    height_px: int
    rgb: Image.Image  # mode RGB, perhaps smaller than the photo


def decode(
    data: bytes, side_px: int = DRAFT_SIDE_PX, while_large: AbstractContextManager[object] = _one_large
) -> Picture:
    """Decode a file's bytes to an upright RGB picture; of an animation, the first frame.

    A picture from outside is decoded by `decoding.decoder`, which has another process call this one.

    Args:
        data: the bytes.
        side_px: a picture whose longer side exceeds it is shrunk. The models were trained with the default size.
        while_large: held while a large picture is decoded.

    Raises:
        PhotoError: the bytes are no picture, are damaged, or are too large to decode.
    """
    with open_image(data) as image:
        width, height = image.size
        image.draft("RGB", (side_px, side_px))
        n_pixels = image.width * image.height
        if n_pixels > MAX_PIXELS:
            raise PhotoError(
                f"{width} x {height} px is too large to decode; the limit is {MAX_PIXELS // 1_000_000} million"
            )
        _check(image, data)
        with while_large if n_pixels > LARGE_PIXELS else nullcontext():
            rgb, are_sides_swapped = _upright_rgb(image, side_px)
    if are_sides_swapped:
        width, height = height, width
    return Picture(hashlib.sha256(data).hexdigest(), width, height, rgb)


@contextmanager
def open_image(data: bytes) -> Iterator[ImageFile.ImageFile]:
    """Open a file's bytes with Pillow; nothing is decoded yet.

    Raises:
        PhotoError: the bytes are no picture of a known format, are damaged or too large; an error within the block
            counts as damage.
    """
    if not data:
        raise PhotoError("the file is empty")
    try:
        with Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS) as image:
            yield image
    except UnidentifiedImageError as error:
        raise PhotoError("the file is no picture that can be read") from error
    except Image.DecompressionBombError as error:
        raise PhotoError("the picture is too large to decode") from error
    except MemoryError as error:
        raise PhotoError("there is not enough memory to decode the picture") from error
    except DAMAGE as error:
        raise PhotoError(f"the picture is damaged ({str(error) or type(error).__name__})") from error


def _check(image: ImageFile.ImageFile, data: bytes) -> None:
    """Raise `PhotoError` when the file asks its decoder for much more than its size says."""
    if image.format in ("JPEG", "MPO"):
        check_jpeg(data)
    elif isinstance(image, TiffImageFile):
        check_tiff(image.tag_v2)
    elif image.format in ("AVIF", "HEIF"):
        check_heif(data, MAX_PIXELS)
        if image.format == "AVIF":
            check_avif(data, image.width * image.height)


def _upright_rgb(image: ImageFile.ImageFile, side_px: int) -> tuple[Image.Image, bool]:
    """Return the picture in RGB, turned as its EXIF says, no larger than needed; and whether its sides were swapped."""
    image.seek(0)
    image.load()
    orientation = _orientation(image)  # not before: Pillow turns a TIFF by itself when it loads it
    rgb = _to_rgb(to_srgb(_shrunk(image, side_px)))
    turn = _TURNS.get(orientation)
    return (rgb.transpose(turn) if turn is not None else rgb), orientation in _SIDES_SWAPPED


_EXIF_ORIENTATION = 0x0112
_SIDES_SWAPPED = (5, 6, 7, 8)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except DAMAGE:
        return 1  # only the EXIF block is damaged; the picture may be whole


def _shrunk(image: Image.Image, side_px: int) -> Image.Image:
    """Shrink a picture to `side_px` before it is converted, which takes several times its memory."""
    if max(image.size) <= side_px:
        return image
    if image.has_transparency_data and image.mode not in ("RGBA", "LA"):
        image = image.convert("RGBA")  # a colour that stands for transparency would mix with its neighbours
    elif image.mode in ("1", "P"):
        image = image.convert("RGB")  # these have no colours in between
    gap = None if image.mode.startswith("I;16") else 2.0  # Pillow cannot reduce these first
    image.thumbnail((side_px, side_px), Image.Resampling.BILINEAR, reducing_gap=gap)
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB: greys of more than 8 bits are scaled down, not clipped; transparency becomes white."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        values = np.nan_to_num(values)
        top = (
            65535.0
            if image.mode.startswith("I;16") or 255 < values.max(initial=0) <= 65535
            else max(values.max(initial=0), 1.0)
        )
        return Image.fromarray((np.clip(values, 0, top) * (255.0 / top)).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def squashed(picture: Picture, side_px: int = ENCODER_SIDE_PX) -> np.ndarray:
    """Return the whole picture squashed to a square, as in training: uint8 (side, side, 3)."""
    if picture.rgb.size == (side_px, side_px):
        return np.asarray(picture.rgb)
    return np.asarray(picture.rgb.resize((side_px, side_px), Image.Resampling.BICUBIC, reducing_gap=2.0))


def as_learned(picture: Picture) -> Picture:
    """Return a picture as the photos that the models learned from were: larger ones are shrunk and compressed.

    One of their two collections had no traces of compression. Photos without them were described in its manner, with
    people who are not there: on coco-dev CIDEr-D is .79 without this and .94 with it.
    """
    if max(picture.rgb.size) <= LEARNED_SIDE_PX:
        return picture
    small = picture.rgb.copy()
    small.thumbnail((LEARNED_SIDE_PX, LEARNED_SIDE_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
    small.info.clear()
    out = io.BytesIO()
    small.save(out, "JPEG", quality=LEARNED_QUALITY)
    with Image.open(out, formats=("JPEG",)) as image:
        return replace(picture, rgb=image.convert("RGB"))


def encoder_pixels(pictures: Sequence[Picture], space: np.ndarray | None = None) -> np.ndarray:
    """Return pictures as the encoder takes them: float32 (B, 3, 256, 256).

    Args:
        pictures: B of them.
        space: float32, for at least B pictures: where to write them; new memory costs a third of the time.
    """
    n = len(pictures)
    pixels = np.empty((n, 3, ENCODER_SIDE_PX, ENCODER_SIDE_PX), np.float32) if space is None else space[:n]
    for picture, own in zip(pictures, pixels, strict=True):  # one by one, so that it stays in the processor's cache
        own[:] = squashed(picture).transpose(2, 0, 1)
        own -= PIXEL_MEAN
        own /= PIXEL_SCALE
    return pixels


def thumbnail(picture: Picture, side_px: int = THUMBNAIL_SIDE_PX) -> bytes:
    """Return a JPEG whose longer side is at most `side_px`, without the photo's metadata."""
    small = picture.rgb.copy()
    small.thumbnail((side_px, side_px))
    small.info.clear()  # Pillow writes a comment found there into the JPEG
    out = io.BytesIO()
    small.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def miniature(picture: Picture) -> bytes:
    """Return a picture's brightness in 16 x 16 parts, then its two colour differences in 4 x 4 parts: 288 bytes."""
    parts = [
        picture.rgb.resize((side, side), Image.Resampling.BOX).convert("YCbCr")
        for side in (BRIGHTNESS_SIDE, COLOURS_SIDE)
    ]
    brightness, colours = parts[0].getchannel("Y"), parts[1]
    return brightness.tobytes() + colours.getchannel("Cb").tobytes() + colours.getchannel("Cr").tobytes()


def perceptual_hash(picture: Picture) -> str:
    """Return the perceptual hash, 64 bits in hexadecimal; the hashes of near-duplicates differ in few bits."""
    import imagehash  # brings SciPy; only captioning needs it

    return str(imagehash.phash(picture.rgb))
