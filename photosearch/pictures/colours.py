"""Colours of pictures: a picture's ICC profile is applied, so that all that follows sees sRGB."""

from __future__ import annotations

import io

from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 16_000_000  # profiles of printers take up to some megabytes
_PROFILE_MODES = {"RGB": ("RGB", "RGBA"), "GRAY": ("L", "LA"), "CMYK": ("CMYK",)}  # by the profile's colour space
_SRGB_RED = (0.4361, 0.2225, 0.0139)  # of sRGB's profile (IEC 61966-2-1), adapted to D50
_TOLERANCE = 0.003
# What Pillow raises for profiles that are damaged, or that it cannot apply.
_UNUSABLE = (ImageCms.PyCMSError, OSError, ValueError, TypeError, OverflowError)


def to_srgb(image: Image.Image) -> Image.Image:
    """Return the picture with its ICC profile applied: mode RGB, or RGBA where it has transparency.

    The picture itself is returned where it has no profile, is sRGB already, or has a profile that is damaged or of
    another colour space: such a picture is shown by its plain values everywhere else, too.
    """
    data = image.info.get("icc_profile")
    if not isinstance(data, bytes) or not 0 < len(data) <= MAX_PROFILE_BYTES:
        return image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space = profile.profile.xcolor_space.strip()
        if image.mode not in _PROFILE_MODES.get(space, ()) or _is_srgb(profile):
            return image
        if image.mode == "LA":
            grey, alpha = image.split()
            converted = _apply(grey, profile, "RGB")
            converted.putalpha(alpha)
        else:
            converted = _apply(image, profile, "RGBA" if image.mode == "RGBA" else "RGB")
    except _UNUSABLE:
        return image
    converted.info.pop("icc_profile", None)
    return converted


def _apply(image: Image.Image, profile: ImageCms.ImageCmsProfile, mode: str) -> Image.Image:
    converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode=mode)
    if converted is None:  # only where it converts in place
        raise ValueError("the picture was not converted")
    return converted


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Return whether a profile calls itself sRGB and has its red; applying it would change nothing and take long."""
    red = profile.profile.red_colorant
    name = profile.profile.profile_description or ""
    return (
        name.lower().startswith("srgb")
        and red is not None
        and all(abs(own - its) <= _TOLERANCE for own, its in zip(red[0], _SRGB_RED, strict=True))
    )
