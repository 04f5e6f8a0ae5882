"""The library: what is kept of photos, and how."""

from photosearch.library.library import Library
from photosearch.library.work import Merge, Origin, Pending, Reading, Standing, photo_id

__all__ = ["Library", "Merge", "Origin", "Pending", "Reading", "Standing", "photo_id"]
