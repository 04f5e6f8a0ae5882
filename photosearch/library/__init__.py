"""What is kept, and how it is kept."""

from photosearch.library.library import Library
from photosearch.library.photos import CAPTIONER, CLASSIFIER, DETECTOR
from photosearch.library.work import Merge, Pending, Reading, photo_id

__all__ = ["CAPTIONER", "CLASSIFIER", "DETECTOR", "Library", "Merge", "Pending", "Reading", "photo_id"]
