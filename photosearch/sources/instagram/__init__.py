"""Photos of an Instagram profile, read with instaloader.

instaloader is imported when the first question is asked, never when this package is.
"""

from __future__ import annotations

from photosearch.sources.instagram.reading import InstagramReader
from photosearch.sources.instagram.source import KIND, InstagramSource

__all__ = ["KIND", "InstagramReader", "InstagramSource"]
