"""The HTTP API, read-only: JSON and pictures, and a page that documents it."""

from photosearch.api.addresses import MAX_SIZE_PX, PREFIX, image_address
from photosearch.api.application import make_api

__all__ = ["MAX_SIZE_PX", "PREFIX", "image_address", "make_api"]
