"""What is kept, and how it is kept."""

from photosearch.library.library import Library, Merge, Pending, Reading, photo_id
from photosearch.library.photos import CAPTIONER, CLASSIFIER, DETECTOR

__all__ = ["CAPTIONER", "CLASSIFIER", "DETECTOR", "Library", "Merge", "Pending", "Reading", "photo_id"]
