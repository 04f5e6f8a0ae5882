"""Photos of an Instagram profile, read with instaloader.

instaloader is imported when the first question is asked, never when this package is.
"""

from __future__ import annotations

from photosearch.sources.instagram.profile import KIND, InstagramSource
from photosearch.sources.instagram.reading import InstagramReader

__all__ = ["KIND", "InstagramReader", "InstagramSource"]
