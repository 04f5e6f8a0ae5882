"""Pictures of what models found: attention as a heat map, boxes around objects."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from photosearch.records import Detection

HEAT_SIDE_PX = 112  # the side of a heat map, which the browser stretches over the photo
FIGURE_SIDE_PX = 720
_JPEG_QUALITY, _WEBP_QUALITY = 85, 80
# From no attention to the most: transparent, then red, orange, yellow, nearly white; with opacities.
_STOPS = (0.0, 0.25, 0.5, 0.75, 1.0)
_RED, _GREEN, _BLUE = (60, 170, 225, 250, 255), (0, 20, 80, 170, 235), (60, 60, 20, 30, 120)
_OPACITY = (0.0, 0.28, 0.5, 0.62, 0.72)
_BOXES = ("#f2a33a", "#4fb3bf", "#d95f8c", "#8bc34a", "#a58be0", "#e0d24a")  # one colour a label


def heat_map(weights: np.ndarray, grid: tuple[int, int], top: float | None = None) -> Image.Image:
    """Draw attention as a smooth RGBA heat map of `HEAT_SIDE_PX`, to be stretched over the whole photo.

    Args:
        weights: float (R), at least 0.
        grid: rows and columns of the regions.
        top: the weight that gets the hottest colour; by default the largest of `weights`.
    """
    rows, columns = grid
    coarse = Image.fromarray(weights.reshape(rows, columns).astype(np.float32))
    smooth = np.asarray(coarse.resize((HEAT_SIDE_PX, HEAT_SIDE_PX), Image.Resampling.BICUBIC))
    heat = np.clip(smooth / max(top or float(weights.max()), 1e-9), 0, 1)
    channels = [np.interp(heat, _STOPS, values) for values in (_RED, _GREEN, _BLUE)]
    alpha = np.interp(heat, _STOPS, _OPACITY) * 255
    return Image.fromarray(np.stack([*channels, alpha], axis=2).round().astype(np.uint8), "RGBA")


def as_webp(image: Image.Image) -> bytes:
    """Encode a picture with transparent parts as WebP."""
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_WEBP_QUALITY)
    return out.getvalue()


def as_jpeg(image: Image.Image, side_px: int = FIGURE_SIDE_PX) -> bytes:
    """Encode a picture as JPEG without metadata, its longer side at most `side_px`."""
    small = image.convert("RGB")
    small.thumbnail((side_px, side_px))
    small.info.clear()
    out = io.BytesIO()
    small.save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def with_boxes(photo: Image.Image, objects: Sequence[Detection]) -> Image.Image:
    """Draw a box with label and probability around each object; the most probable is drawn last, on top."""
    scale = FIGURE_SIDE_PX / max(photo.size)
    drawn = photo.convert("RGB").resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))))
    pen = ImageDraw.Draw(drawn)
    font = ImageFont.load_default(size=max(12, round(max(drawn.size) / 42)))
    colours = {label: _BOXES[i % len(_BOXES)] for i, label in enumerate(sorted({o.label for o in objects}))}
    for detection in reversed(objects):
        x, y, width, height = detection.box
        left, top = x * drawn.width, y * drawn.height
        right, bottom = (x + width) * drawn.width, (y + height) * drawn.height
        colour = colours[detection.label]
        pen.rectangle((left, top, max(right, left), max(bottom, top)), outline=colour, width=3)
        text = f" {detection.label} {detection.score:.0%} "
        box = pen.textbbox((max(left, 0), max(top, 0)), text, font=font)
        pen.rectangle((box[0], box[1] - 2, box[2], box[3] + 3), fill=colour)
        pen.text((max(left, 0), max(top, 0)), text, fill="black", font=font)
    return drawn
